"""What a history holds, for a person."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from optimizer.history.rows import instant_of_key
from optimizer.history.schema import BUCKET_S


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """Counts, spans and size."""

    measurements: int = 0
    first_measurement: datetime | None = None
    last_measurement: datetime | None = None
    decisions: int = 0
    own_start: datetime | None = None
    """Start of the first five-minute mean."""
    own_end: datetime | None = None
    own_hours: float = 0.0
    """Time covered by the home's own measurements [h]."""
    recorded_intervals: int = 0
    recorded_start: datetime | None = None
    recorded_end: datetime | None = None
    recorded_hours: float = 0.0
    """Time covered by imported recordings [h]."""
    size_bytes: int = 0
    """Room taken on the disk, the write-ahead log included [B]."""

    @property
    def start(self) -> datetime | None:
        """Start of what is known, own and imported."""
        return min((instant for instant in (self.own_start, self.recorded_start) if instant), default=None)

    @property
    def end(self) -> datetime | None:
        """End of what is known, own and imported."""
        return max((instant for instant in (self.own_end, self.recorded_end) if instant), default=None)


def summarise(connection: sqlite3.Connection, path: Path) -> HistorySummary:
    """Return what the file holds."""
    count, first, last = connection.execute("SELECT count(*), min(key), max(key) FROM measurement").fetchone()
    own_first, own_last, own_s = connection.execute(
        "SELECT min(start_s), max(start_s), total(covered_s) FROM five_minutes"
    ).fetchone()
    recorded, recorded_first, recorded_end, recorded_s = connection.execute(
        "SELECT count(*), min(start_s), max(start_s + step_s), total(step_s) FROM recorded"
    ).fetchone()
    return HistorySummary(
        measurements=count,
        first_measurement=None if first is None else instant_of_key(first),
        last_measurement=None if last is None else instant_of_key(last),
        decisions=connection.execute("SELECT count(*) FROM decision").fetchone()[0],
        own_start=_instant(own_first),
        own_end=None if own_last is None else _instant(own_last + BUCKET_S),
        own_hours=own_s / 3600,
        recorded_intervals=recorded,
        recorded_start=_instant(recorded_first),
        recorded_end=_instant(recorded_end),
        recorded_hours=recorded_s / 3600,
        size_bytes=sum(part.stat().st_size for part in _parts(path) if part.exists()),
    )


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _parts(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
