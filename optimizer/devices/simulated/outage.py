"""The restart a real unit takes at night: it refuses, then a web server without a battery behind it, then it is back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum


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
