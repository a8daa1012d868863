"""What is weighed: the house now, the money of this interval, and what was decided before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TIE = 1e-4
"""Gain below which two choices count as equal [currency]."""
SWITCHING_GAIN = 2e-3
"""Gain over the rest of the interval that a change of regime must bring within an interval [currency].

A fifth of a cent: enough to settle one-cent ties under a noisy load, too little to hide a better plan. Where a new
interval or a new plan changes the footing, a quarter of it is enough.
"""
NEW_FOOTING_GAIN = 5e-4
"""The same where the interval or the plan has changed [currency]."""
TURN_W = 1000.0
"""A turn of load or sun that the regime's other side is judged by [W]."""
NO_POWER_W = 1.0
"""Powers closer than this are the same power [W]."""


class Regime(StrEnum):
    """What the battery is there for, as a rule that holds for any load and sun."""

    SELF_CONSUMPTION = "self_consumption"
    """Store surplus, cover the house."""
    STORE_SURPLUS_ONLY = "store_surplus_only"
    """Store surplus, keep it from the house: it is worth more later."""
    COVER_HOUSE_ONLY = "cover_house_only"
    """Cover the house, let surplus go: it earns more in the grid."""
    HOLD = "hold"
    """Neither charge nor discharge."""
    STORE_PARTLY = "store_partly"
    """Store a part of the surplus: what a feed-in limit leaves over, or up to where storing stops paying."""
    COVER_PARTLY = "cover_partly"
    """Cover a part of the house: what exceeds an import limit, or down to where keeping starts paying."""
    GRID_CHARGE = "grid_charge"
    """Charge with more than the surplus."""
    BATTERY_EXPORT = "battery_export"
    """Discharge more than the house takes."""

    @property
    def stores_surplus(self) -> bool:
        """Whether all surplus goes into the battery."""
        return self in (Regime.SELF_CONSUMPTION, Regime.STORE_SURPLUS_ONLY, Regime.GRID_CHARGE)

    @property
    def covers_house(self) -> bool:
        """Whether the house is covered from the battery."""
        return self in (Regime.SELF_CONSUMPTION, Regime.COVER_HOUSE_ONLY, Regime.BATTERY_EXPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakAllowance:
    """What the rest of the interval may import before its mean raises the billing peak."""

    import_w: float
    """Import that leaves the billing peak where it is [W]."""
    price_per_kwh: float
    """Price of every kWh above it: price per kW over the length of the whole interval [currency/kWh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is weighed: the house now, the money of this interval, and the time left in it."""

    load_w: float
    pv_w: float
    soc: float
    import_price_per_kwh: float
    export_price_per_kwh: float
    hours: float
    """Time left in the interval [h]."""
    discharge_allowed: bool = True
    reserve_soc: float = 0.0
    """State of charge the device keeps for itself, 0..1."""
    peak: PeakAllowance | None = None

    @property
    def net_load_w(self) -> float:
        """House load less PV [W]."""
        return self.load_w - self.pv_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What the previous weighing came to, and whether it stood on the same prices and the same plan."""

    regime: Regime
    self_consumption: bool = False
    same_interval_and_plan: bool = True

    @property
    def switching_gain(self) -> float:
        """Gain that a change of regime must bring [currency]."""
        return SWITCHING_GAIN if self.same_interval_and_plan else NEW_FOOTING_GAIN
