"""Measurements and decisions as rows of the history file, and back, without loss."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from optimizer.domain.decision import Decision, Limit, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint

SqlRow = tuple[Any, ...]

KEYS_PER_MICROSECOND = 1000
MEASUREMENT_COLUMNS = (
    "key, elapsed_s, consumption_w, production_w, battery_power_w, soc, reported_grid_power_w, mode, device_time_us, "
    "on_grid, discharge_allowed, backup_soc, reported_setpoint_w, reasons"
)
DECISION_COLUMNS = (
    "key, strategy, outcome, reason, measurement_key, wanted_power_w, allowed_power_w, setpoint, limits, "
    "energy_value_per_kwh, import_price_per_kwh, export_price_per_kwh, planned_power_w, plan_made_at_us, error"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AUTOMATIC = "automatic"


def microseconds(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(microseconds_since_1970: int) -> datetime:
    """Return the instant, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds_since_1970)


def first_key(instant: datetime) -> int:
    """Return the lowest key a record of this instant may have."""
    return microseconds(instant) * KEYS_PER_MICROSECOND


def instant_of_key(key: int) -> datetime:
    """Return the instant of a record."""
    return instant_of(key // KEYS_PER_MICROSECOND)


def measurement_row(measurement: Measurement) -> SqlRow:
    """Return every column but the key."""
    device_time = measurement.device_time
    return (
        measurement.elapsed_s,
        measurement.consumption_w,
        measurement.production_w,
        measurement.battery_power_w,
        measurement.soc,
        measurement.reported_grid_power_w,
        measurement.mode.value,
        None if device_time is None else microseconds(device_time.replace(tzinfo=UTC)),
        measurement.on_grid,
        measurement.discharge_allowed,
        measurement.backup_soc,
        measurement.reported_setpoint_w,
        _packed(measurement.reasons),
    )


def measurement_from_row(row: SqlRow) -> Measurement:
    """Return the measurement of a row in the order of ``MEASUREMENT_COLUMNS``."""
    return Measurement(
        at=instant_of_key(row[0]),
        elapsed_s=row[1],
        consumption_w=row[2],
        production_w=row[3],
        battery_power_w=row[4],
        soc=row[5],
        reported_grid_power_w=row[6],
        mode=OperatingMode(row[7]),
        device_time=None if row[8] is None else instant_of(row[8]).replace(tzinfo=None),
        on_grid=_flag(row[9]),
        discharge_allowed=_flag(row[10]),
        backup_soc=row[11],
        reported_setpoint_w=row[12],
        reasons=_unpacked(row[13]),
    )


def decision_row(decision: Decision, measurement_key: int | None) -> SqlRow:
    """Return every column but the key."""
    made_at = decision.plan_made_at
    return (
        _storable(decision.strategy),
        decision.outcome.value,
        _storable(decision.reason),
        measurement_key,
        decision.wanted_power_w,
        decision.allowed_power_w,
        _setpoint_value(decision.setpoint),
        _packed(limit.value for limit in decision.limits),
        decision.energy_value_per_kwh,
        decision.import_price_per_kwh,
        decision.export_price_per_kwh,
        decision.planned_power_w,
        None if made_at is None else microseconds(made_at),
        None if decision.error is None else _storable(decision.error),
    )


def decision_from_row(row: SqlRow, measurement: Measurement | None) -> Decision:
    """Return the decision of a row in the order of ``DECISION_COLUMNS``."""
    return Decision(
        at=instant_of_key(row[0]),
        strategy=row[1],
        outcome=Outcome(row[2]),
        reason=row[3],
        measurement=measurement,
        wanted_power_w=row[5],
        allowed_power_w=row[6],
        setpoint=_setpoint(row[7]),
        limits=tuple(Limit(name) for name in _unpacked(row[8])),
        energy_value_per_kwh=row[9],
        import_price_per_kwh=row[10],
        export_price_per_kwh=row[11],
        planned_power_w=row[12],
        plan_made_at=None if row[13] is None else instant_of(row[13]),
        error=row[14],
    )


def _storable(text: str) -> str:
    """Return text that UTF-8 can hold: a lone surrogate, as in an odd file name, would keep all else from the file."""
    return text.encode("utf-8", "backslashreplace").decode()


def _packed(words: Iterable[str]) -> str | None:
    listed = [_storable(word) for word in words]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":")) if listed else None


def _unpacked(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(json.loads(text))


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _setpoint_value(setpoint: Setpoint | None) -> float | str | None:
    match setpoint:
        case Power(battery_power_w=power):
            return float(power)
        case Automatic():
            return _AUTOMATIC
        case None:
            return None


def _setpoint(value: float | str | None) -> Setpoint | None:
    if value is None:
        return None
    return Automatic() if value == _AUTOMATIC else Power(float(value))
