"""The tables of the history file, and how an older file becomes a newer one.

Compact by choice, because the file lives on the memory cards of small computers: pages of 1 KiB, since a commit writes
whole pages; no index beside the primary keys; ``REAL`` columns, which SQLite stores as small integers where a value is
whole (https://www.sqlite.org/datatype3.html, section 2) and without loss where it is not.

``key`` of a measurement or decision: microseconds since 1970 x 1000 + a running number for one and the same instant.
Clocks are set back and simulated clocks stand still: two records of one instant are both kept, in order.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from optimizer.errors import ForeignHistory

APPLICATION_ID = 0x53534854
"""Marks a file as a sunshift history, so that no other program's database is ever touched."""
BUSY_TIMEOUT_S = 2.0
PRIVATE = 0o600
BUCKET_S = 300
"""Length of the intervals of ``five_minutes`` [s]: divides every usual planning step."""

_VERSION_1 = (
    """CREATE TABLE measurement (
        key INTEGER PRIMARY KEY, elapsed_s REAL NOT NULL, consumption_w REAL NOT NULL, production_w REAL NOT NULL,
        battery_power_w REAL NOT NULL, soc REAL NOT NULL, reported_grid_power_w REAL, mode TEXT NOT NULL,
        device_time_us INTEGER, on_grid INTEGER, discharge_allowed INTEGER, backup_soc REAL, reported_setpoint_w REAL,
        reasons TEXT)""",
    """CREATE TABLE decision (
        key INTEGER PRIMARY KEY, strategy TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        measurement_key INTEGER, wanted_power_w REAL, allowed_power_w REAL, setpoint, limits TEXT,
        energy_value_per_kwh REAL, import_price_per_kwh REAL, export_price_per_kwh REAL, planned_power_w REAL,
        plan_made_at_us INTEGER, error TEXT)""",
    """CREATE TABLE five_minutes (
        start_s INTEGER PRIMARY KEY, covered_s REAL NOT NULL, consumption_w REAL NOT NULL, production_w REAL NOT NULL,
        battery_power_w REAL NOT NULL, grid_power_w REAL NOT NULL, soc REAL)""",
    """CREATE TABLE recorded (
        start_s INTEGER PRIMARY KEY, step_s INTEGER NOT NULL, consumption_w REAL, production_w REAL,
        battery_power_w REAL, grid_power_w REAL, soc REAL)""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1,)
"""Statements that lead from version n to n + 1; add to the end, never change what has been released."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the history file, made or migrated where needed.

    Raises
    ------
    ForeignHistory
        The file belongs to a newer sunshift or to another program; nothing was written to it.
    sqlite3.Error
        The file cannot be opened, is locked, or is damaged.
    """
    make_private(path)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _configure(connection)
        _refuse_foreign(connection, path)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Make the file, where it is missing, for its owner alone: it tells when a home is lived in.

    SQLite gives its companions the same mode. What is wrong with the place SQLite says itself.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, PRIVATE))


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA page_size = 1024")
    connection.execute("PRAGMA synchronous = NORMAL")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    version, known = _version(connection), len(MIGRATIONS)
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if tables and application != APPLICATION_ID:
        msg = f"{path}: a SQLite database, but not a sunshift history; name another file or move this one away"
        raise ForeignHistory(msg)
    if version > known:
        msg = (
            f"{path}: history of version {version}, this sunshift knows version {known} at most; "
            "install the newer sunshift again, or move the file away to begin a new history"
        )
        raise ForeignHistory(msg)


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the transaction: another process may have been first.
        for statements in MIGRATIONS[_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
