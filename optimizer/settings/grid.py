"""The section ``[grid]``: what may flow between house and grid."""

from __future__ import annotations

from pydantic import Field

from optimizer.settings.quantities import PowerLimit
from optimizer.settings.section import Section


class GridSettings(Section):
    """What may flow between the house and the grid."""

    max_import_w: PowerLimit = Field(default=None, examples=[0])
    """Largest import [W]; 0 or absent: no limit."""
    max_export_w: PowerLimit = Field(default=None, examples=[0])
    """Feed-in limit [W]; 0 or absent: no limit."""
    curtailable: bool = False
    """Whether PV can be curtailed: the inverter holds the feed-in limit by itself."""
    grid_charging: bool = True
    """Whether the battery may charge from the grid."""
    battery_export: bool = True
    """Whether the battery may feed the grid."""
