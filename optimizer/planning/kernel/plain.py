"""The backward recursion in plain Python, on sorted lists: always available.

The worth of stored energy is a list of ``(negated slope, width)`` from the lowest energy to the highest, so that
``bisect`` finds the place of a slope and the ends are cut where lists are cheap. One interval costs a few microseconds,
whatever the length of the horizon.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain

import numpy as np

from optimizer.planning.kernel.port import Pieces
from optimizer.planning.kernel.segments import Segments, segments_of
from optimizer.planning.scaled_problem import ScaledProblem, Switches
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import NARROWEST, PENALTY_SHARE, WorthCurve, mean_worth, simplified

Sorted = list[tuple[float, float]]
"""Negated slope [currency/kWh] and width [kWh], slopes increasing once negated."""


Worth = tuple[float, Sorted]
"""Worth of the lowest energy [currency] and pieces."""


class ListWorths:
    """The recursion along every future, on lists."""

    def __init__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> None:
        self.kept = keep
        self._lowest_kwh = scaled.lowest_kwh
        segments = segments_of(scaled, caps_kw)
        starts, self._ends = backward(scaled, segments, keep=keep)
        self.start_values = np.array([_curve(self._lowest_kwh, *start).value(scaled.start_kwh) for start in starts])
        relaxed = np.flatnonzero(segments.relaxed.any(axis=0))
        self.first_relaxed = int(relaxed[0]) if len(relaxed) else None

    def end_curve(self, scenario: int, step: int) -> WorthCurve:
        """Return the worth along one future at the end of an interval."""
        return _curve(self._lowest_kwh, *self._ends[scenario][step])

    def end_pieces(self, step: int) -> Pieces:
        """Return the worths along all futures at the end of an interval."""
        return _end_to_end([ends[step] for ends in self._ends])


def _curve(lowest_kwh: float, at_lowest: float, pieces: Sorted) -> WorthCurve:
    return WorthCurve(lowest_kwh, at_lowest, tuple([(-key, width) for key, width in pieces]))


def _end_to_end(worths: Sequence[Worth]) -> Pieces:
    counts = np.array([len(pieces) for _, pieces in worths])
    flat = chain.from_iterable(chain.from_iterable(pieces for _, pieces in worths))
    keys, widths = np.fromiter(flat, float, 2 * int(counts.sum())).reshape(-1, 2).T
    return Pieces(-keys, widths, counts, np.array([worth for worth, _ in worths]))


def backward(scaled: ScaledProblem, segments: Segments, *, keep: int) -> tuple[list[Worth], list[list[Worth]]]:
    """Return the worths along all futures: at the start, and at the ends of the first ``keep`` intervals."""
    switches = scaled.switches
    lowest_kwh, terminal = scaled.lowest_kwh, scaled.terminal_per_kwh
    worths: list[Worth] = [
        (terminal * lowest_kwh, [(-terminal, scaled.highest_kwh - lowest_kwh)]) for _ in segments.slopes
    ]
    ends: list[list[Worth]] = [[] for _ in worths]
    until = scaled.count
    for since in reversed((0, *(switches.starts if switches else ()))):
        for scenario, later in enumerate(worths):
            worths[scenario], found = back_through(scaled, segments, scenario, later, (since, until), keep=keep)
            ends[scenario] += found
        if switches and since:
            worths = switched(scaled, worths, switches)
        until = since
    for found in ends:
        found.reverse()
    return worths, ends


def back_through(
    scaled: ScaledProblem, segments: Segments, scenario: int, later: Worth, span: tuple[int, int], *, keep: int
) -> tuple[Worth, list[Worth]]:
    """Return the worth along one future at the start of a span of intervals, and at those ends within that are kept.

    The last end comes first. ``later`` is the worth at the end of the span.

    ``V_t(E) = max over x of V_t+1(E + x - standby) - cost(x)``: an energy that is there need not be bought, so the
    interval's own slopes are worths like any other. They merge with those of later, and what lies outside the
    reachable energies falls away.
    """
    part = slice(*span)
    keys, widths = (-segments.slopes[scenario, part]).tolist(), segments.widths[scenario, part].tolist()
    # What the merged list reaches beyond the battery on either side.
    below = (segments.most_kwh[scenario, part] - scaled.standby_kwh).tolist()
    above = (scaled.standby_kwh - segments.least_kwh[scenario, part]).tolist()
    costs = segments.cost_of_most[scenario, part].tolist()
    worth, pieces = later
    ends: list[Worth] = []
    fines, since = scaled.leaves_band, span[0]
    for step in range(span[1] - since - 1, -1, -1):
        if fines:
            worth, pieces = _fined(scaled, worth, pieces)
        if since + step < keep:
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
    return (worth, pieces), ends


def switched(scaled: ScaledProblem, worths: Sequence[Worth], switches: Switches) -> list[Worth]:
    """Return the worths before the futures change into one another, given those after.

    ``V_i <- (1 - share) V_i + share * sum_j weight_j V_j``, the mean of concave worths: hundreds of pieces, of which
    those are joined that no price can tell apart.
    """
    mean = mean_worth(scaled.lowest_kwh, _end_to_end(worths), scaled.arrays.weights)
    if switches.join_per_kwh > 0.0:
        mean = simplified(mean, tolerance=switches.join_per_kwh)
    shared = (mean.at_lowest, [(-slope, width) for slope, width in mean.segments])
    return [_blended(own, shared, switches) for own in worths]


def _blended(own: Worth, mean: Worth, switches: Switches) -> Worth:
    """Return ``(1 - share) * own worth + share * mean worth``, slopes joined on the way."""
    share, kept = switches.share, 1.0 - switches.share
    blend: Sorted = []
    owns, means = iter(own[1]), iter(mean[1])
    (own_key, own_left), (mean_key, mean_left) = next(owns), next(means)
    worth, joined, highest = 0.0, 0.0, -math.inf  # of the piece being joined
    while True:
        width = min(own_left, mean_left)
        key = kept * own_key + share * mean_key
        if key > highest and width > NARROWEST:
            if joined > NARROWEST:
                blend.append((worth / joined, joined))
                worth, joined = 0.0, 0.0
            highest = _highest_joined(key, switches.join_per_kwh)
        worth, joined = worth + key * width, joined + width
        own_left, mean_left = own_left - width, mean_left - width
        # Both end at the same energy, but for rounding.
        following = next(owns, None) if own_left <= 0.0 else next(means, None)
        if following is None:
            break
        if own_left <= 0.0:
            own_key, own_left = following
        else:
            mean_key, mean_left = following
    return kept * own[0] + share * mean[0], [*blend, (worth / joined, joined)]


def _highest_joined(key: float, join_per_kwh: float) -> float:
    """Return up to which negated slope pieces are joined to one that begins with ``key``; at 0 only its like."""
    return key + max(join_per_kwh, PENALTY_SHARE * abs(key)) if join_per_kwh > 0.0 else key


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
