"""The section ``[control]``: how a plan becomes setpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import Field

from optimizer.settings.duration import UNITS, Duration, format_duration, within
from optimizer.settings.quantities import Count, NonNegative, Number
from optimizer.settings.section import Conflict, Section

SECOND = UNITS["s"]
LONGEST_LEASE = 3 * UNITS["min"]
"""Enough for the slowest poll and the rarest reassert, whatever the messages below propose."""
USUAL_AGE = 45 * SECOND
"""Up to this an age needs no second thought, however short the lease."""


class ControlSettings(Section):
    """How the plan becomes setpoints, and how carefully."""

    observe: bool = False
    """Whether to poll, plan, record and show, and command nothing."""
    poll_interval: Annotated[Duration, within(5 * SECOND, 60 * SECOND)] = Field(default=10 * SECOND)
    """How often to read the battery and decide; faster than 5s has crashed real units."""
    dead_band_w: NonNegative = 50.0
    """Smallest change of a setpoint worth sending [W]."""
    ramp_w_per_s: Annotated[Number, Gt(0)] | None = Field(default=None, examples=[500])
    """Fastest change of the setpoint [W/s]; absent: no limit."""
    settling: Annotated[Duration, within(SECOND, 10 * UNITS["min"])] = Field(default=30 * SECOND)
    """How long the battery may take to follow a command before it counts as not followed."""
    max_measurement_age: Annotated[Duration, within(5 * SECOND, LONGEST_LEASE)] = Field(default=USUAL_AGE)
    """Oldest measurement that a command may rest on."""
    prefer_automatic: bool = True
    """Whether to leave the battery in its own automatic mode where that does what the plan wants."""
    max_mode_changes_per_hour: Annotated[Count, Ge(1), Le(360)] = 12
    """How often the operating mode may be changed."""
    reassert: Annotated[Duration, within(5 * SECOND, 2 * UNITS["min"])] = Field(default=60 * SECOND)
    """How often a standing command is sent anew: batteries forget it when they restart at night."""
    lease: Annotated[Duration, within(10 * SECOND, LONGEST_LEASE)] = Field(default=90 * SECOND)
    """How long a command stands without a verified read-back before the battery is handed back; more than two polls.
    Above the default only for slow polls: as long may a command outlive a service that hangs."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield ages that run out before they can be renewed."""
        # A missed poll, and the time a slow battery takes to answer, should not end a command.
        works = 2 * self.poll_interval + 25 * SECOND
        if self.lease <= 2 * self.poll_interval:
            lease, polls = format_duration(self.lease), format_duration(2 * self.poll_interval)
            lasts = format_duration(max(works, self.reassert + self.poll_interval))
            yield Conflict(
                "lease",
                f"is {lease}, it must be longer than two times poll_interval ({polls}), or one late poll ends every "
                f'command; "{lasts}" works',
            )
        elif self.lease <= self.reassert:
            yield Conflict("lease", "must be longer than reassert, or every command ends before it is renewed")
        if self.max_measurement_age <= self.poll_interval:
            age, poll = format_duration(self.max_measurement_age), format_duration(self.poll_interval)
            yield Conflict(
                "max_measurement_age",
                f"is {age}, it must be longer than poll_interval ({poll}), or no measurement is ever fresh; "
                f'"{format_duration(works)}" works',
            )
        elif self.max_measurement_age > max(self.lease, USUAL_AGE):
            age, lease = format_duration(self.max_measurement_age), format_duration(self.lease)
            yield Conflict(
                "max_measurement_age",
                f"is {age}, it must not be longer than lease ({lease}), or old data keeps a command alive",
            )
