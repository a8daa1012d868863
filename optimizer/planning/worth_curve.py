"""The worth of stored energy while it is being worked out: a concave function as a sorted list of segments.

One step back in time is a sup-convolution, and for concave piecewise-linear functions that is a merge of sorted slopes
(the "slope trick"): exact, with no grid over the energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import itemgetter

import numpy as np

from optimizer.domain.energy_value import EnergyValue
from optimizer.planning.interval_cost import Point

WH_PER_KWH = 1000.0

Segment = tuple[float, float]
"""Slope [currency/kWh] and width [kWh]."""

NARROWEST = 1e-9
"""Segments narrower than this are rounding [kWh]."""


@dataclass(frozen=True, slots=True)
class WorthCurve:
    """A concave worth over the energies a plan may reach."""

    lowest_kwh: float
    """Lowest of them [kWh]."""
    at_lowest: float
    """Worth of holding that [currency]."""
    segments: tuple[Segment, ...]
    """From the lowest to the highest energy, slopes not increasing."""

    @property
    def width_kwh(self) -> float:
        """Highest less lowest energy [kWh]."""
        return sum([width for _, width in self.segments])

    def value(self, energy_kwh: float) -> float:
        """Return the worth of an energy within the range [currency]."""
        worth, left = self.at_lowest, energy_kwh - self.lowest_kwh
        for slope, width in self.segments:
            if left <= width:
                return worth + slope * left
            worth, left = worth + slope * width, left - width
        return worth

    def before(self, points: Sequence[Point], *, standby_kwh: float) -> WorthCurve:
        """Return the worth one interval earlier.

        ``V_t(E) = max over x of V_t+1(E + x - standby) - cost(x)``: an energy that is there need not be bought, so the
        interval's own slopes are worths like any other. They merge with those of later, and what lies outside
        the reachable energies falls away.

        Parameters
        ----------
        points
            Corners of the interval's convex cost over the energy stored in it, increasing.
        """
        bought = [
            ((right[1] - left[1]) / (right[0] - left[0]), right[0] - left[0])
            for left, right in zip(points[-2::-1], points[:0:-1], strict=True)
        ]
        merged = sorted([*self.segments, *bought], key=itemgetter(0), reverse=True)
        (least_stored, _), (most_stored, its_cost) = points[0], points[-1]
        value = self.at_lowest - its_cost
        value += _trim_left(merged, most_stored - standby_kwh)
        _trim_right(merged, standby_kwh - least_stored)
        return WorthCurve(self.lowest_kwh, value, tuple(merged))

    def with_band(self, *, lowest_kwh: float, highest_kwh: float, price_per_kwh: float) -> WorthCurve:
        """Return the curve with each kWh outside the band fined."""
        if lowest_kwh <= self.lowest_kwh and highest_kwh >= self.lowest_kwh + self.width_kwh - NARROWEST:
            return self
        fined: list[Segment] = []
        start = self.lowest_kwh
        for slope, width in self.segments:
            end = start + width
            below = max(0.0, min(end, lowest_kwh) - start)
            above = max(0.0, end - max(start, highest_kwh))
            parts = ((slope + price_per_kwh, below), (slope, width - below - above), (slope - price_per_kwh, above))
            fined += [part for part in parts if part[1] > NARROWEST]
            start = end
        fine = price_per_kwh * max(0.0, lowest_kwh - self.lowest_kwh)
        return WorthCurve(self.lowest_kwh, self.at_lowest - fine, tuple(fined))

    def as_energy_value(self, *, capacity_kwh: float, fine_per_kwh: float) -> EnergyValue:
        """Return it as the domain's record over the whole battery.

        What the plan may not reach is worth its neighbour and a fine: more below, less above. A battery that a
        measurement finds there is led back.
        """
        above_kwh = capacity_kwh - self.lowest_kwh - self.width_kwh
        segments = [
            (self.segments[0][0] + fine_per_kwh, self.lowest_kwh),
            *self.segments,
            (self.segments[-1][0] - fine_per_kwh, above_kwh),
        ]
        kept = [segment for segment in segments if segment[1] > NARROWEST]
        energies = [0.0, *accumulate(width * WH_PER_KWH for _, width in kept)]
        energies[-1] = capacity_kwh * WH_PER_KWH
        at_empty = self.at_lowest - segments[0][0] * self.lowest_kwh
        return EnergyValue(tuple(energies), tuple(slope for slope, _ in kept), at_empty)


def linear_worth(slope: float, *, lowest_kwh: float, highest_kwh: float) -> WorthCurve:
    """Return a worth that is the same for every kilowatt-hour, and 0 for the empty store."""
    return WorthCurve(lowest_kwh, slope * lowest_kwh, ((slope, highest_kwh - lowest_kwh),))


def mean_worth(curves: Sequence[WorthCurve], weights: Sequence[float]) -> WorthCurve:
    """Return the expected worth over several futures: the slopes' steps, weighted, in the order of energy."""
    if len(curves) == 1:
        return curves[0]
    counts = [len(curve.segments) for curve in curves]
    flat = chain.from_iterable(chain.from_iterable(curve.segments for curve in curves))
    slopes, widths = np.fromiter(flat, float, 2 * sum(counts)).reshape(-1, 2).T
    lasts = np.cumsum(counts) - 1
    firsts = np.append(0, lasts[:-1] + 1)
    ends = np.cumsum(widths)
    ends -= np.repeat(ends[firsts] - widths[firsts], counts)
    drops = np.zeros_like(slopes)
    drops[:-1] = slopes[:-1] - slopes[1:]
    drops[lasts] = 0.0
    order = np.argsort(ends)
    drops = (drops * np.repeat(weights, counts))[order]
    slopes = np.dot(weights, slopes[firsts]) - np.cumsum(drops) + drops
    widths = np.diff(ends[order], prepend=0.0)
    kept = widths > NARROWEST
    at_lowest = sum(weight * curve.at_lowest for curve, weight in zip(curves, weights, strict=True))
    segments = tuple(zip(slopes[kept].tolist(), widths[kept].tolist(), strict=True))
    return WorthCurve(curves[0].lowest_kwh, at_lowest, segments)


