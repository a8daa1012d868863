"""An older history becomes a newer one in one piece, or stays as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from optimizer.clock import SimulatedClock
from optimizer.history import schema
from optimizer.history.store import HistoryStore
from support.past import START, measured


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Return a history of the present version with one measurement."""
    path = tmp_path / "history.sqlite3"
    with HistoryStore(path, clock=SimulatedClock(START)) as store:
        store.add_measurement(measured())
    return path


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def test_an_older_file_is_migrated_with_its_rows(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements of the next version run once, and what was kept is there."""
    step = ("CREATE TABLE remark (text TEXT)", "INSERT INTO remark VALUES ('once')")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    for _ in range(2):
        with HistoryStore(older, clock=SimulatedClock(START)) as store:
            assert store.fault is None
            assert store.latest_measurement() == measured()
            assert store._database.read(lambda found: found.execute("SELECT count(*) FROM remark").fetchone()) == (1,)
    assert version(older) == len(schema.MIGRATIONS)


def test_a_migration_that_fails_leaves_the_file_as_it_was(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a migration is none: the fault says what failed, and the old version reads it again."""
    before = version(older)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE remark (text)", "NONSENSE")))
    store = HistoryStore(older, clock=SimulatedClock(START))
    assert "NONSENSE" in (store.fault or "")
    store.close()
    assert version(older) == before
    monkeypatch.undo()
    with HistoryStore(older, clock=SimulatedClock(START)) as again:
        assert again.fault is None
        assert again.latest_measurement() == measured()
