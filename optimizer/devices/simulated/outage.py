"""The restart a real unit takes at night: it refuses, then a web server without a battery answers, then it is back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Availability(StrEnum):
    """Whether the device answers."""

    UP = "up"
    REFUSING = "refusing"
    """Nothing listens."""
    BAD_GATEWAY = "bad_gateway"
    """A web server answers 502 with HTML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyRestart:
    """When, by the device's local clock, and for how long.

    The hour differs per unit: 01:24, 02:49 and 03:40 were reported.
    """

    at: time = time(2, 49)
    refusing_s: float = 120.0
    bad_gateway_s: float = 180.0

    def next_after(self, at_s: float, timezone: ZoneInfo) -> float:
        """Return the next restart later than an instant [s since the epoch]."""
        today = datetime.fromtimestamp(at_s, timezone).date()
        nights = (datetime.combine(today + timedelta(days=day), self.at, timezone).timestamp() for day in range(3))
        return next(night_s for night_s in nights if night_s > at_s + 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One restart, in seconds of the simulated world."""

    start_s: float
    refusing_until_s: float
    end_s: float

    def availability(self, at_s: float) -> Availability:
        """Return what a caller meets at an instant [s]."""
        if not self.start_s <= at_s < self.end_s:
            return Availability.UP
        return Availability.REFUSING if at_s < self.refusing_until_s else Availability.BAD_GATEWAY