def simplified(curve: WorthCurve, *, tolerance: float) -> WorthCurve:
    """Return the curve with neighbouring segments joined while their slopes differ by at most ``tolerance``.

    Each joined piece is a chord: exact at its ends, below the curve by at most a quarter of ``tolerance * width``
    between them, and still concave. Slopes are off by at most ``tolerance`` [currency/kWh].
    """
    joined: list[Segment] = []
    steepest = slope_sum = width_sum = 0.0
    for slope, width in curve.segments:
        # Penalty slopes are large and many: for them the tolerance is a share.
        if width_sum and steepest - slope > max(tolerance, 0.02 * abs(slope)):
            joined.append((slope_sum / width_sum, width_sum))
            slope_sum = width_sum = 0.0
        if not width_sum:
            steepest = slope
        slope_sum, width_sum = slope_sum + slope * width, width_sum + width
    joined.append((slope_sum / width_sum, width_sum))
    return WorthCurve(curve.lowest_kwh, curve.at_lowest, tuple(joined))


def _trim_left(segments: list[Segment], kwh: float) -> float:
    """Cut so much off the left end, in place; return what it was worth [currency]."""
    worth, cut = 0.0, 0
    while cut < len(segments) - 1 and kwh >= segments[cut][1] - NARROWEST:
        slope, width = segments[cut]
        worth, kwh, cut = worth + slope * width, kwh - width, cut + 1
    slope, width = segments[cut]
    segments[: cut + 1] = [(slope, width - kwh)]
    return worth + slope * kwh


def _trim_right(segments: list[Segment], kwh: float) -> None:
    """Cut so much off the right end, in place."""
    while len(segments) > 1 and kwh >= segments[-1][1] - NARROWEST:
        kwh -= segments.pop()[1]
    slope, width = segments[-1]
    segments[-1] = (slope, width - kwh)
