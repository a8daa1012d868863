"""The mean of the house load over the last minute, as the status reports it."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 60.0


class LoadAverage:
    """Mean of a power over the last 60 s, from its running energy."""

    def __init__(self, start_s: float) -> None:
        self._marks: deque[tuple[float, float]] = deque([(start_s, 0.0)])

    def add(self, at_s: float, total_wh: float) -> None:
        """Note the energy used up to an instant."""
        self._marks.append((at_s, total_wh))
        while len(self._marks) > 2 and self._marks[1][0] <= at_s - _WINDOW_S:
            self._marks.popleft()

    def mean_w(self, now_w: float) -> float:
        """Return the mean over the last 60 s, or over what there was; ``now_w`` where there was nothing [W]."""
        (first_s, first_wh), (last_s, last_wh) = self._marks[0], self._marks[-1]
        if last_s <= first_s:
            return now_w
        start_s = last_s - _WINDOW_S
        if first_s < start_s:
            # The oldest mark lies before the window: take the energy at its edge from the line to the next mark.
            next_s, next_wh = self._marks[1]
            first_wh += (start_s - first_s) / (next_s - first_s) * (next_wh - first_wh)
            first_s = start_s
        return (last_wh - first_wh) / (last_s - first_s) * 3600.0
