"""When the control loop looks next."""

from __future__ import annotations

import math
import random

from optimizer.clock import Clock

FASTEST_S = 5.0
"""Polling every second has crashed a real unit: never look again sooner than this [s]."""
SLOWEST_S = 30.0
"""Longest wait between two tries while the battery is away: a lease of 90 s sees three of them [s]."""
JITTER = 0.1
"""Waits after a failure are lengthened by up to this share, so that many clients of one device fall out of step [1]."""


class Pace:
    """Beats without drift while all is well, growing waits while the battery fails.

    Parameters
    ----------
    clock
        Measures the time.
    poll_s
        Time between two beats [s].
    chance
        Where jitter comes from.
    """

    def __init__(self, clock: Clock, poll_s: float, chance: random.Random) -> None:
        self._clock, self._poll_s, self._chance = clock, poll_s, chance
        self._beat_s = self._began_s = clock.elapsed()

    def begin(self) -> None:
        """Tell that a look begins now."""
        self._began_s = self._clock.elapsed()

    def wait_s(self, failures: int, *, lease_end_s: float | None = None) -> float:
        """Return how long to wait until the next look.

        Parameters
        ----------
        failures
            How many looks in a row have failed, this one included.
        lease_end_s
            When the lease of a standing command ends, by the clock for ages: not slept through. None: none stands [s].
        """
        now_s = self._clock.elapsed()
        next_s = self._after_failure(failures) if failures else self._next_beat()
        if lease_end_s is not None and now_s < lease_end_s < next_s:
            next_s = self._beat_s = max(lease_end_s, self._began_s + FASTEST_S)
        return max(0.0, next_s - now_s)

    def _next_beat(self) -> float:
        """Return the next beat; beats that a slow step has passed over are left out, not made up for.

        Where a step began late, the beat moves by as much as the battery's rest asks for. Leaving a beat out instead
        would halve the fastest poll: no wait ends to the millisecond, so that every other beat came too soon.
        """
        beats = max(1, math.ceil((self._clock.elapsed() - self._beat_s) / self._poll_s - 1e-9))
        self._beat_s = max(self._beat_s + beats * self._poll_s, self._began_s + min(FASTEST_S, self._poll_s))
        return self._beat_s

    def _after_failure(self, failures: int) -> float:
        growing_s = self._poll_s * 2.0 ** min(failures - 1, 10)
        wait_s = max(FASTEST_S, self._poll_s, min(SLOWEST_S, growing_s)) * (1.0 + JITTER * self._chance.random())
        self._beat_s = self._began_s + wait_s
        # A device that hangs until the deadline still gets its rest.
        return max(self._beat_s, self._clock.elapsed() + FASTEST_S)
