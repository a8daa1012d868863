"""Heat: losses warm the battery above its room, and outside a band of temperature it gives less power.

A 9.53 manual says that the unit derates below 5 and above 30 degrees of its room. How steeply is not published; here
full power can be held for ever in a room of 30 degrees and nothing is left 15 K further on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thermal:
    """How warm the battery gets, and what that costs."""

    ambient_c: float = 20.0
    """Temperature of the room [degC]."""
    rise_k: float = 15.0
    """Warming above the room at full power, in the long run; in proportion to the loss below it [K]."""
    time_constant_s: float = 5400.0
    """Time in which 63 % of a change of temperature has happened [s]."""
    warm_c: float = 45.0
    """Up to here all power is there [degC]."""
    hot_c: float = 60.0
    """From here on none is [degC]."""
    cool_c: float = 5.0
    """Down to here all power is there [degC]."""
    cold_c: float = -5.0
    """From here down none is [degC]."""

    def after(self, temperature_c: float, loss_share: float, seconds: float) -> float:
        """Return the temperature after some time of constant loss, given as a share of that at full power [degC]."""
        end_c = self.ambient_c + self.rise_k * loss_share
        return end_c + (temperature_c - end_c) * math.exp(-seconds / self.time_constant_s)

    def power_share(self, temperature_c: float) -> float:
        """Return the share of the inverter's power that is left at a temperature, 0..1."""
        from_heat = (self.hot_c - temperature_c) / (self.hot_c - self.warm_c)
        from_cold = (temperature_c - self.cold_c) / (self.cool_c - self.cold_c)
        return min(1.0, max(0.0, min(from_heat, from_cold)))
