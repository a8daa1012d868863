"""The only source of time.

Two clocks, for two questions. *When is it?* is answered in UTC and may jump when the system's clock is set.
*How long ago?* is answered by the boot-time clock, which only runs forward and counts suspended time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What everything that needs the time is handed."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return a reading of the clock for ages, which never runs backwards [s]."""
        ...

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Wait for ``seconds`` or until ``wake`` is set; return whether it was set."""
        ...


def boot_time_s() -> float:
    """Return the time since boot, suspended time included [s].

    Falls back to the monotonic clock where the system has no boot-time clock.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()  # noqa: TID251 - this module is the one place


class WallClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Return the boot-time clock [s]."""
        return boot_time_s()

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Wait in real time."""
        return wake.wait(max(0.0, seconds))


class SimulatedClock:
    """A clock that moves only when told to.

    Waiting moves it forward at once; whoever must keep up with it (a simulated battery, due jobs) subscribes.

    Parameters
    ----------
    start
        First instant, aware.
    pace
        Called with the seconds of every advance, for instance to sleep a fraction of them so that a person can watch.
    """

    def __init__(self, start: datetime, *, pace: Callable[[float], None] | None = None) -> None:
        if start.tzinfo is None:
            msg = f"a simulated clock needs an aware start, got {start.isoformat()}"
            raise ValueError(msg)
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        self._pace = pace
        self._subscribers: list[Callable[[datetime], None]] = []

    def now(self) -> datetime:
        """Return the simulated instant in UTC."""
        return self._now

    def elapsed(self) -> float:
        """Return the simulated time since the start [s]."""
        return self._elapsed

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Advance by ``seconds`` unless ``wake`` is set already."""
        if wake.is_set():
            return True
        self.advance(max(0.0, seconds))
        return wake.is_set()

    def advance(self, seconds: float) -> None:
        """Move time forward and tell the subscribers [s]."""
        if seconds < 0:
            msg = f"time runs forward: cannot advance by {seconds} s (use step_wall_clock)"
            raise ValueError(msg)
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
        if self._pace is not None:
            self._pace(seconds)
        for tell in self._subscribers:
            tell(self._now)

    def step_wall_clock(self, seconds: float) -> None:
        """Set the wall clock forward or back, as NTP or a person does; ages stay right [s]."""
        self._now += timedelta(seconds=seconds)

    def subscribe(self, tell: Callable[[datetime], None]) -> None:
        """Call ``tell`` with the new instant after every advance."""
        self._subscribers.append(tell)


def real_deadline(seconds: float) -> Callable[[], float]:
    """Return a function that tells the real time left of ``seconds``, never negative [s].

    For I/O alone: a socket waits in real time whatever the simulated clock says.
    """
    end = boot_time_s() + seconds
    return lambda: max(0.0, end - boot_time_s())
