"""The worth of stored energy while it is being worked out: a concave function as a sorted list of segments.

One step back in time is a sup-convolution, and for concave piecewise-linear functions that is a merge of sorted slopes
(the "slope trick"): exact, with no grid over the energy.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.energy_value import EnergyValue
from optimizer.planning.step_arrays import Floats

WH_PER_KWH = 1000.0

Segment = tuple[float, float]
"""Slope [currency/kWh] and width [kWh]."""

NARROWEST = 1e-9
"""Segments narrower than this are rounding [kWh]."""

PENALTY_SHARE = 0.02
"""Penalty slopes are large and many: those are joined that differ by less than this share of the steepest [1]."""


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


def mean_worth(
    lowest_kwh: float, pieces: tuple[Floats, Floats, NDArray[np.int64], Floats], weights: Floats
) -> WorthCurve:
    """Return the expected worth over several futures: the slopes' steps, weighted, in the order of energy.

    Parameters
    ----------
    pieces
        Slopes and widths of all futures end to end, the number of segments of each, and its worth at the lowest
        energy. All cover the same energies.
    """
    slopes, widths, counts, at_lowest = pieces
    if len(counts) == 1:
        return WorthCurve(lowest_kwh, float(at_lowest[0]), _segments(slopes, widths))
    lasts = np.cumsum(counts) - 1
    firsts = lasts - counts + 1
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
    return WorthCurve(lowest_kwh, float(np.dot(weights, at_lowest)), _segments(slopes[kept], widths[kept]))


def _segments(slopes: Floats, widths: Floats) -> tuple[Segment, ...]:
    return tuple(zip(slopes.tolist(), widths.tolist(), strict=True))


def simplified(curve: WorthCurve, *, tolerance: float) -> WorthCurve:
    """Return the curve with neighbouring segments joined while their slopes differ by at most ``tolerance``.

    Each joined piece is a chord: exact at its ends, below the curve by at most a quarter of ``tolerance * width``
    between them, and still concave. Slopes are off by at most ``tolerance`` [currency/kWh].
    """
    falls = [-slope for slope, _ in curve.segments]
    widths = [width for _, width in curve.segments]
    joined: list[Segment] = []
    first = 0
    while first < len(falls):
        steepest = -falls[first]
        end = bisect_right(falls, max(tolerance, PENALTY_SHARE * abs(steepest)) - steepest, first)
        width = sum(widths[first:end])
        joined.append((-sum(map(mul, falls[first:end], widths[first:end])) / width, width))
        first = end
    return WorthCurve(curve.lowest_kwh, curve.at_lowest, tuple(joined))
