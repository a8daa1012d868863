"""What may happen now and then, but not for ever: counted within an hour, for what comes in between proves nothing."""

from __future__ import annotations

from collections import deque

WITHIN_S = 3600.0
TRIES = 5
"""A command that is gone again, or a mode that was left and is back, is sent anew so often within an hour."""


class Recurrence:
    """Counts what has happened within the last hour."""

    def __init__(self) -> None:
        self._at_s: deque[float] = deque()

    def note(self, elapsed_s: float) -> int:
        """Note that it has happened once more; return how often within an hour."""
        self._at_s.append(elapsed_s)
        return self.count(elapsed_s)

    def count(self, elapsed_s: float) -> int:
        """Return how often it has happened within an hour."""
        while self._at_s and elapsed_s - self._at_s[0] >= WITHIN_S:
            self._at_s.popleft()
        return len(self._at_s)

    def since_s(self, elapsed_s: float) -> float | None:
        """Return how long ago it happened last [s]; None: not within an hour."""
        return elapsed_s - self._at_s[-1] if self.count(elapsed_s) else None

    def forget(self) -> None:
        """Begin anew."""
        self._at_s.clear()
