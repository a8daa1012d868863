"""The home's memory: every measurement and decision, in one SQLite file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from optimizer.clock import Clock
from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.errors import HistoryError
from optimizer.history import queries, resampling, writes
from optimizer.history.buffer import PendingRows, Row
from optimizer.history.database import Database, StorageFault
from optimizer.history.flusher import BackgroundFlusher
from optimizer.history.mean_powers import COLUMNS, Floats, MeanPowers
from optimizer.history.means import read_means
from optimizer.history.summary import HistorySummary, summarise

logger = logging.getLogger("sunshift.history")

T = TypeVar("T")

FLUSH_INTERVAL_S = 600.0
"""How long rows wait in memory [s].

Each writing dirties whole pages of file, log and index, however few its rows are: with a minute a memory card gets
three times as much (benchmarks/service_day.py).
"""
FLUSH_ROWS = 500
CAPACITY_ROWS = 20_000
"""Rows kept in memory while the disk cannot be written: a good day of polls and decisions every 10 s."""
MAX_HOLD_S = 90.0
_PATIENCE_S = 2.0


def history_path(state_dir: Path) -> Path:
    """Return where the history of an installation lives."""
    return state_dir / "history.sqlite3"


class HistoryStore:
    """Keeps and tells the past; a :class:`HistoryReader` and :class:`HistoryWriter` in one.

    What is added is buffered and written by a thread of its own, at the latest ten minutes later by the clock: a
    killed process loses no more. Whatever happens to the file, adding and reading go on from memory, and ``fault``
    says what is wrong. A read sees what is still buffered; it waits for the disk, so it belongs to planning, not to the
    control loop.

    Parameters
    ----------
    path
        The SQLite file; its folder is made where it is missing.
    clock
        Tells when the buffer is due.
    recover
        Whether a damaged file is moved aside (``.corrupt-<timestamp>``) and begun anew; otherwise it raises.
    max_hold_s
        How long a measurement stands for the time after it, where no other follows: a few polls [s].
    capacity
        How many rows are kept in memory at most while the file cannot be written.

    Raises
    ------
    ForeignHistory
        The file belongs to a newer sunshift or to another program: a service that went on would have no past to plan
        from, so a person is asked at once. Met while in use, it is a fault like others.
    HistoryError
        The file is damaged and is not to be moved aside.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        recover: bool = True,
        max_hold_s: float = MAX_HOLD_S,
        capacity: int = CAPACITY_ROWS,
    ) -> None:
        self.path = path
        self._clock = clock
        self._max_hold_s = max_hold_s
        self._database = Database(path, clock=clock, recover=recover)
        self._pending = PendingRows(capacity)
        self._flusher = BackgroundFlusher(self.flush)
        self._storage_fault: str | None = None
        self._flushed_at_s = clock.elapsed()
        try:
            self._database.read(lambda connection: connection.execute("SELECT 1"))
        except StorageFault as fault:
            self._storage_fault = str(fault)

    # --- what the control loop tells -----------------------------------------------------------------------------

    def add_measurement(self, measurement: Measurement) -> None:
        """Keep a measurement. Never raises and never waits for the disk."""
        self._add(measurement)

    def add_decision(self, decision: Decision) -> None:
        """Keep a decision, and its measurement if that was not told by itself."""
        self._add(decision)

    def _add(self, row: Row) -> None:
        self._pending.append(row)
        waited_s = self._clock.elapsed() - self._flushed_at_s
        if waited_s >= FLUSH_INTERVAL_S or len(self._pending) >= FLUSH_ROWS:
            self._flushed_at_s = self._clock.elapsed()
            self._flusher.request()
            self._keep_pace()

    def _keep_pace(self) -> None:
        """Let the thread catch up where a simulated clock runs so fast that rows would be dropped.

        In life this takes hours of a disk that hangs without an error; it costs two seconds, once.
        """
        crowded = len(self._pending) * 2 > self._pending.capacity
        if crowded and self._storage_fault is None and not self._flusher.wait(_PATIENCE_S):
            self._storage_fault = f"{self.path}: the disk does not keep up; check it"

    # --- the file ------------------------------------------------------------------------------------------------

    @property
    def storage_fault(self) -> str | None:
        """What is wrong with the file itself; None: nothing."""
        return self._storage_fault

    @property
    def fault(self) -> str | None:
        """What is wrong with keeping history, for a person; None: nothing."""
        if self._storage_fault is not None:
            lost = self._pending.dropped
            loss = f", {lost} lost for want of memory" if lost else ", nothing lost yet"
            return f"history is kept in memory only: {self._storage_fault} ({len(self._pending)} rows wait{loss})"
        if self._database.moved_aside is not None:
            return f"{self.path} was damaged; it was moved to {self._database.moved_aside} and begun anew"
        return None

    def flush(self) -> None:
        """Write what is buffered, on the calling thread. Never raises; see ``fault``."""
        with self._database.lock:
            mark, rows = self._pending.snapshot()
            self._flushed_at_s = self._clock.elapsed()
            if not rows and self._storage_fault is None:
                return
            try:
                self._database.write(
                    lambda connection: writes.write_rows(connection, rows, max_hold_s=self._max_hold_s)
                )
            except (StorageFault, HistoryError) as fault:
                self._storage_fault = str(fault)
                return
            self._pending.discard(mark)
            self._storage_fault = None

    def close(self) -> None:
        """Write what is buffered and let go of the file; a disk that hangs is given up on after some seconds."""
        self._flusher.stop(_PATIENCE_S)
        if self._database.lock.acquire(timeout=_PATIENCE_S):
            try:
                self.flush()
                self._database.close()
            finally:
                self._database.lock.release()
        elif len(self._pending):
            logger.warning("%s: the disk hangs; the last %d rows are lost", self.path, len(self._pending))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prune(self, before: datetime) -> tuple[int, int]:
        """Drop measurements and decisions older than ``before``; return how many of each.

        Means over five minutes and more stay. Never raises; see ``fault``.
        """
        self.flush()
        try:
            return self._database.write(lambda connection: writes.prune(connection, before))
        except (StorageFault, HistoryError) as fault:
            self._storage_fault = str(fault)
            return 0, 0

    def add_recording(self, means: MeanPowers) -> int:
        """Keep interval means from elsewhere; return how many.

        The home's own measurements count before them; an earlier recording of the same time is replaced.

        Parameters
        ----------
        means
            Of intervals of whole seconds, an hour at most; what is not known of one is NaN.

        Raises
        ------
        HistoryError
            The file cannot be written.
        """
        try:
            return self._database.write(lambda connection: writes.write_recorded(connection, means))
        except StorageFault as fault:
            msg = f"nothing was imported: {fault}"
            raise HistoryError(msg) from fault

    # --- what the past was ---------------------------------------------------------------------------------------

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        """Return time-weighted mean powers per whole interval of ``[start, end)``, as the port describes.

        A measurement holds until the next, at most for ``max_hold_s``. Nothing later than ``end`` is looked at.
        """
        edges = resampling.edges_of(start, end, step)
        if len(edges) == 1:
            return MeanPowers(starts_s=edges[:-1], step=step, values=np.empty((0, len(COLUMNS))))
        with self._database.lock:
            own, recorded = read_means(self._read, self._buffered_readings(), edges, max_hold_s=self._max_hold_s)
        return MeanPowers(starts_s=edges[:-1], step=step, values=resampling.resample(own, recorded, edges))

    def measurements(self, start: datetime, end: datetime) -> list[Measurement]:
        """Return the measurements of ``[start, end)``, in order of time."""
        with self._database.lock:
            stored = self._read(lambda connection: queries.measurements(connection, start, end)) or []
            pending = [row for row in self._buffered_measurements() if start <= row.at < end]
        known = set(stored)
        return sorted([*stored, *(row for row in pending if row not in known)], key=lambda row: row.at)

    def decisions(self, start: datetime, end: datetime) -> list[Decision]:
        """Return the decisions of ``[start, end)`` with their measurements, in order of time."""
        with self._database.lock:
            stored = self._read(lambda connection: queries.decisions(connection, start, end)) or []
            pending = [row for row in self._buffered_decisions() if start <= row.at < end]
        return sorted([*stored, *pending], key=lambda row: row.at)

    def latest_measurement(self) -> Measurement | None:
        """Return the measurement with the latest instant."""
        with self._database.lock:
            stored = self._read(queries.latest_measurement)
            pending = self._buffered_measurements()
        return max([*([stored] if stored else []), *pending], key=lambda row: row.at, default=None)

    def latest_decision(self) -> Decision | None:
        """Return the decision with the latest instant."""
        with self._database.lock:
            stored = self._read(queries.latest_decision)
            pending = self._buffered_decisions()
        return max([*([stored] if stored else []), *pending], key=lambda row: row.at, default=None)

    def summary(self) -> HistorySummary:
        """Return what is kept, and how much room it takes."""
        self.flush()
        found = self._read(lambda connection: summarise(connection, self.path))
        return HistorySummary() if found is None else found

    def _read(self, work: Callable[..., T]) -> T | None:
        try:
            return self._database.read(work)
        except (StorageFault, HistoryError) as fault:
            self._storage_fault = str(fault)
            return None

    def _buffered_decisions(self) -> list[Decision]:
        return [row for row in self._pending.snapshot()[1] if isinstance(row, Decision)]

    def _buffered_measurements(self) -> list[Measurement]:
        rows: Sequence[Row] = self._pending.snapshot()[1]
        found = (row.measurement if isinstance(row, Decision) else row for row in rows)
        return list(dict.fromkeys(measurement for measurement in found if measurement is not None))

    def _buffered_readings(self) -> Floats:
        return queries.as_readings(self._buffered_measurements())
