"""The section ``[forecast]``: what is known about the home before it has a history."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from optimizer.settings.quantities import Number, PeakKilowatts
from optimizer.settings.section import Section


class ForecastSettings(Section):
    """What is known about the home before it has a history of its own."""

    annual_consumption_kwh: Annotated[Number, Ge(100), Le(1_000_000)] = 4000.0
    """Yearly consumption of the house without the battery [kWh]; used until there is history."""
    pv_peak_kw: PeakKilowatts = 0.0
    """Peak power of the PV plant [kW]; 0: none, or not known."""
    pv_tilt_deg: Annotated[Number, Ge(0), Le(90)] = 30.0
    """Tilt of the modules, 0 flat, 90 upright [degrees]."""
    pv_azimuth_deg: Annotated[Number, Ge(0), Le(360)] = 180.0
    """Where the modules look: 90 east, 180 south, 270 west [degrees]."""
