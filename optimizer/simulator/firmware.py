"""What the status of each firmware looks like: which keys, of which type, under which name.

Key sets are those of recorded payloads (battery-api facts, section 1.4): the user's document of 2016, an eco 8 of 2020
(C) and of 2022 (F), the newest V1 seen of 2025 (I), a US ecoLinx of 2023 (G).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import StrEnum

from optimizer.devices.simulated.reading import HouseReading

Scalar = str | int | float | bool | None

_DEAD_BAND_W = 7.0
"""Below this the unit calls itself neither charging nor discharging."""


class Firmware(StrEnum):
    """Key profiles."""

    Y2016 = "2016"
    Y2020 = "2020"
    Y2022 = "2022"
    Y2025 = "2025"
    US = "us"


def float32(value: float) -> float:
    """Return a number as the device prints it: single precision, expanded to double."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _charging(reading: HouseReading) -> bool:
    return reading.battery_power_w > _DEAD_BAND_W


def _discharging(reading: HouseReading) -> bool:
    return reading.battery_power_w < -_DEAD_BAND_W


def _surplus_w(reading: HouseReading) -> float:
    return reading.production_w - reading.consumption_w


# Every key a status may carry and how it comes about. Percents and watts are rounded to the nearest integer; signs are
# the device's own: Pac_total_W + discharging, GridFeedIn_W + exporting.
_FIELDS: dict[str, Callable[[HouseReading], Scalar]] = {
    "Apparent_output": lambda r: round((r.battery_power_w**2 + 110.0**2) ** 0.5),
    "BackupBuffer": lambda r: str(round(100 * r.backup_soc)),
    "BatteryCharging": _charging,
    "BatteryDischarging": _discharging,
    "Consumption_Avg": lambda r: round(r.consumption_average_w),
    "Consumption_W": lambda r: round(r.consumption_w),
    "Fac": lambda r: float32(r.grid_frequency_hz) if r.grid_frequency_hz else 0,
    "FlowConsumptionBattery": _discharging,
    "FlowConsumptionGrid": lambda r: r.grid_power_w > _DEAD_BAND_W,
    "FlowConsumptionProduction": lambda r: r.production_w > 0 and r.consumption_w > 0,
    "FlowGridBattery": lambda r: _charging(r) and r.battery_power_w > _surplus_w(r) + _DEAD_BAND_W,
    "FlowProductionBattery": lambda r: _charging(r) and r.production_w > 0,
    "FlowProductionGrid": lambda r: r.production_w > 0 and r.grid_power_w < -_DEAD_BAND_W,
    "GridFeedIn_W": lambda r: -round(r.grid_power_w),
    "IsSystemInstalled": lambda r: 1,  # noqa: ARG005
    "NVM_REINIT_STATUS": lambda r: 0,  # noqa: ARG005
    "OperatingMode": lambda r: str(int(r.mode)),
    "Pac_total_W": lambda r: -round(r.battery_power_w),
    "Production_W": lambda r: round(r.production_w),
    "RSOC": lambda r: round(100 * r.relative_soc),
    "RemainingCapacity_W": lambda r: round(r.relative_soc * r.full_capacity_wh),
    "RemainingCapacity_Wh": lambda r: round(r.relative_soc * r.full_capacity_wh),
    "Sac1": lambda r: round((r.battery_power_w**2 + 110.0**2) ** 0.5),
    "Sac2": lambda r: None,  # noqa: ARG005
    "Sac3": lambda r: None,  # noqa: ARG005
    "SystemStatus": lambda r: "OnGrid" if r.on_grid else "OffGrid",
    "Timestamp": lambda r: r.local_time.strftime("%Y-%m-%d %H:%M:%S"),
    "USOC": lambda r: round(100 * r.user_soc),
    "Uac": lambda r: round(r.grid_voltage_v),
    "Ubat": lambda r: round(r.battery_voltage_v),
    "dischargeNotAllowed": lambda r: not r.discharge_allowed,
    "generator_autostart": lambda r: False,  # noqa: ARG005
}

_2016 = frozenset(
    {"Consumption_W", "Fac", "IsSystemInstalled", "Pac_total_W", "Production_W"}
    | {"RSOC", "Timestamp", "USOC", "Uac", "Ubat"}
)
_FLOWS = frozenset(name for name in _FIELDS if name.startswith("Flow"))
_COMMON = _2016 | _FLOWS | {"BackupBuffer", "BatteryCharging", "BatteryDischarging", "Consumption_Avg"}
_COMMON |= {"GridFeedIn_W", "OperatingMode", "SystemStatus"}
_SINGLE_PHASE = frozenset({"Apparent_output", "Sac1", "Sac2", "Sac3"})
_LATE_FLAGS = frozenset({"dischargeNotAllowed", "generator_autostart"})

KEYS: dict[Firmware, frozenset[str]] = {
    Firmware.Y2016: _2016,
    Firmware.Y2020: _COMMON | _SINGLE_PHASE | _LATE_FLAGS | {"RemainingCapacity_W"},
    Firmware.Y2022: _COMMON | _SINGLE_PHASE | {"RemainingCapacity_Wh"},
    Firmware.Y2025: _COMMON | _LATE_FLAGS | {"RemainingCapacity_Wh"},
    Firmware.US: _COMMON | {"RemainingCapacity_W"},
}
"""Keys of the status, per firmware."""
_SORTED_FIELDS = {firmware: [(name, _FIELDS[name]) for name in sorted(keys)] for firmware, keys in KEYS.items()}


def status_value(reading: HouseReading, name: str) -> Scalar:
    """Return one value of a status, as every firmware that has it writes it."""
    return _FIELDS[name](reading)


def status(reading: HouseReading, firmware: Firmware) -> dict[str, Scalar]:
    """Return the status of a firmware, keys sorted as the device sorts them."""
    payload = {name: field(reading) for name, field in _SORTED_FIELDS[firmware]}
    if firmware is Firmware.US and reading.on_grid:
        payload["Fac"] = 60
    return payload
