"""The record of one control step: what was measured, asked, allowed and done, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Setpoint


class Outcome(StrEnum):
    """What became of a decision."""

    APPLIED = "applied"
    """Sent to the battery; the next status reads it back."""
    KEPT = "kept"
    """The battery stands as wanted; nothing was sent."""
    OBSERVED = "observed"
    """Observe mode: nothing is ever sent."""
    FAILED = "failed"
    """The battery could not be read or commanded."""
    HANDED_BACK = "handed_back"
    """No forced command could be justified; the battery was handed back."""
    STOOD_DOWN = "stood_down"
    """Somebody else commands the battery; we wait."""


class Limit(StrEnum):
    """What the clamp held a wish to."""

    MAX_CHARGE = "max_charge"
    MAX_DISCHARGE = "max_discharge"
    MIN_SOC = "min_soc"
    MAX_SOC = "max_soc"
    MAX_IMPORT = "max_import"
    MAX_EXPORT = "max_export"
    NO_GRID_CHARGING = "no_grid_charging"
    NO_BATTERY_EXPORT = "no_battery_export"
    DISCHARGE_NOT_ALLOWED = "discharge_not_allowed"
    RAMP = "ramp"
    DEAD_BAND = "dead_band"
    MODE_CHANGES = "mode_changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One control step, complete: status, journal, report and tests read the same record."""

    at: datetime
    strategy: str
    outcome: Outcome
    reason: str
    """Why, for a person."""
    measurement: Measurement | None = None
    wanted_power_w: float | None = None
    """What the strategy asked for, + charging [W]."""
    allowed_power_w: float | None = None
    """What the clamp left of it, + charging [W]."""
    setpoint: Setpoint | None = None
    """What now stands at the battery by our command; None: nothing of ours."""
    limits: tuple[Limit, ...] = ()
    energy_value_per_kwh: float | None = None
    """Worth of one more stored kWh at the end of this interval [currency/kWh]."""
    import_price_per_kwh: float | None = None
    export_price_per_kwh: float | None = None
    planned_power_w: float | None = None
    """The plan's own mean battery power for this interval [W]."""
    plan_made_at: datetime | None = None
    error: str | None = None
    """What failed, where something did."""
