"""What was asked of the simulated battery, when, and what came of it."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One request."""

    number: int
    """From 1, over both faces."""
    at: datetime
    """Simulated time (UTC)."""
    real_s: float
    """Real time since the simulator started [s]."""
    face: str
    """``v1`` or ``v2``."""
    method: str
    path: str
    """Query included."""
    body: str
    status: int | None
    """HTTP status of the answer; None where no answer was sent."""
    fault: str | None
    """Name of the fault that changed the answer."""
    mode: int
    """Operating mode afterwards."""
    setpoint_w: float | None
    """Standing command afterwards, + charging [W]."""
    battery_power_w: float
    """Battery power, + charging [W]."""
    soc: float
    """User state of charge [1]."""

    @property
    def is_write(self) -> bool:
        """Whether it could change something."""
        return "/setpoint/" in self.path or "/setting" in self.path or self.method in {"PUT", "POST"}


class RequestLog:
    """The last requests in memory, and every one in a file where that was asked for (JSON lines).

    Parameters
    ----------
    size
        How many are kept in memory.
    file
        Where each one is also written, a line each.
    """

    def __init__(self, *, size: int = 100_000, file: TextIO | None = None) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=size)
        self._file = file
        self._lock = threading.Lock()
        self._count = 0

    def next_number(self) -> int:
        """Return the number of a request that begins now."""
        with self._lock:
            self._count += 1
            return self._count

    def add(self, entry: LogEntry) -> None:
        """Keep one request."""
        with self._lock:
            self._entries.append(entry)
            if self._file is not None:
                line = asdict(entry) | {"at": entry.at.isoformat(timespec="milliseconds")}
                self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
                self._file.flush()

    @property
    def count(self) -> int:
        """Return how many requests began so far, forgotten ones included."""
        return self._count

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """Return what is kept, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def after(self, number: int) -> tuple[LogEntry, ...]:
        """Return what is kept of the requests later than a number, oldest first."""
        with self._lock:
            later = tuple(itertools.takewhile(lambda entry: entry.number > number, reversed(self._entries)))
        return later[::-1]

    @property
    def writes(self) -> tuple[LogEntry, ...]:
        """Return the requests that could change something."""
        return tuple(entry for entry in self.entries if entry.is_write)
