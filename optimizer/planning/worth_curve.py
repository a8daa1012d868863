"""The worth of stored energy while it is being worked out: a concave function as a sorted list of segments.

One step back in time is a sup-convolution, and for concave piecewise-linear functions that is a merge of sorted slopes
(the "slope trick"): exact, with no grid over the energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from optimizer.domain.energy_value import EnergyValue
from optimizer.planning.interval_cost import Point

WH_PER_KWH = 1000.0

Segment = tuple[float, float]
"""Slope [currency/kWh] and width [kWh]."""

NARROWEST = 1e-9
"""Segments narrower than this are rounding [kWh]."""


@dataclass(frozen=True, slots=True)
class WorthCurve:
    """A concave worth over ``[0, capacity]``."""

    at_empty: float
    """Worth of the empty store [currency]."""
    segments: tuple[Segment, ...]
    """From the empty to the full store, slopes not increasing."""

    def value(self, energy_kwh: float) -> float:
        """Return the worth of an energy within the range [currency]."""
        worth, left = self.at_empty, energy_kwh
        for slope, width in self.segments:
            if left <= width:
                return worth + slope * left
            worth, left = worth + slope * width, left - width
        return worth

    def before(self, points: Sequence[Point], *, standby_kwh: float, capacity_kwh: float) -> WorthCurve:
        """Return the worth one interval earlier.

        ``V_t(E) = max over x of V_t+1(E + x - standby) - cost(x)``: an energy that is there need not be bought, so the
        interval's own slopes are worths like any other. They merge with those of later, and what lies outside
        ``[0, capacity]`` falls away.

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
        most_stored, its_cost = points[-1]
        return _cut(self.at_empty - its_cost, merged, skip=most_stored - standby_kwh, keep=capacity_kwh)

    def with_band(self, *, lowest_kwh: float, highest_kwh: float, price_per_kwh: float) -> WorthCurve:
        """Return the curve with each kWh outside the band fined."""
        if lowest_kwh <= 0.0 and highest_kwh >= sum(map(itemgetter(1), self.segments)) - NARROWEST:
            return self
        fined: list[Segment] = []
        start = 0.0
        for slope, width in self.segments:
            end = start + width
            below = max(0.0, min(end, lowest_kwh) - start)
            above = max(0.0, end - max(start, highest_kwh))
            parts = ((slope + price_per_kwh, below), (slope, width - below - above), (slope - price_per_kwh, above))
            fined += [part for part in parts if part[1] > NARROWEST]
            start = end
        return WorthCurve(self.at_empty - price_per_kwh * lowest_kwh, tuple(fined))

    def as_energy_value(self, capacity_kwh: float) -> EnergyValue:
        """Return it as the domain's record."""
        energies = [0.0]
        for _, width in self.segments:
            energies.append(energies[-1] + width * WH_PER_KWH)
        energies[-1] = capacity_kwh * WH_PER_KWH
        return EnergyValue(tuple(energies), tuple(slope for slope, _ in self.segments), self.at_empty)


def linear_worth(slope: float, capacity_kwh: float) -> WorthCurve:
    """Return a worth that is the same for every kilowatt-hour."""
    return WorthCurve(0.0, ((slope, capacity_kwh),))


def mean_worth(curves: Sequence[WorthCurve], weights: Sequence[float]) -> WorthCurve:
    """Return the expected worth over several futures: the slopes' steps, weighted, in the order of energy."""
    if len(curves) == 1:
        return curves[0]
    slope = 0.0
    drops: list[tuple[float, float]] = []
    for curve, weight in zip(curves, weights, strict=True):
        slope += weight * curve.segments[0][0]
        place = 0.0
        for (higher, width), (lower, _) in zip(curve.segments, curve.segments[1:], strict=False):
            place += width
            drops.append((place, weight * (higher - lower)))
    drops.sort()
    segments: list[Segment] = []
    start = 0.0
    capacity = sum(width for _, width in curves[0].segments)
    for place, drop in drops:
        if place - start > NARROWEST:
            segments.append((slope, place - start))
            start = place
        slope -= drop
    segments.append((slope, capacity - start))
    at_empty = sum(weight * curve.at_empty for curve, weight in zip(curves, weights, strict=True))
    return WorthCurve(at_empty, tuple(segments))


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
    return WorthCurve(curve.at_empty, tuple(joined))


def _cut(value: float, segments: Sequence[Segment], *, skip: float, keep: float) -> WorthCurve:
    """Return the part of a curve that starts ``skip`` after its left end and is ``keep`` wide [kWh]."""
    kept: list[Segment] = []
    for slope, width in segments:
        skipped = min(skip, width)
        value, skip = value + slope * skipped, skip - skipped
        taken = min(keep, width - skipped)
        keep -= taken
        if taken > NARROWEST:
            kept.append((slope, taken))
    return WorthCurve(value, tuple(kept))
