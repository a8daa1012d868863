"""How the demo says a power, a price, a time: one way, in every view."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Automatic

IDLE_W = 30.0
"""Below this a power is standby or the noise of regulation, not an action [W]."""

OUTCOMES = {
    Outcome.APPLIED: "sent and read back",
    Outcome.KEPT: "stands already",
    Outcome.OBSERVED: "watched only",
    Outcome.FAILED: "failed",
    Outcome.HANDED_BACK: "handed back",
    Outcome.STOOD_DOWN: "stood down",
}


def power(power_w: float) -> str:
    """Return a magnitude in kilowatts, such as ``2.70 kW``."""
    return f"{abs(power_w) / 1000:.2f} kW"


def cents(price_per_kwh: float) -> str:
    """Return a price per kWh in cents with one decimal, such as ``31.2``."""
    return f"{100 * price_per_kwh:.1f}"


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """Return the local weekday and time, such as ``Tue 14:35``."""
    return f"{instant.astimezone(zone):%a %H:%M}"


def battery_direction(power_w: float) -> str:
    """Return what a battery does with this power, + charging [W]."""
    if abs(power_w) < IDLE_W:
        return "resting"
    return "charging" if power_w > 0 else "discharging"


def grid_direction(power_w: float) -> str:
    """Return which way the grid flows, + importing [W]."""
    if abs(power_w) < IDLE_W:
        return "in balance"
    return "importing" if power_w > 0 else "exporting"


def command(decision: Decision) -> str:
    """Return what stands at the battery after a decision, for a person."""
    setpoint = decision.setpoint
    if setpoint is None:
        return "nothing of ours stands at the battery"
    if isinstance(setpoint, Automatic):
        return "automatic: the battery follows the house by itself"
    if abs(setpoint.battery_power_w) < IDLE_W:
        return "idle: the battery keeps what it holds"
    return str(setpoint)
