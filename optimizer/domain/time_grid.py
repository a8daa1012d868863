"""A regular grid of intervals on the UTC time line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A half-open stretch of time ``[start, end)``."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """Length [h]."""
        return (self.end - self.start) / timedelta(hours=1)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeGrid:
    """``count`` intervals of equal length, one after the other.

    Regular in UTC, so a local day of a clock change simply has 92 or 100 quarter hours.
    """

    start: datetime
    step: timedelta
    count: int

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("the start of a time grid must be aware (carry an offset)")
        if self.step <= timedelta(0) or self.count < 1:
            msg = f"a time grid needs a positive step and at least one interval, got {self.step} x {self.count}"
            raise ValueError(msg)
        object.__setattr__(self, "start", self.start.astimezone(UTC))

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        return self.start + self.count * self.step

    @property
    def step_s(self) -> float:
        """Length of one interval [s]."""
        return self.step.total_seconds()

    @property
    def step_h(self) -> float:
        """Length of one interval [h]."""
        return self.step / timedelta(hours=1)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Interval]:
        return (self.interval(index) for index in range(self.count))

    def interval(self, index: int) -> Interval:
        """Return the interval at ``index``."""
        start = self.start + index * self.step
        return Interval(start=start, end=start + self.step)

    def index_of(self, instant: datetime) -> int | None:
        """Return the index of the interval that holds ``instant``, or None outside the grid."""
        index = (instant - self.start) // self.step
        return index if 0 <= index < self.count else None

    def from_index(self, index: int) -> TimeGrid:
        """Return the part of the grid from ``index`` on."""
        return TimeGrid(start=self.start + index * self.step, step=self.step, count=self.count - index)


def common_step(*lengths: timedelta) -> timedelta:
    """Return the longest time, in whole seconds, that divides all of them."""
    return timedelta(seconds=math.gcd(*(round(one.total_seconds()) for one in lengths)))


def floor_to_step(instant: datetime, step: timedelta) -> datetime:
    """Return the last multiple of ``step`` (counted from midnight UTC) at or before ``instant``, in UTC."""
    utc = instant.astimezone(UTC)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (utc - midnight) // step * step
