"""What is asked of the history file: every SQL statement that reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.history import resampling
from optimizer.history.mean_powers import Floats
from optimizer.history.resampling import Pieces
from optimizer.history.rows import (
    DECISION_COLUMNS,
    MEASUREMENT_COLUMNS,
    SqlRow,
    decision_from_row,
    first_key,
    measurement_from_row,
)
from optimizer.history.schema import BUCKET_S

_KEYS_PER_SECOND = 1_000_000_000
_READINGS = (
    "key, consumption_w, production_w, battery_power_w, "
    "ifnull(reported_grid_power_w, consumption_w + battery_power_w - production_w), soc"
)
_JOINED_COLUMNS = ", ".join(
    [f"decision.{name}" for name in DECISION_COLUMNS.split(", ")]
    + [f"measurement.{name}" for name in MEASUREMENT_COLUMNS.split(", ")]
)
_DECISIONS = f"SELECT {_JOINED_COLUMNS} FROM decision LEFT JOIN measurement ON measurement.key = measurement_key"  # noqa: S608
_DECISION_WIDTH = len(DECISION_COLUMNS.split(", "))


def measurements(connection: sqlite3.Connection, start: datetime, end: datetime) -> list[Measurement]:
    """Return the measurements of ``[start, end)``, in order of time."""
    rows = connection.execute(
        f"SELECT {MEASUREMENT_COLUMNS} FROM measurement WHERE key >= ? AND key < ? ORDER BY key",  # noqa: S608
        (first_key(start), first_key(end)),
    )
    return [measurement_from_row(row) for row in rows]


def latest_measurement(connection: sqlite3.Connection) -> Measurement | None:
    """Return the measurement with the latest instant."""
    row = connection.execute(f"SELECT {MEASUREMENT_COLUMNS} FROM measurement ORDER BY key DESC LIMIT 1").fetchone()  # noqa: S608
    return None if row is None else measurement_from_row(row)


def decisions(connection: sqlite3.Connection, start: datetime, end: datetime) -> list[Decision]:
    """Return the decisions of ``[start, end)`` with their measurements, in order of time."""
    rows = connection.execute(
        f"{_DECISIONS} WHERE decision.key >= ? AND decision.key < ? ORDER BY decision.key",
        (first_key(start), first_key(end)),
    )
    return [_joined_decision(row) for row in rows]


def latest_decision(connection: sqlite3.Connection) -> Decision | None:
    """Return the decision with the latest instant."""
    row = connection.execute(f"{_DECISIONS} ORDER BY decision.key DESC LIMIT 1").fetchone()
    return None if row is None else _joined_decision(row)


def _joined_decision(row: SqlRow) -> Decision:
    own, measured = row[:_DECISION_WIDTH], row[_DECISION_WIDTH:]
    return decision_from_row(own, None if measured[0] is None else measurement_from_row(measured))


def readings(connection: sqlite3.Connection, start_s: float, end_s: float) -> Floats:
    """Return the readings of ``[start_s, end_s)``: instant [s], then the columns of a mean; shape (n, 6)."""
    low, high = round(start_s * 1e6) * 1000, round(end_s * 1e6) * 1000
    found = connection.execute(
        f"SELECT {_READINGS} FROM measurement WHERE key >= ? AND key < ? ORDER BY key",  # noqa: S608
        (low, high),
    ).fetchall()
    if not found:
        return np.empty((0, 6))
    keys = np.array([row[0] for row in found], dtype=np.int64)
    values = np.array([row[1:] for row in found], dtype=np.float64)
    return np.column_stack([keys / _KEYS_PER_SECOND, values])


def as_readings(rows: Sequence[Measurement]) -> Floats:
    """Return measurements in the form of :func:`readings`, in order of time, shape (n, 6)."""
    table = [
        (row.at.timestamp(), row.consumption_w, row.production_w, row.battery_power_w, row.grid_power_w, row.soc)
        for row in sorted(rows, key=lambda row: row.at)
    ]
    return np.array(table, dtype=np.float64) if table else np.empty((0, 6))


def first_reading_s(connection: sqlite3.Connection) -> float | None:
    """Return when the earliest measurement that is still kept was read, seconds since 1970 [s]."""
    key = connection.execute("SELECT min(key) FROM measurement").fetchone()[0]
    return None if key is None else key / _KEYS_PER_SECOND


def five_minutes(connection: sqlite3.Connection, start_s: float, end_s: float) -> Pieces:
    """Return the five-minute means that touch ``[start_s, end_s)``."""
    rows = connection.execute(
        "SELECT start_s, covered_s, consumption_w, production_w, battery_power_w, grid_power_w, soc "
        "FROM five_minutes WHERE start_s > ? AND start_s < ? ORDER BY start_s",
        (start_s - BUCKET_S, end_s),
    ).fetchall()
    if not rows:
        return resampling.no_pieces()
    table = np.array(rows, dtype=np.float64)
    return resampling.interval_means(table[:, 0], np.full(len(table), float(BUCKET_S)), table[:, 2:], table[:, 1])


def recorded(connection: sqlite3.Connection, start_s: float, end_s: float) -> Pieces:
    """Return the imported interval means that touch ``[start_s, end_s)``."""
    rows = connection.execute(
        "SELECT start_s, step_s, consumption_w, production_w, battery_power_w, grid_power_w, soc "
        "FROM recorded WHERE start_s > ? AND start_s < ? AND start_s + step_s > ? ORDER BY start_s",
        (start_s - 3600, end_s, start_s),
    ).fetchall()
    if not rows:
        return resampling.no_pieces()
    table = np.array(rows, dtype=np.float64)
    return resampling.interval_means(table[:, 0], table[:, 1], table[:, 2:])
