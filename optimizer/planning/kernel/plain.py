"""The backward recursion in plain Python, on sorted lists: always available.

The worth of stored energy is a list of ``(negated slope, width)`` from the lowest energy to the highest, so that
``bisect`` finds the place of a slope and the ends are cut where lists are cheap. One interval costs a few microseconds,
whatever the length of the horizon.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain

import numpy as np

from optimizer.planning.kernel.port import Pieces
from optimizer.planning.kernel.segments import Segments, segments_of
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import NARROWEST, WorthCurve

Sorted = list[tuple[float, float]]
"""Negated slope [currency/kWh] and width [kWh], slopes increasing once negated."""


Ends = list[tuple[float, Sorted]]
"""Worth of the lowest energy [currency] and pieces, at the end of each interval that is kept."""


class ListWorths:
    """The recursion along every future, on lists."""

    method = "recursion"

    def __init__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> None:
        self.kept = keep
        self._lowest_kwh = scaled.lowest_kwh
        segments = segments_of(scaled, caps_kw)
        futures = [backward(scaled, segments, scenario, keep=keep) for scenario in range(len(caps_kw))]
        self._ends = [ends for _, ends in futures]
        starts = [_curve(self._lowest_kwh, *start).value(scaled.start_kwh) for start, _ in futures]
        self.start_values = np.array(starts)
        relaxed = np.flatnonzero(segments.relaxed.any(axis=0))
        self.first_relaxed = int(relaxed[0]) if len(relaxed) else None

    def end_curve(self, scenario: int, step: int) -> WorthCurve:
        """Return the worth along one future at the end of an interval."""
        return _curve(self._lowest_kwh, *self._ends[scenario][step])

    def end_pieces(self, step: int) -> Pieces:
        """Return the worths along all futures at the end of an interval."""
        here = [ends[step] for ends in self._ends]
        counts = np.array([len(pieces) for _, pieces in here])
        flat = chain.from_iterable(chain.from_iterable(pieces for _, pieces in here))
        keys, widths = np.fromiter(flat, float, 2 * int(counts.sum())).reshape(-1, 2).T
        return Pieces(-keys, widths, counts, np.array([worth for worth, _ in here]))


def _curve(lowest_kwh: float, at_lowest: float, pieces: Sorted) -> WorthCurve:
    return WorthCurve(lowest_kwh, at_lowest, tuple([(-key, width) for key, width in pieces]))


def backward(
    scaled: ScaledProblem, segments: Segments, scenario: int, *, keep: int
) -> tuple[tuple[float, Sorted], Ends]:
    """Return the worth along one future: at the start, and at the ends of the first ``keep`` intervals.

    ``V_t(E) = max over x of V_t+1(E + x - standby) - cost(x)``: an energy that is there need not be bought, so the
    interval's own slopes are worths like any other. They merge with those of later, and what lies outside the
    reachable energies falls away.
    """
    keys, widths = (-segments.slopes[scenario]).tolist(), segments.widths[scenario].tolist()
    # What the merged list reaches beyond the battery on either side.
    below = (segments.most_kwh[scenario] - scaled.standby_kwh).tolist()
    above = (scaled.standby_kwh - segments.least_kwh[scenario]).tolist()
    costs = segments.cost_of_most[scenario].tolist()
    lowest_kwh = scaled.lowest_kwh
    worth = scaled.terminal_per_kwh * lowest_kwh
    pieces: Sorted = [(-scaled.terminal_per_kwh, scaled.highest_kwh - lowest_kwh)]
    ends: Ends = []
    fines = scaled.leaves_band
    for step in range(scaled.count - 1, -1, -1):
        if fines:
            worth, pieces = _fined(scaled, worth, pieces)
        if step < keep:
            ends.append((worth, pieces.copy()))
        for piece in zip(keys[step], widths[step], strict=True):
            if piece[1] > 0.0:
                place = bisect_left(pieces, (piece[0],))
                if place < len(pieces) and pieces[place][0] == piece[0]:
                    pieces[place] = (piece[0], pieces[place][1] + piece[1])
                else:
                    pieces.insert(place, piece)
        worth += _cut_left(pieces, below[step]) - costs[step]
        _cut_right(pieces, above[step])
    ends.reverse()
    return (worth, pieces), ends


def _cut_left(pieces: Sorted, kwh: float) -> float:
    """Cut so much off the left end, in place; return what it was worth [currency]."""
    worth, cut, last = 0.0, 0, len(pieces) - 1
    key, width = pieces[0]
    while cut < last and kwh >= width - NARROWEST:
        worth -= key * width
        kwh -= width
        cut += 1
        key, width = pieces[cut]
    pieces[: cut + 1] = [(key, width - kwh)]
    return worth - key * kwh


def _cut_right(pieces: Sorted, kwh: float) -> None:
    """Cut so much off the right end, in place."""
    key, width = pieces[-1]
    while len(pieces) > 1 and kwh >= width - NARROWEST:
        kwh -= width
        del pieces[-1]
        key, width = pieces[-1]
    pieces[-1] = (key, width - kwh)


def _fined(scaled: ScaledProblem, worth: float, pieces: Sorted) -> tuple[float, Sorted]:
    """Return worth and pieces with each kWh outside the band fined."""
    fine, fined = scaled.penalties.band_per_kwh, []
    start = scaled.lowest_kwh
    for key, width in pieces:
        end = start + width
        below = max(0.0, min(end, scaled.min_kwh) - start)
        above = max(0.0, end - max(start, scaled.max_kwh))
        parts = ((key - fine, below), (key, width - below - above), (key + fine, above))
        fined += [part for part in parts if part[1] > NARROWEST]
        start = end
    return worth - fine * max(0.0, scaled.min_kwh - scaled.lowest_kwh), fined
