"""The contract between a strategy and the control loop.

A strategy says what it wants; the planner says how that is best reached; clamp and actuator say what is allowed,
for every strategy alike, after it has spoken. It is found by the entry-point group ``sunshift.strategies``: the
entry's name is the name used in the configuration, its value a class that fulfils :class:`Strategy`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import Plan, PlanStep
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.site import Site
from optimizer.domain.time_grid import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The present, as a strategy sees it: everything known, nothing guessed."""

    interval: Interval
    """The control interval that holds the present instant."""
    remaining_h: float
    """Time left in it [h]."""
    measurement: Measurement
    battery: Battery
    site: Site
    import_price_per_kwh: float | None
    """Price of this interval [currency/kWh]; None: not known."""
    export_price_per_kwh: float | None
    plan: Plan | None
    """The plan in force: checked, fresh and covering this interval; None: there is none to trust."""
    why_no_plan: str | None = None
    """Why there is none, for a person."""
    metered: Interval | None = None
    """The interval of the billing meter that holds the present instant; None: it is the control interval."""
    demand_charge: DemandCharge | None = None
    """The demand charge with the peak of the running billing period, where there is one."""
    mean_import_w: float = 0.0
    """Mean import since ``metered`` began: what the billing meter has counted so far [W]."""
    previous: Previous | None = None
    """The wish of the control step before, for those who lean to what they did; None: there is none."""

    @property
    def meter_interval(self) -> Interval:
        """The interval over which import is averaged for a peak."""
        return self.metered or self.interval

    @property
    def metered_h(self) -> float:
        """How much of the meter's interval has passed [h]."""
        passed = self.measurement.at - self.meter_interval.start
        return min(max(0.0, passed.total_seconds() / 3600.0), self.meter_interval.hours)

    @property
    def plan_index(self) -> int | None:
        """Index of the present interval in the plan."""
        return None if self.plan is None else self.plan.index_at(self.measurement.at)

    @property
    def plan_step(self) -> PlanStep | None:
        """The plan's own idea of this interval."""
        index = self.plan_index
        return None if self.plan is None or index is None else self.plan.steps[index]

    @property
    def without_plan(self) -> str:
        """What to tell a person where there is no plan to trust."""
        return f"no plan to trust ({self.why_no_plan})" if self.why_no_plan else "no plan to trust"

    @property
    def energy_value(self) -> EnergyValue | None:
        """Worth of stored energy at the end of this interval."""
        index = self.plan_index
        return None if self.plan is None or index is None else self.plan.values[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a strategy wants now."""

    battery_power_w: float
    """+ charging [W]; may exceed what is allowed."""
    reason: str
    """Why, for a person: with the prices and the worth it was weighed on."""
    self_consumption: bool = False
    """True where the battery's own automatic mode does what is wanted for any load or sun until the interval ends."""
    energy_value_per_kwh: float | None = None
    """The worth of stored energy this was weighed against [currency/kWh]."""
    regime: str | None = None
    """Name of the rule behind the power, such as ``hold``; what counts as a change of mind."""


def check_wish(wish: object) -> None:
    """Look at what a strategy returned, which may be anything.

    Raises
    ------
    TypeError
        It is no wish, or gives no reason in words.
    ValueError
        One of its numbers is none.
    """
    if not isinstance(wish, Wish) or not isinstance(wish.reason, str):
        msg = f"it returned {wish!r:.200}, which is no wish with a reason in words"
        raise TypeError(msg)
    if not math.isfinite(wish.battery_power_w):
        msg = f"it wished for {wish.battery_power_w} W"
        raise ValueError(msg)
    if wish.energy_value_per_kwh is not None and not math.isfinite(wish.energy_value_per_kwh):
        msg = f"it weighed against {wish.energy_value_per_kwh} for a kWh"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The wish of the control step before, and what it stood on."""

    wish: Wish
    interval: Interval
    plan_made_at: datetime | None

    def stands_on_the_same(self, situation: Situation) -> bool:
        """Whether neither the interval nor the plan has changed since."""
        made_at = None if situation.plan is None else situation.plan.made_at
        return self.interval == situation.interval and self.plan_made_at == made_at


class Strategy(Protocol):
    """One policy."""

    Parameters: ClassVar[type[BaseModel]]
    """Schema of the strategy's own table ``[strategies.<name>]``, every field with a default and a description."""
    description: ClassVar[str]
    """One sentence for ``sunshift strategies``."""

    def __init__(self, parameters: Any) -> None:
        """Take an instance of ``Parameters``."""
        ...

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Return the problem this strategy wants planned, given the home's own; None: it needs no plan."""
        ...

    def decide(self, situation: Situation) -> Wish:
        """Return what is wanted now. Pure: no clock, no I/O, no memory."""
        ...
