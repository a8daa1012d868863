"""What the battery is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Automatic:
    """The battery's own self-consumption mode: handed back, harmless if we die."""

    def __str__(self) -> str:
        return "automatic"


@dataclass(frozen=True, slots=True)
class Power:
    """A forced power.

    The device keeps it for ever, so whoever sends it must take it back.
    """

    battery_power_w: float
    """+ charging [W]."""

    def __str__(self) -> str:
        if self.battery_power_w > 0:
            return f"charge {self.battery_power_w:.0f} W"
        if self.battery_power_w < 0:
            return f"discharge {-self.battery_power_w:.0f} W"
        return "idle"


Setpoint = Automatic | Power
