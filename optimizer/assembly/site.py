"""From settings to the domain's own records of home, battery and grid connection."""

from __future__ import annotations

from optimizer.domain.battery import Battery
from optimizer.domain.site import GridConnection, Site
from optimizer.settings import Settings


def build_connection(settings: Settings) -> GridConnection:
    """Return what may flow between the house and the grid."""
    grid = settings.grid
    return GridConnection(
        max_import_w=grid.max_import_w,
        max_export_w=grid.max_export_w,
        curtailable=grid.curtailable,
        grid_charging=grid.grid_charging,
        battery_export=grid.battery_export,
    )


def build_site(settings: Settings) -> Site:
    """Return the home: its place, its zone, its money, its connection."""
    site = settings.site
    return Site(
        timezone=site.zone,
        currency=site.currency,
        latitude=site.latitude,
        longitude=site.longitude,
        connection=build_connection(settings),
    )


def build_battery(settings: Settings) -> Battery:
    """Return the limits and losses of the battery."""
    battery = settings.battery
    return Battery(
        usable_capacity_wh=battery.usable_capacity_wh,
        max_charge_w=battery.max_charge_w,
        max_discharge_w=battery.max_discharge_w,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        min_soc=battery.min_soc,
        max_soc=battery.max_soc,
        wear_cost_per_kwh=battery.wear_cost_per_kwh,
        standby_w=battery.standby_w,
    )
