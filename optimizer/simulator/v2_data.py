"""What V2 tells besides the status: latest data, battery, power meters, inverter, inputs and outputs.

Keys and types are those of payloads that clients recorded (battery-api facts, sections 1.1 and 2.3; units of 2022 and
2023 with 210-V stacks). Where a unit reports something that this one does not have, the recorded idle value stands.
"""

from __future__ import annotations

from typing import Any

from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.reading import HouseReading
from optimizer.simulator.firmware import float32, status_value

_NOMINAL_V = 102.4
_ABSENT_SENSOR_C = -273.15
_REACTIVE_VA = 110.0
_PRIORITIES = ("BMS", "Energy Manager", "Full Charge Request", "Inverter", "Min User SOC", "Trickle Charge")


def latest_data(reading: HouseReading, parameters: BatteryParameters) -> dict[str, Any]:
    """Return ``latestdata``: measurements, the setpoint that acts, and why."""
    names = ("Consumption_W", "Pac_total_W", "Production_W", "RSOC", "Timestamp", "USOC")
    values: dict[str, Any] = {name: status_value(reading, name) for name in names}
    values["GridFeedIn_W"] = -round(reading.grid_power_w)
    values["FullChargeCapacity"] = round(reading.full_capacity_wh)
    values["SetPoint_W"] = 0 - round(reading.active_setpoint_w)
    values["UTC_Offet"] = round(reading.utc_offset_h)  # the device's own spelling
    values["ic_status"] = _ic_status(reading, parameters)
    return dict(sorted(values.items()))


def _ic_status(reading: HouseReading, parameters: BatteryParameters) -> dict[str, Any]:
    """Return the only place where the unit says why a setpoint is not obeyed."""
    held_by = set(reading.reasons) or {"Energy Manager"}
    return {
        "DC Shutdown Reason": {"HW_Shutdown": False, "No Setpoint received by HC": False},
        "Eclipse Led": {"Blinking Red": False, "Pulsing White": reading.on_grid, "Solid Red": False},
        "MISC Status Bits": {
            "Discharge not allowed": not reading.discharge_allowed,
            "Min System SOC": False,
            "Min User SOC": "Min User SOC" in held_by,
            "Setpoint Timeout": False,
        },
        "Setpoint Priority": {name: name in held_by for name in _PRIORITIES},
        "nrbatterymodules": parameters.modules,
        "secondssincefullcharge": round(reading.seconds_since_full),
        "statebms": "ready",
        "statecorecontrolmodule": "ongrid" if reading.on_grid else "offgrid",
        "stateinverter": "running",
        "timestamp": reading.local_time.strftime("%a %b %d %H:%M:%S %Y"),
    }


def battery_data(reading: HouseReading, parameters: BatteryParameters) -> dict[str, float]:
    """Return ``battery``: charge in ampere-hours, temperatures, limits; currents + charging."""
    volts = reading.battery_voltage_v
    full_ah = reading.full_capacity_wh / volts
    limit_a = round(max(parameters.battery.max_charge_w, parameters.battery.max_discharge_w) / volts, 2)
    cell_v = volts / 15.0
    values = {
        "balancechargerequest": 0.0,
        "chargecurrentlimit": limit_a,
        "cyclecount": float(int(reading.charged_wh / reading.full_capacity_wh)),
        "dischargecurrentlimit": limit_a,
        "fullchargecapacity": round(full_ah, 3),
        "fullchargecapacitywh": round(reading.full_capacity_wh, 2),
        "maximumcelltemperature": round(reading.temperature_c + 0.5, 2),
        "maximumcellvoltage": round(cell_v + 0.003, 3),
        "maximumcellvoltagenum": 0.0,
        "maximummodulecurrent": 0.0,
        "maximummoduledcvoltage": round(volts, 2),
        "maximummoduletemperature": _ABSENT_SENSOR_C,
        "minimumcelltemperature": round(reading.temperature_c - 0.5, 2),
        "minimumcellvoltage": round(cell_v - 0.003, 3),
        "minimumcellvoltagenum": 0.0,
        "minimummodulecurrent": 0.0,
        "minimummoduledcvoltage": round(volts, 2),
        "minimummoduletemperature": _ABSENT_SENSOR_C,
        "nominalmoduledcvoltage": _NOMINAL_V,
        "relativestateofcharge": float(round(100 * reading.relative_soc)),
        "remainingcapacity": round(reading.relative_soc * full_ah, 3),
        "systemalarm": 0.0,
        "systemaveragecurrent": 0.0,
        "systemcurrent": round(reading.battery_power_w / volts, 3),
        "systemdcvoltage": round(volts, 2),
        "systemstatus": 49.0,
        "systemtime": 0.0,
        "systemwarning": 0.0,
        "usableremainingcapacity": round(reading.user_soc * parameters.capacity_wh / volts, 3),
    }
    return dict(sorted(values.items()))


def inverter_data(reading: HouseReading) -> dict[str, float]:
    """Return ``inverter``: AC and DC side; ``pac_total`` + discharging, as in the status."""
    volts_ac, volts_dc = reading.grid_voltage_v, reading.battery_voltage_v
    apparent_va = (reading.battery_power_w**2 + _REACTIVE_VA**2) ** 0.5
    return {
        "fac": float32(reading.grid_frequency_hz),
        "iac_total": round(apparent_va / volts_ac, 2) if volts_ac else 0.0,
        "ibat": round(-reading.battery_power_w / volts_dc, 2),
        "ipv": 0.0,
        "pac_microgrid": 0.0 if reading.on_grid else round(-reading.battery_power_w, 2),
        "pac_total": round(-reading.battery_power_w, 2),
        "pbat": round(-reading.battery_power_w, 2),
        "phi": round(-reading.battery_power_w / apparent_va, 2),
        "ppv": 0.0,
        "sac_total": round(apparent_va, 2),
        "tmax": round(reading.temperature_c, 2),
        "uac": round(volts_ac, 2),
        "ubat": round(volts_dc, 2),
        "upv": 0.0,
    }


def powermeter_data(reading: HouseReading) -> list[dict[str, Any]]:
    """Return ``powermeter``: one entry for the sun, one for the house, on a single phase."""
    production = _meter(1, "production", reading.production_w, reading.production_wh, reading.grid_voltage_v)
    return [production, _meter(2, "consumption", reading.consumption_w, reading.load_wh, reading.grid_voltage_v)]


def _meter(channel: int, direction: str, watts: float, energy_wh: float, volts: float) -> dict[str, Any]:
    zeros = ("a_l2", "a_l3", "v_l1_l2", "v_l2_l3", "v_l2_n", "v_l3_l1", "v_l3_n", "var_total", "w_l2", "w_l3")
    power_w = float32(watts)
    values: dict[str, Any] = {
        "a_l1": float32(watts / volts) if volts else 0,
        "channel": channel,
        "deviceid": 4,
        "direction": direction,
        "error": 0,
        "kwh_exported": 0,
        "kwh_imported": float32(energy_wh / 1000.0),
        "v_l1_n": float32(volts),
        "va_total": power_w,
        "w_l1": power_w,
        "w_total": power_w,
    }
    return dict(sorted((dict.fromkeys(zeros, 0) | values).items()))
