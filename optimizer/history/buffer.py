"""What is not on disk yet."""

from __future__ import annotations

import threading
from collections import deque

from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement

Row = Measurement | Decision


class PendingRows:
    """Rows waiting to be written, bounded: past its capacity the oldest is dropped and counted.

    Parameters
    ----------
    capacity
        How many rows are kept at most.
    """

    def __init__(self, capacity: int) -> None:
        self.dropped = 0
        self.capacity = capacity
        self._rows: deque[tuple[int, Row]] = deque()
        self._added = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, row: Row) -> None:
        """Keep a row, at the price of the oldest where there is no room."""
        with self._lock:
            self._added += 1
            self._rows.append((self._added, row))
            if len(self._rows) > self.capacity:
                self._rows.popleft()
                self.dropped += 1

    def snapshot(self) -> tuple[int, list[Row]]:
        """Return the rows, oldest first, and the mark to :meth:`discard` them by."""
        with self._lock:
            return self._added, [row for _, row in self._rows]

    def discard(self, mark: int) -> None:
        """Forget what a snapshot held; rows added since stay."""
        with self._lock:
            while self._rows and self._rows[0][0] <= mark:
                self._rows.popleft()
