"""What a battery can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """Limits and losses of a battery, seen from its AC terminals."""

    usable_capacity_wh: float
    """Energy between user state of charge 0 and 1 [Wh]."""
    max_charge_w: float
    """Largest AC power while charging [W]."""
    max_discharge_w: float
    """Largest AC power while discharging [W]."""
    charge_efficiency: float = 0.95
    """Energy stored per AC energy taken in [1]."""
    discharge_efficiency: float = 0.95
    """AC energy given out per energy taken from the store [1]."""
    min_soc: float = 0.0
    """Lowest state of charge to plan and command for [1]."""
    max_soc: float = 1.0
    """Highest state of charge to plan and command for [1]."""
    wear_cost_per_kwh: float = 0.0
    """Cost of wear per AC energy discharged [currency/kWh]."""
    standby_w: float = 0.0
    """Standing loss, taken from the store [W]."""

    @property
    def round_trip_efficiency(self) -> float:
        """AC energy out per AC energy in [1]."""
        return self.charge_efficiency * self.discharge_efficiency

    @property
    def min_energy_wh(self) -> float:
        """Stored energy at the lowest allowed state of charge [Wh]."""
        return self.min_soc * self.usable_capacity_wh

    @property
    def max_energy_wh(self) -> float:
        """Stored energy at the highest allowed state of charge [Wh]."""
        return self.max_soc * self.usable_capacity_wh

    @property
    def half_full_soc(self) -> float:
        """Half full, or the nearest edge of the allowed band where that excludes it: where a replay begins [1]."""
        return min(max(0.5, self.min_soc), self.max_soc)

    def energy_wh(self, soc: float) -> float:
        """Return the stored energy at a state of charge [Wh]."""
        return soc * self.usable_capacity_wh

    def stored_power_w(self, battery_power_w: float) -> float:
        """Return the rate at which the store fills for an AC power, losses taken, standby aside [W]."""
        if battery_power_w >= 0:
            return battery_power_w * self.charge_efficiency
        return battery_power_w / self.discharge_efficiency

    def ac_power_w(self, stored_power_w: float) -> float:
        """Return the AC power that fills the store at a rate: the inverse of :meth:`stored_power_w` [W]."""
        if stored_power_w >= 0:
            return stored_power_w / self.charge_efficiency
        return stored_power_w * self.discharge_efficiency
