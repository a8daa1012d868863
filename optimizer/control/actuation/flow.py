"""Whether the power that flows is one that was asked for, limits and taper allowed."""

from __future__ import annotations

from optimizer.control.actuation.read_back import echoes
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power

FLOW_TOLERANCE_W, FLOW_TOLERANCE_SHARE = 250.0, 0.15
"""How far the power that flows may lie from the power sent [W, 1]."""
TAPER_FROM_SOC, TAPER_BELOW_SOC = 0.92, 0.06
"""Near full and near empty the battery gives less than it is told, and that is right [1]."""


def follows(low_w: float, high_w: float, measurement: Measurement, battery: Battery) -> bool:
    """Return whether what flows lies within what was asked for, limits and taper allowed."""
    if measurement.soc >= TAPER_FROM_SOC:
        low_w = min(low_w, 0.0)
    if measurement.soc <= max(battery.min_soc, measurement.backup_soc or 0.0) + TAPER_BELOW_SOC:
        high_w = max(high_w, 0.0)
    tolerance_w = max(FLOW_TOLERANCE_W, FLOW_TOLERANCE_SHARE * max(abs(low_w), abs(high_w)))
    return low_w - tolerance_w <= measurement.battery_power_w <= high_w + tolerance_w


def still_follows(ended: Power, measurement: Measurement, battery: Battery) -> bool:
    """Return whether a power that should have ended may stand, by the echo or by what flows; idle flows always."""
    power_w, echo_w = ended.battery_power_w, measurement.reported_setpoint_w
    if echo_w is not None:
        return echoes(echo_w, power_w)
    return power_w != 0.0 and follows(power_w, power_w, measurement, battery)
