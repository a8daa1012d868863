"""What may happen now and then, but not for ever: counted within an hour, for what comes in between proves nothing."""

from __future__ import annotations

from collections import deque

WITHIN_S = 3600.0


class Recurrence:
    """Counts within an hour.

    Parameters
    ----------
    allowed
        How often it may happen.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._at_s: deque[float] = deque()

    @property
    def count(self) -> int:
        """How often it had happened within an hour, the last time included."""
        return len(self._at_s)

    def note(self, elapsed_s: float) -> bool:
        """Note that it has happened once more; return whether that is too often."""
        while self._at_s and elapsed_s - self._at_s[0] >= WITHIN_S:
            self._at_s.popleft()
        self._at_s.append(elapsed_s)
        return len(self._at_s) > self._allowed

    def forget(self) -> None:
        """Begin anew."""
        self._at_s.clear()
