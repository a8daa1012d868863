"""The worth of stored energy while it is being worked out: a concave function as a sorted list of segments.

One step back in time is a sup-convolution, and for concave piecewise-linear functions that is a merge of sorted slopes
(the "slope trick"): exact, with no grid over the energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
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
        return sum(width for _, width in self.segments)

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
        most_stored, its_cost = points[-1]
        value, segments = _cut(self.at_lowest - its_cost, merged, skip=most_stored - standby_kwh, keep=self.width_kwh)
        return WorthCurve(self.lowest_kwh, value, segments)

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
    for place, drop in drops:
        if place - start > NARROWEST:
            segments.append((slope, place - start))
            start = place
        slope -= drop
    segments.append((slope, curves[0].width_kwh - start))
    at_lowest = sum(weight * curve.at_lowest for curve, weight in zip(curves, weights, strict=True))
    return WorthCurve(curves[0].lowest_kwh, at_lowest, tuple(segments))


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


def _cut(value: float, segments: Sequence[Segment], *, skip: float, keep: float) -> tuple[float, tuple[Segment, ...]]:
    """Return the left value and the segments of the part that starts ``skip`` in and is ``keep`` wide [kWh]."""
    kept: list[Segment] = []
    for slope, width in segments:
        if skip >= width:
            value, skip = value + slope * width, skip - width
            continue
        if skip > 0.0:
            value, width, skip = value + slope * skip, width - skip, 0.0  # noqa: PLW2901 - the rest of the segment
        if width >= keep:
            if keep > NARROWEST:
                kept.append((slope, keep))
            break
        if width > NARROWEST:
            kept.append((slope, width))
        keep -= width
    return value, tuple(kept)
