"""A clock that runs some times faster than life."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from optimizer.clock import Clock, WallClock


class ScaledClock:
    """Real time times ``speed``, from ``start`` on.

    Parameters
    ----------
    speed
        Simulated seconds per real second, > 0.
    start
        First simulated instant; now where absent.
    base
        What counts as real.
    """

    def __init__(self, *, speed: float, start: datetime | None = None, base: Clock | None = None) -> None:
        if not 0 < speed < float("inf"):
            msg = f"the speed of a clock must be positive and finite, got {speed}"
            raise ValueError(msg)
        self.speed = speed
        self._base = base or WallClock()
        self._begin_s = self._base.elapsed()
        self._start = (start or self._base.now()).astimezone(UTC)

    def now(self) -> datetime:
        """Return the simulated instant in UTC."""
        return self._start + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Return the simulated time since the start [s]."""
        return (self._base.elapsed() - self._begin_s) * self.speed

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Wait for simulated seconds."""
        return self._base.wait(seconds / self.speed, wake)
