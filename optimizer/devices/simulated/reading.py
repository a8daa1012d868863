"""What the simulated battery knows about itself and the house at one instant, before any face rounds or names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from optimizer.devices.simulated.modes import DeviceMode


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseReading:
    """One instant. Powers in the project's signs: battery + charging, grid + importing."""

    at: datetime
    """World time (UTC)."""
    local_time: datetime
    """The device's own clock: local, without a zone, skew included."""
    utc_offset_h: float
    """Offset of the device's zone [h]."""
    consumption_w: float
    consumption_average_w: float
    """Mean over the last 60 s [W]."""
    production_w: float
    battery_power_w: float
    grid_power_w: float
    """As metered: a few watts off the balance, and more while something changes [W]."""
    user_soc: float
    """0..1; never below 0, where standby may have eaten into the reserve."""
    relative_soc: float
    """Share of the full battery, reserve included, 0..1."""
    full_capacity_wh: float
    """Reserve included [Wh]."""
    mode: DeviceMode
    setpoint_w: float | None
    """The command that stands, + charging [W]; None: none since the last restart."""
    active_setpoint_w: float
    """What the battery is made to do by whoever decides, + charging [W]."""
    backup_soc: float
    discharge_allowed: bool
    on_grid: bool
    vpp_active: bool
    grid_frequency_hz: float
    grid_voltage_v: float
    battery_voltage_v: float
    temperature_c: float
    """Of cells and inverter alike [degC]."""
    imported_wh: float
    """Meter readings since the start [Wh]."""
    exported_wh: float
    load_wh: float
    production_wh: float
    charged_wh: float
    seconds_since_full: float
    reasons: tuple[str, ...] = ()
    """Why the setpoint is not followed, in the words of V2."""


@dataclass(slots=True)
class EnergyTotals:
    """Energy since the start, integrated exactly over every step [Wh]."""

    imported_wh: float = 0.0
    exported_wh: float = 0.0
    charged_wh: float = 0.0
    """AC, the idle draw included."""
    discharged_wh: float = 0.0
    """AC."""
    load_wh: float = 0.0
    """Served."""
    production_wh: float = 0.0
    """Used or exported."""
    curtailed_wh: float = 0.0
    """PV with nowhere to go (off the grid)."""
    unserved_wh: float = 0.0
    """Load in the dark (off the grid)."""
    stored_wh: float = 0.0
    """Net into the cells, standby not taken off."""
    standby_wh: float = 0.0
    """Lost by the cells."""
    seconds: float = field(default=0.0)

    def add(self, seconds: float, *, load_w: float, production_w: float, battery_w: float, grid_w: float) -> None:
        """Add one step of constant powers."""
        hours = seconds / 3600.0
        self.seconds += seconds
        self.load_wh += load_w * hours
        self.production_wh += production_w * hours
        self.charged_wh += max(0.0, battery_w) * hours
        self.discharged_wh += max(0.0, -battery_w) * hours
        self.imported_wh += max(0.0, grid_w) * hours
        self.exported_wh += max(0.0, -grid_w) * hours
