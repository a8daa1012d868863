"""Numbers with a meaning: their range, and the slip of the pen that each of them invites."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BeforeValidator

LARGEST_BATTERY_W = 100_000.0
"""What is written beyond this is a slip of the pen, and would take the sense from every check of a power [W]."""


def _refuse_truth_values(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _watts(value: float) -> float:
    if 0 < value < 50:
        msg = f"is in watts: {value:g} W is too small to be meant; write {value * 1000:g} for {value:g} kW"
        raise ValueError(msg)
    return value


def _home_battery(value: float) -> float:
    if value > LARGEST_BATTERY_W:
        msg = f"is in watts: no home's battery does {value:g} W; at most {LARGEST_BATTERY_W:g} is taken"
        raise ValueError(msg)
    return value


def _kilowatts(value: float) -> float:
    if value > 500:
        msg = f"is in kilowatts: write {value / 1000:g} if {value:g} W are meant"
        raise ValueError(msg)
    return value


def _watt_hours(value: float) -> float:
    if value < 200:
        msg = f"is in watt-hours: {value:g} Wh is too small for a battery; write {value * 1000:g} for {value:g} kWh"
        raise ValueError(msg)
    return value


def _share(value: float) -> float:
    if 1 < value <= 100:
        msg = f"is a share from 0 to 1: write {value / 100:g} for {value:g} %"
        raise ValueError(msg)
    if not 0 <= value <= 1:
        msg = f"is a share from 0 to 1, got {value:g}"
        raise ValueError(msg)
    return value


def _efficiency(value: float) -> float:
    if value < 0.5:
        msg = f"is a share of the energy that comes through: {value:g} is too low to be meant (0.95 is common)"
        raise ValueError(msg)
    return value


def _no_limit_for_zero(value: Any) -> Any:
    if isinstance(value, str):  # from the environment
        try:
            return None if float(value) == 0 else value
        except ValueError:
            return value
    return None if value == 0 and not isinstance(value, bool) else value


Number = Annotated[float, BeforeValidator(_refuse_truth_values)]
"""A finite number."""
Count = Annotated[int, BeforeValidator(_refuse_truth_values)]
"""A whole number."""
NonNegative = Annotated[Number, Ge(0)]
"""A finite number, not negative."""
Power = Annotated[Number, Gt(0), AfterValidator(_watts)]
"""A power above zero [W]."""
BatteryPower = Annotated[Power, AfterValidator(_home_battery)]
"""A power that a home's battery may have [W]."""
PeakKilowatts = Annotated[Number, Ge(0), AfterValidator(_kilowatts)]
"""The size of a home's or a small business's PV plant [kW]."""
PowerLimit = Annotated[Annotated[Number, Ge(0), AfterValidator(_watts)] | None, BeforeValidator(_no_limit_for_zero)]
"""A power limit [W]; 0 means that there is none and becomes None."""
Energy = Annotated[Number, Gt(0), AfterValidator(_watt_hours)]
"""An energy a battery can hold [Wh]."""
Share = Annotated[Number, AfterValidator(_share)]
"""A share from 0 to 1."""
Efficiency = Annotated[Share, AfterValidator(_efficiency)]
"""A share of energy that comes through, above one half."""
Port = Annotated[Count, Ge(1), Le(65535)]
"""A TCP port."""
