"""The battery: reached, understood, and like what the configuration says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from optimizer.devices.port import BatteryDevice
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.errors import DeviceError, DeviceTimeout, DeviceUnreachable
from optimizer.service.checks.result import Finding, failed, passed, warned

BALANCE_W, BALANCE_SHARE = 150.0, 0.05
"""The powers are sampled one after the other: up to 22 W of difference is usual, 204 W was seen [W, 1]."""

CLOCK = timedelta(minutes=5)
"""So far a battery's clock may be off without a word."""


def read_battery(device: BatteryDevice) -> tuple[Measurement | None, Finding]:
    """Read the battery once; nothing is written to it."""
    try:
        seen = device.read()
    except DeviceError as error:
        return None, failed("battery", str(error), _advice(error))
    return seen, passed("battery", f"{device.name}: {_values(seen)}")


def check_measurement(seen: Measurement, device: BatteryDevice, battery: Battery) -> Iterator[Finding]:
    """Judge what the battery told of itself."""
    yield _balance(seen)
    yield _mode(seen, device)
    yield from _size(seen, battery)
    if seen.on_grid is False:
        yield warned("grid", "the battery runs off-grid: it acknowledges commands and does not follow them", "wait")
    if seen.discharge_allowed is False:
        yield warned("care", "the battery's own care forbids discharging for now", "nothing: it ends by itself")


def check_device_clock(seen: Measurement, at_home: datetime) -> Iterator[Finding]:
    """Hold the battery's clock, which shows its local time, against the home's: only so does a wrong zone show."""
    if seen.device_time is None:
        return
    off = seen.device_time - at_home.replace(tzinfo=None)
    if abs(off) <= CLOCK:
        yield passed("device clock", f"as here, {seen.device_time:%H:%M}")
        return
    minutes = round(abs(off) / timedelta(minutes=1))
    where = "ahead of" if off > timedelta(0) else "behind"
    yield warned(
        "device clock",
        f"the battery says {seen.device_time:%Y-%m-%d %H:%M}, {minutes} min {where} {at_home:%H:%M %Z} here",
        "check [site] timezone and this computer's clock (timedatectl), on which prices and sun rest; "
        "a battery's own clock that is wrong does no harm",
    )


def _advice(error: DeviceError) -> str:
    """Return what to do where nobody answers; whatever does answer wrongly, its error says so itself."""
    if isinstance(error, DeviceUnreachable | DeviceTimeout):
        return "check [battery] host and port, and that this machine reaches them"
    return ""


def _values(seen: Measurement) -> str:
    return (
        f"charge {seen.soc:.0%}, load {seen.consumption_w:.0f} W, sun {seen.production_w:.0f} W, "
        f"battery {seen.battery_power_w:+.0f} W (+ charges), grid {seen.grid_power_w:+.0f} W (+ imports)"
    )


def _balance(seen: Measurement) -> Finding:
    residual_w = seen.balance_residual_w
    if residual_w is None:
        return passed("balance", "the grid power is not reported: it is taken from load, sun and battery")
    largest_w = max(seen.consumption_w, seen.production_w, abs(seen.battery_power_w))
    if abs(residual_w) > max(BALANCE_W, BALANCE_SHARE * largest_w):
        advice = "run the check again; if it stays, have the meters' installation checked: plans rest on these powers"
        return warned("balance", f"load, sun, battery and grid fail to add up by {residual_w:+.0f} W", advice)
    return passed("balance", f"load, sun, battery and grid add up within {abs(residual_w):.0f} W")


def _mode(seen: Measurement, device: BatteryDevice) -> Finding:
    can = device.capabilities.can_set_mode
    if can:
        return passed("mode", f"{seen.mode}; the mode can be set")
    if seen.mode is OperatingMode.MANUAL:
        return passed("mode", "manual, as it must be where the mode cannot be set: setpoints are followed")
    advice = "put it into manual mode on its own page, or try [battery] mode_control = true"
    if seen.mode is OperatingMode.UNKNOWN:
        return warned("mode", "the battery does not tell its mode, and setpoints are followed in manual only", advice)
    return failed("mode", f"{seen.mode}, in which setpoints are not followed, and it cannot be set from here", advice)


def _size(seen: Measurement, battery: Battery) -> Iterator[Finding]:
    power_w, limit_w = seen.battery_power_w, battery.max_charge_w
    if power_w < 0:
        power_w, limit_w = -power_w, battery.max_discharge_w
    if power_w > 1.1 * limit_w:
        told = f"the battery's power is {power_w:.0f} W, more than its limit of {limit_w:.0f} W as configured"
        yield warned("size", told, "correct [battery] max_charge_w and max_discharge_w")
    hours = battery.usable_capacity_wh / max(battery.max_charge_w, battery.max_discharge_w, 1.0)
    if not 0.4 <= hours <= 12.0:
        told = f"{battery.usable_capacity_wh:.0f} Wh would be full in {hours:.1f} h at full power: an unusual battery"
        yield warned("size", told, "check usable_capacity_wh: in Wh, and some units report twice the truth")
