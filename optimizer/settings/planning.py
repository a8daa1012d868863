"""The section ``[planning]``: how far ahead, how finely, how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import Field

from optimizer.settings.duration import UNITS, Duration, format_duration, within
from optimizer.settings.quantities import Count, NonNegative, Share
from optimizer.settings.section import Conflict, Section

DAY = timedelta(days=1)
MOST_STEPS = 5000
"""A plan is made in a fraction of a second up to here; more is a slip of the pen."""


class PlanningSettings(Section):
    """How far ahead to plan, how finely and how often."""

    step: Annotated[Duration, within(UNITS["min"], UNITS["h"])] = Field(default=15 * UNITS["min"])
    """Length of one interval of the plan; must divide an hour, and tariff.demand.interval."""
    horizon: Annotated[Duration, within(UNITS["min"], 14 * DAY)] = Field(default=36 * UNITS["h"])
    """How far ahead to plan; a multiple of the step."""
    replan: Annotated[Duration, within(UNITS["min"], DAY)] = Field(default=15 * UNITS["min"])
    """How often to plan anew; must divide a day."""
    scenarios: Annotated[Count, Ge(1), Le(100)] = 28
    """How many possible futures of load and sun a plan weighs."""
    switching_share: Share = 0.3
    """How likely a possible future gives way to another at each switch, 0..1; 0: each is known to its end."""
    switching_every: Annotated[Duration, within(UNITS["min"], 14 * DAY)] = Field(default=3 * UNITS["h"])
    """How far apart the switches are, the first one from the start of the plan; rounded to steps."""
    method: Literal["recursion", "lp"] = "recursion"
    """recursion: fast and exact, checked hourly, the linear program where it is not; lp: that one first, always."""
    time_limit: Annotated[Duration, within(UNITS["ms"], 10 * UNITS["min"])] = Field(default=10 * UNITS["s"])
    """Longest time the solver may take for one plan."""
    terminal_value_per_kwh: NonNegative | None = Field(default=None, examples=[0.15])
    """Worth of one stored kWh at the end of the horizon [currency/kWh]; by default derived from the prices."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield steps that do not fit into hour, day or horizon."""
        if UNITS["h"] % self.step:
            yield Conflict("step", "must divide an hour: 5min, 10min, 15min, 30min and 1h do")
        if DAY % self.replan:
            yield Conflict("replan", "must divide a day: 5min, 15min, 30min, 1h and 6h do")
        yield from self._horizon_conflicts()

    def _horizon_conflicts(self) -> Iterator[Conflict]:
        step = format_duration(self.step)
        if self.horizon < 2 * self.step:
            yield Conflict("horizon", f"must hold at least two steps of {step}, got {format_duration(self.horizon)}")
        elif self.horizon % self.step:
            yield Conflict("horizon", f"must be a multiple of the step ({step}), got {format_duration(self.horizon)}")
        elif self.horizon // self.step > MOST_STEPS:
            yield Conflict("horizon", f"holds {self.horizon // self.step} steps of {step}: shorten it or lengthen step")
