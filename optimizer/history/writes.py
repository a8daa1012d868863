"""What is told to the history file: every SQL statement that writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.history import queries, resampling
from optimizer.history.buffer import Row
from optimizer.history.mean_powers import Floats, MeanPowers
from optimizer.history.rows import (
    DECISION_COLUMNS,
    KEYS_PER_MICROSECOND,
    MEASUREMENT_COLUMNS,
    SqlRow,
    decision_row,
    first_key,
    measurement_row,
)
from optimizer.history.schema import BUCKET_S

_FIND_MEASUREMENTS = f"SELECT {MEASUREMENT_COLUMNS} FROM measurement WHERE key >= ? AND key < ? ORDER BY key"  # noqa: S608
_FIND_DECISIONS = f"SELECT {DECISION_COLUMNS} FROM decision WHERE key >= ? AND key < ? ORDER BY key"  # noqa: S608
_MEASUREMENT_PLACES = ", ".join("?" * len(MEASUREMENT_COLUMNS.split(", ")))
_DECISION_PLACES = ", ".join("?" * len(DECISION_COLUMNS.split(", ")))


def write_rows(connection: sqlite3.Connection, rows: Iterable[Row], *, max_hold_s: float) -> None:
    """Keep measurements and decisions, and bring the five-minute means up to date."""
    touched: list[float] = []
    for row in rows:
        if isinstance(row, Decision):
            if row.measurement is not None:
                touched.append(row.measurement.at.timestamp())
            _write_decision(connection, row)
        else:
            touched.append(row.at.timestamp())
            _write_measurement(connection, row)
    if touched:
        refresh_five_minutes(connection, np.array(touched), max_hold_s=max_hold_s)


def _write_measurement(connection: sqlite3.Connection, measurement: Measurement) -> int:
    """Keep a measurement once, however often it is told, and return its key."""
    values = measurement_row(measurement)
    key, fresh = _place(connection, _FIND_MEASUREMENTS, measurement.at, values)
    if fresh:
        connection.execute(f"INSERT INTO measurement VALUES ({_MEASUREMENT_PLACES})", (key, *values))  # noqa: S608
    return key


def _write_decision(connection: sqlite3.Connection, decision: Decision) -> None:
    measured = None if decision.measurement is None else _write_measurement(connection, decision.measurement)
    values = decision_row(decision, measured)
    key, fresh = _place(connection, _FIND_DECISIONS, decision.at, values)
    if fresh:
        connection.execute(f"INSERT INTO decision VALUES ({_DECISION_PLACES})", (key, *values))  # noqa: S608


def _place(connection: sqlite3.Connection, find: str, at: datetime, values: SqlRow) -> tuple[int, bool]:
    """Return the key for a record and whether it is a new one."""
    first = first_key(at)
    same_instant = connection.execute(find, (first, first + KEYS_PER_MICROSECOND)).fetchall()
    for row in same_instant:
        if tuple(row[1:]) == values:
            return row[0], False
    return (same_instant[-1][0] + 1 if same_instant else first), True


def refresh_five_minutes(connection: sqlite3.Connection, instants_s: Floats, *, max_hold_s: float) -> None:
    """Compute the five-minute means anew wherever readings of these instants count [s]."""
    first = (instants_s // BUCKET_S).astype(np.int64)
    last = ((instants_s + max_hold_s) // BUCKET_S).astype(np.int64)
    reach = int((last - first).max()) + 1
    buckets = np.unique(np.concatenate([np.minimum(first + offset, last) for offset in range(reach)]))
    for run in np.split(buckets, np.flatnonzero(np.diff(buckets) > 1) + 1):
        _refresh_run(connection, int(run[0]), len(run), max_hold_s)


def _refresh_run(connection: sqlite3.Connection, first: int, count: int, max_hold_s: float) -> None:
    edges = (first + np.arange(count + 1.0)) * BUCKET_S
    table = queries.readings(connection, edges[0] - max_hold_s, edges[-1])
    own = resampling.held_readings(table[:, 0], table[:, 1:5], table[:, 5], max_hold_s=max_hold_s)
    covered, energy = resampling.interval_sums(own, edges)
    soc = resampling.closing_soc(own, edges)
    rows = [
        (int(edges[index]), float(seconds), *(energy[index] / seconds).tolist(), _or_null(soc[index]))
        for index, seconds in enumerate(covered[:, 0])
        if seconds > 0
    ]
    # A reading can only add to what is covered. Less than before means that the readings behind the older mean are
    # pruned already (a clock set far back): the older mean knows more.
    connection.executemany(
        "INSERT INTO five_minutes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (start_s) DO UPDATE SET "
        "covered_s = excluded.covered_s, consumption_w = excluded.consumption_w, production_w = excluded.production_w, "
        "battery_power_w = excluded.battery_power_w, grid_power_w = excluded.grid_power_w, soc = excluded.soc "
        "WHERE excluded.covered_s >= five_minutes.covered_s - 1e-6",
        rows,
    )


def _or_null(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def write_recorded(connection: sqlite3.Connection, means: MeanPowers) -> int:
    """Keep interval means from elsewhere, in place of what was imported for the same time; return how many."""
    told = ~np.isnan(means.values).all(axis=1)
    step_s = int(means.step.total_seconds())
    starts = np.floor(means.starts_s[told]).astype(np.int64).tolist()
    for first, end in _stretches(starts, step_s):
        _make_room(connection, first, end)
    rows = [
        (start, step_s, *(_or_null(value) for value in values))
        for start, values in zip(starts, means.values[told].tolist(), strict=True)
    ]
    connection.executemany("INSERT INTO recorded VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return len(rows)


def _stretches(starts: Sequence[int], step_s: int) -> list[tuple[int, int]]:
    stretches: list[tuple[int, int]] = []
    for start in starts:
        if stretches and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], start + step_s)
        else:
            stretches.append((start, start + step_s))
    return stretches


def _make_room(connection: sqlite3.Connection, first: int, end: int) -> None:
    """Cut what was imported before out of ``[first, end)``; an interval that reaches out of it keeps its outer part."""
    connection.execute(
        "INSERT INTO recorded SELECT ?, start_s + step_s - ?, consumption_w, production_w, battery_power_w, "
        "grid_power_w, soc FROM recorded WHERE start_s > ? AND start_s < ? AND start_s + step_s > ?",
        (end, end, first - 3600, end, end),
    )
    connection.execute("DELETE FROM recorded WHERE start_s >= ? AND start_s < ?", (first, end))
    connection.execute(
        "UPDATE recorded SET step_s = ? - start_s, soc = NULL "
        "WHERE start_s > ? AND start_s < ? AND start_s + step_s > ?",
        (first, first - 3600, first, first),
    )


def prune(connection: sqlite3.Connection, before: datetime) -> tuple[int, int]:
    """Drop measurements and decisions older than ``before``; return how many of each.

    The cut is at a whole five minutes, so that the means kept and the readings kept meet without overlap.
    """
    bucket_keys = BUCKET_S * 1_000_000 * KEYS_PER_MICROSECOND
    cut = first_key(before) // bucket_keys * bucket_keys
    decided = connection.execute("DELETE FROM decision WHERE key < ?", (cut,)).rowcount
    # A decision right after the cut rests on a measurement right before it.
    measured = connection.execute(
        "DELETE FROM measurement WHERE key < ? AND key NOT IN "
        "(SELECT measurement_key FROM decision WHERE key < ? AND measurement_key IS NOT NULL)",
        (cut, cut + bucket_keys),
    ).rowcount
    return measured, decided
