"""Where the battery stands and how the house meets the grid."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConnection:
    """What may flow between the house and the grid."""

    max_import_w: float | None = None
    """Largest import [W]; None: no limit."""
    max_export_w: float | None = None
    """Feed-in limit [W]; None: no limit."""
    curtailable: bool = False
    """Whether PV can be curtailed (the inverter holds the feed-in limit by itself)."""
    grid_charging: bool = True
    """Whether the battery may charge from the grid."""
    battery_export: bool = True
    """Whether the battery may feed the grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The home: its place, its zone, its money, its connection."""

    timezone: ZoneInfo
    currency: str = "EUR"
    latitude: float | None = None
    longitude: float | None = None
    connection: GridConnection = GridConnection()


def grid_power_w(*, load_w: float, battery_power_w: float, pv_w: float) -> float:
    """Return the power at the grid connection, + importing [W]."""
    return load_w + battery_power_w - pv_w


def self_consumption_power_w(*, load_w: float, pv_w: float) -> float:
    """Return the battery power that brings the grid power to zero, before any limit: + charging [W]."""
    return pv_w - load_w
