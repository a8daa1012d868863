"""When the control loop of :mod:`fault_run` looks next: as in production near a fault, seldom far from every one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optimizer.clock import Clock
from optimizer.service.pace import FASTEST_S, Pace

BEFORE_S, AFTER_S = 120.0, 300.0
"""So long before and after a fault begins or ends, steps come as often as the run asks for: leases lie within [s]."""
CALM_S, CALM_POLL_S = 2400.0, 120.0
"""In the midst of a long fault, and so long after it, where hold-offs end, they come at least so often [s]."""
QUIET_POLL_S = 540.0
"""Between two steps farther from every fault: what is looked for happens in and after one [s]."""


class RestingPace:
    """Stands in for the loop's :class:`Pace`, and lets time lapse while no fault begins or ends.

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
    restless
        Whether the midst of each is no calmer than its edges.

    Attributes
    ----------
    is_resting
        Whether the wait before this step was longer than the loop's own would have been.
    """

    def __init__(
        self, pace: Pace, clock: Clock, poll_s: float, spans: Sequence[tuple[float, float]], *, restless: bool
    ) -> None:
        self._pace, self._clock, self._poll_s = pace, clock, poll_s
        edges = spans if restless else [(edge_s, edge_s) for span in spans for edge_s in span]
        self._near = [(begins_s - BEFORE_S, ends_s + AFTER_S) for begins_s, ends_s in edges]
        self._calm = [(begins_s, ends_s + CALM_S) for begins_s, ends_s in spans]
        self.is_resting = False

    def begin(self) -> None:
        """Tell that a look begins now."""
        self._pace.begin()

    def wait_s(self, failures: int, *, lease_end_s: float | None = None) -> float:
        """Return how long to wait until the next look; see :class:`Pace`."""
        now_s = self._clock.elapsed()
        is_calm = _within(self._calm, now_s)
        self.is_resting = not _within(self._near, now_s) and (is_calm or not failures)
        if not self.is_resting:
            return self._pace.wait_s(failures, lease_end_s=lease_end_s)
        next_s = min((begins_s for begins_s, _ in self._near if begins_s > now_s), default=math.inf)
        if not is_calm:
            return min(QUIET_POLL_S, next_s - now_s)
        if lease_end_s is not None and lease_end_s > now_s:
            next_s = min(next_s, max(lease_end_s, now_s + FASTEST_S))
        return min(max(self._poll_s, CALM_POLL_S), next_s - now_s)


def _within(spans: Sequence[tuple[float, float]], now_s: float) -> bool:
    return any(begins_s <= now_s < ends_s for begins_s, ends_s in spans)
