"""Notices when the wall clock is set."""

from __future__ import annotations

import logging

from optimizer.clock import Clock

logger = logging.getLogger("sunshift.service")

JUMP_S = 30.0
"""A smaller difference is a clock being slewed [s]."""


class ClockWatch:
    """Compares the wall clock with the clock for ages.

    Parameters
    ----------
    clock
        Both of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference_s = self._difference()

    def jumped(self) -> bool:
        """Return whether the wall clock was set since the last look."""
        before_s, self._difference_s = self._difference_s, self._difference()
        by_s = self._difference_s - before_s
        if abs(by_s) < JUMP_S:
            return False
        logger.warning("the clock was set by %+.0f s to %s", by_s, self._clock.now().isoformat(timespec="seconds"))
        return True

    def _difference(self) -> float:
        return self._clock.now().timestamp() - self._clock.elapsed()
