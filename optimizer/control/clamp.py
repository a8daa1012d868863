"""What is allowed, for every strategy alike, after it has spoken."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.battery import Battery
from optimizer.domain.decision import Limit
from optimizer.domain.measurement import Measurement
from optimizer.domain.site import GridConnection

AUTOMATIC_MARGIN = 0.02
"""How far from the edges of the SoC band the battery's own automatic mode, which does not know them, must be [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamped:
    """A power that is allowed, and what held it."""

    power_w: float
    """+ charging [W]."""
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class _Bound:
    power_w: float
    limit: Limit


def clamp(power_w: float, measurement: Measurement, battery: Battery, connection: GridConnection) -> Clamped:
    """Return the allowed power nearest to a wish.

    What the battery can do comes first, then what the grid connection allows. The magnitude grows only where a limit
    of the connection demands it: discharging against too much import, charging against too much export.

    Notes
    -----
    The device reports whole percents: at its edge of the band nothing more is charged or discharged, so the band is
    kept to one percent.
    """
    low, high = _battery_bounds(measurement, battery)
    for bound in _upper_bounds(measurement, connection):
        if bound.power_w < high.power_w:
            high = _Bound(max(bound.power_w, low.power_w), bound.limit)
    for bound in _lower_bounds(measurement, connection):
        if bound.power_w > low.power_w:
            low = _Bound(min(bound.power_w, high.power_w), bound.limit)
    if power_w > high.power_w:
        return Clamped(power_w=high.power_w, limits=(high.limit,))
    if power_w < low.power_w:
        return Clamped(power_w=low.power_w, limits=(low.limit,))
    return Clamped(power_w=power_w)


def _battery_bounds(measurement: Measurement, battery: Battery) -> tuple[_Bound, _Bound]:
    low = _Bound(-battery.max_discharge_w, Limit.MAX_DISCHARGE)
    high = _Bound(battery.max_charge_w, Limit.MAX_CHARGE)
    if measurement.soc >= battery.max_soc:
        high = _Bound(0.0, Limit.MAX_SOC)
    if measurement.soc <= lowest_soc(measurement, battery):
        low = _Bound(0.0, Limit.MIN_SOC)
    if measurement.discharge_allowed is False:
        low = _Bound(0.0, Limit.DISCHARGE_NOT_ALLOWED)
    return low, high


def _upper_bounds(measurement: Measurement, connection: GridConnection) -> list[_Bound]:
    bounds = []
    if not connection.grid_charging:
        bounds.append(_Bound(max(0.0, -measurement.net_load_w), Limit.NO_GRID_CHARGING))
    if connection.max_import_w is not None:
        bounds.append(_Bound(connection.max_import_w - measurement.net_load_w, Limit.MAX_IMPORT))
    return bounds


def _lower_bounds(measurement: Measurement, connection: GridConnection) -> list[_Bound]:
    bounds = []
    if not connection.battery_export:
        bounds.append(_Bound(min(0.0, -measurement.net_load_w), Limit.NO_BATTERY_EXPORT))
    if connection.max_export_w is not None:
        power_w = -connection.max_export_w - measurement.net_load_w
        # Where the inverter holds the feed-in limit, charging is a choice; discharging into it is senseless.
        bounds.append(_Bound(min(0.0, power_w) if connection.curtailable else power_w, Limit.MAX_EXPORT))
    return bounds


def lowest_soc(measurement: Measurement, battery: Battery) -> float:
    """Return the state of charge at which discharging ends: ours or the device's own reserve, 0..1."""
    return max(battery.min_soc, measurement.backup_soc or 0.0)


def automatic_keeps_band(measurement: Measurement, battery: Battery) -> bool:
    """Return whether the battery's automatic mode, left alone for a while, stays inside our SoC band.

    It knows the device's own reserve and the full battery, but not the band of the configuration.
    """
    own_floor = battery.min_soc > (measurement.backup_soc or 0.0)
    near_floor = own_floor and measurement.soc < battery.min_soc + AUTOMATIC_MARGIN
    near_ceiling = battery.max_soc < 1.0 and measurement.soc > battery.max_soc - AUTOMATIC_MARGIN
    return not (near_floor or near_ceiling)
