"""Prices in a row, each holding until the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from optimizer.domain.time_grid import Interval

NEIGHBOURS = 12
"""So many distances on each side of a row say which step is usual there: half a day of hours, three of quarters."""


class PriceSeries:
    """Prices by the start of their interval; each holds until the next, at most for the step usual in that part.

    A file may change its step: the European day-ahead market went from hours to quarter hours on 2025-10-01.

    Parameters
    ----------
    starts
        Starts of the intervals, aware, increasing.
    values
        Their prices, None where there is none, same length [currency/kWh].
    """

    def __init__(self, starts: Sequence[datetime], values: Sequence[float | None]) -> None:
        self._starts = tuple(starts)
        self._values = tuple(values)
        self.step = usual_step(self._starts)
        self._ends = [start + held for start, held in zip(self._starts, holding_times(self._starts), strict=True)]

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def start(self) -> datetime:
        """Start of the first price."""
        return self._starts[0]

    @property
    def end(self) -> datetime:
        """End of the last price."""
        return self._ends[-1]

    def mean(self, interval: Interval, *, known_until: datetime | None = None) -> float | None:
        """Return the mean price by time, or None where a part of the interval has no price or none known yet.

        Parameters
        ----------
        interval
            The interval asked for.
        known_until
            Prices of intervals that start at this instant or later are not known yet; None: all are.
        """
        first = bisect_right(self._starts, interval.start) - 1
        last = bisect_left(self._starts, interval.end)
        if first < 0 or (known_until is not None and self._starts[last - 1] >= known_until):
            return None
        pieces = [piece for index in range(first, last) if (piece := self._piece(index, interval)) is not None]
        covered = sum((length for _, length in pieces), timedelta())
        if len(pieces) < last - first or covered != interval.end - interval.start:
            return None
        if len(pieces) == 1:
            return pieces[0][0]
        return sum(value * (length / covered) for value, length in pieces)

    def _piece(self, index: int, interval: Interval) -> tuple[float, timedelta] | None:
        """Return the price at ``index`` and how much of the interval it covers."""
        value = self._values[index]
        length = min(self._ends[index], interval.end) - max(self._starts[index], interval.start)
        return None if value is None or length <= timedelta() else (value, length)


def holding_times(starts: Sequence[datetime]) -> list[timedelta]:
    """Return how long each price holds: until the next, at most for the step usual around it; shape of ``starts``."""
    distances = [after - before for before, after in pairwise(starts)]
    if not distances:
        return [usual_step(starts)] * len(starts)
    shortest = min(distances)
    held = [each if each == shortest else min(each, _step_at(distances, at)) for at, each in enumerate(distances)]
    return [*held, _most_common(distances[-NEIGHBOURS:])]


def _step_at(distances: Sequence[timedelta], at: int) -> timedelta:
    """Return the step usual around a row, its own distance to the next aside.

    Where the step changes, either is usual. A distance that is neither is a gap: then the rows beside it tell, and what
    is in doubt is unknown.
    """
    before, after = distances[max(0, at - NEIGHBOURS) : at], distances[at + 1 : at + 1 + NEIGHBOURS]
    usual = {_most_common(side) for side in (before, after) if side} or {distances[at]}
    if distances[at] in usual:
        return distances[at]
    beside = {each for each in (*before[-1:], *after[:1]) if each in usual}
    return min(beside or usual)


def usual_step(starts: Sequence[datetime]) -> timedelta:
    """Return the most common distance of neighbours, the shorter one where two are equally common.

    A single price, or none, counts as hourly.
    """
    distances = [after - before for before, after in pairwise(starts)]
    return _most_common(distances) if distances else timedelta(hours=1)


def _most_common(distances: Sequence[timedelta]) -> timedelta:
    counts = Counter(distances)
    return min(counts, key=lambda distance: (-counts[distance], distance))
