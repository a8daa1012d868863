"""What makes one simulated battery differ from another."""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.devices.simulated.thermal import Thermal
from optimizer.domain.battery import Battery

FIXED_LOSS_W = 20.0
"""Conversion loss of a usual unit at any power above idle: 20 of 300 W, but 20 of 3000 W [W]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryParameters:
    """A battery with the habits of a real one; every habit can be switched off.

    The defaults follow what public sources report of eco 8 and sonnenBatterie 10 units: 2 to 10 s until a command is
    obeyed, an idle draw of 3 to 7 W, 20 to 30 W taken from the cells, a few watts of error.
    """

    battery: Battery
    standby_w: float = 25.0
    """Loss of the cells and their management, always, taken from the store [W]."""
    idle_w: float = 5.0
    """What the idle inverter draws from the AC side, never stored [W]."""
    fixed_loss_w: float = FIXED_LOSS_W
    """Conversion loss at any power above idle, which makes small powers inefficient [W]."""
    dead_time_s: float = 3.0
    """From a command to the first change of power [s]."""
    automatic_dead_time_s: float = 1.0
    """The same for the battery's own regulation [s]."""
    ramp_w_per_s: float = 1500.0
    """How fast the power moves [W/s]."""
    error_w: float = 3.0
    """Largest difference between asked and delivered power, drawn anew with every command [W]."""
    taper_from_soc: float | None = 0.93
    """User state of charge above which charging weakens linearly [1]; None: never."""
    taper_floor: float = 0.08
    """Share of the charging power left just below full [1]: without it the battery would never fill."""
    reserve: float = 0.07
    """Share of the full battery below user state of charge 0 [1]; published pairs of RSOC and USOC fit 4 to 8 %."""
    restart_margin: float = 0.01
    """How far the state of charge must leave full or empty before power flows that way again [1]."""
    power_share: float = 1.0
    """Share of the inverter's power left, whatever the temperature [1]."""
    module_wh: float = 5000.0
    """Usable energy of one module, which says how many there are [Wh]."""
    thermal: Thermal = field(default_factory=Thermal)
    """How warm it gets, and what that costs."""
    seed: int = 0
    """Seed of the power error."""

    @property
    def capacity_wh(self) -> float:
        """Energy between user state of charge 0 and 1 [Wh]."""
        return self.battery.usable_capacity_wh

    @property
    def modules(self) -> int:
        """How many modules a battery of this size has."""
        return max(1, round(self.capacity_wh / self.module_wh))

    @property
    def full_capacity_wh(self) -> float:
        """Energy of the full battery, reserve included [Wh]."""
        return self.capacity_wh / (1.0 - self.reserve)

    def relative_soc(self, user_soc: float) -> float:
        """Return RSOC for a user state of charge: ``USOC = (RSOC - r) / (1 - r)`` [1]."""
        return max(0.0, self.reserve + (1.0 - self.reserve) * user_soc)

    def max_charge_w(self, soc: float, temperature_c: float) -> float:
        """Return the largest charging power at a user state of charge, taper and derating included [W]."""
        limit = self._share(temperature_c) * self.battery.max_charge_w
        if self.taper_from_soc is None or soc <= self.taper_from_soc:
            return limit
        return limit * max(self.taper_floor, (1.0 - soc) / (1.0 - self.taper_from_soc))

    def max_discharge_w(self, temperature_c: float) -> float:
        """Return the largest discharging power, derating included [W]."""
        return self._share(temperature_c) * self.battery.max_discharge_w

    def warmed_c(self, temperature_c: float, loss_w: float, seconds: float) -> float:
        """Return the temperature after some time of a constant loss, standby included [degC]."""
        return self.thermal.after(temperature_c, loss_w / self._full_loss_w, seconds)

    @property
    def _full_loss_w(self) -> float:
        """Loss at full power, standby included [W]."""
        battery = self.battery
        charging_w = battery.max_charge_w * (1.0 - battery.charge_efficiency)
        discharging_w = battery.max_discharge_w * (1.0 / battery.discharge_efficiency - 1.0)
        return max(1.0, max(charging_w, discharging_w) + self.fixed_loss_w + self.standby_w)

    def _share(self, temperature_c: float) -> float:
        return self.power_share * self.thermal.power_share(temperature_c)

    def is_near_taper(self, soc: float) -> bool:
        """Return whether the charging limit moves with the state of charge here, or soon will."""
        return self.taper_from_soc is not None and soc > self.taper_from_soc - 0.01
