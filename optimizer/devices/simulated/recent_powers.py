"""The powers of the last seconds: a unit's meters are not read all at the same moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_KEPT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Powers:
    """What flows at one instant; battery + charging [W]."""

    load_w: float
    production_w: float
    battery_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some time of constant load and sun in which the battery's power moves evenly, then stands."""

    start_s: float
    end_s: float
    load_w: float
    production_w: float
    battery_start_w: float
    battery_end_w: float
    ramp_s: float
    """How long the battery's power moves [s]; 0: not at all."""

    def at(self, instant_s: float) -> Powers:
        """Return the powers at an instant [s since the epoch]."""
        share = 1.0 if self.ramp_s <= 0 else min(1.0, max(0.0, (instant_s - self.start_s) / self.ramp_s))
        battery_w = self.battery_start_w + share * (self.battery_end_w - self.battery_start_w)
        return Powers(load_w=self.load_w, production_w=self.production_w, battery_w=battery_w)


class RecentPowers:
    """What flowed in the last seconds."""

    def __init__(self) -> None:
        self._stretches: deque[Stretch] = deque()

    def add(self, stretch: Stretch) -> None:
        """Note what flowed up to now."""
        self._stretches.append(stretch)
        while self._stretches[0].end_s < stretch.end_s - _KEPT_S:
            self._stretches.popleft()

    def at(self, instant_s: float, present: Powers) -> Powers:
        """Return what flowed at an instant; ``present`` where nothing older is known [s since the epoch]."""
        for stretch in reversed(self._stretches):
            if stretch.start_s <= instant_s < stretch.end_s:
                return stretch.at(instant_s)
        return present
