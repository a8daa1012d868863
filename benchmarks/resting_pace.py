"""When the control loop of :mod:`fault_run` looks next: as in production near a fault, seldom far from every one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optimizer.clock import Clock
from optimizer.service.pace import FASTEST_S, Pace

BEFORE_S, AFTER_S = 120.0, 480.0
"""So long before and after a fault begins or ends, steps come as often as the run asks for: leases lie within [s]."""
CALM_S, CALM_POLL_S = 2400.0, 60.0
"""In the midst of a long fault, and so long after it, where hold-offs end, they come at least so often [s]."""
QUIET_POLL_S = 300.0
"""Between two steps farther from every fault: what is looked for happens in and after one [s]."""


class RestingPace:
    """Stands in for the loop's :class:`Pace`, and lets time lapse while no fault is near and no look has failed.

    Nothing is lost by a step that sees a command older than its lease: a verified read-back renews it all the same.

    Parameters
    ----------
    pace
        The loop's own.
    clock
        Simulated time.
    poll_s
        What the run asks for, between two steps [s].
    spans
        When something is wrong [s after the start].
    """

    def __init__(self, pace: Pace, clock: Clock, poll_s: float, spans: Sequence[tuple[float, float]]) -> None:
        self._pace, self._clock, self._poll_s = pace, clock, poll_s
        self._near = [(edge_s - BEFORE_S, edge_s + AFTER_S) for span in spans for edge_s in span]
        self._calm = [(begins_s, ends_s + CALM_S) for begins_s, ends_s in spans]

    def begin(self) -> None:
        """Tell that a look begins now."""
        self._pace.begin()

    def wait_s(self, failures: int, *, lease_end_s: float | None = None) -> float:
        """Return how long to wait until the next look; see :class:`Pace`."""
        now_s = self._clock.elapsed()
        is_calm = _within(self._calm, now_s)
        has_failed = bool(failures) and (lease_end_s is not None or not is_calm)
        if has_failed or _within(self._near, now_s):
            return self._pace.wait_s(failures, lease_end_s=lease_end_s)
        next_s = min((begins_s for begins_s, _ in self._near if begins_s > now_s), default=math.inf)
        if not is_calm:
            return min(QUIET_POLL_S, next_s - now_s)
        if lease_end_s is not None and lease_end_s > now_s:
            next_s = min(next_s, max(lease_end_s, now_s + FASTEST_S))
        return min(max(self._poll_s, CALM_POLL_S), next_s - now_s)


def _within(spans: Sequence[tuple[float, float]], now_s: float) -> bool:
    return any(begins_s <= now_s < ends_s for begins_s, ends_s in spans)
