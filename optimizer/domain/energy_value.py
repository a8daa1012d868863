"""What stored energy is worth: the *water value* of a battery.

``V(E)`` is the least money the future brings if the battery holds the energy ``E``; as a function of ``E`` it is
concave and piecewise linear: each further kilowatt-hour is worth at most as much as the one before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class EnergyValue:
    """A concave piecewise-linear worth of stored energy.

    Parameters
    ----------
    energy_wh
        Breakpoints, increasing, shape (n + 1,) [Wh]; the outer two bound the energy the battery can hold.
    slope_per_kwh
        Worth of one more kWh within each segment, not increasing, shape (n,) [currency/kWh].
    value_at_lowest
        Worth at the first breakpoint [currency].
    """

    energy_wh: tuple[float, ...]
    slope_per_kwh: tuple[float, ...]
    value_at_lowest: float = 0.0

    def __post_init__(self) -> None:
        if len(self.energy_wh) != len(self.slope_per_kwh) + 1 or not self.slope_per_kwh:
            raise ValueError("an energy value needs one slope per segment and at least one segment")

    @classmethod
    def linear(cls, slope_per_kwh: float, *, lowest_wh: float, highest_wh: float) -> EnergyValue:
        """Return a worth that is the same for every kilowatt-hour."""
        return cls((lowest_wh, highest_wh), (slope_per_kwh,))

    @property
    def lowest_wh(self) -> float:
        """Lowest energy the function speaks of [Wh]."""
        return self.energy_wh[0]

    @property
    def highest_wh(self) -> float:
        """Highest energy the function speaks of [Wh]."""
        return self.energy_wh[-1]

    def value(self, energy_wh: float) -> float:
        """Return the worth of holding ``energy_wh``, extended along the outer slopes [currency]."""
        worth = self.value_at_lowest
        last = len(self.slope_per_kwh) - 1
        for index, slope in enumerate(self.slope_per_kwh):
            start, end = self.energy_wh[index], self.energy_wh[index + 1]
            if energy_wh <= end or index == last:
                return worth + slope * (energy_wh - start) / 1000.0
            worth += slope * (end - start) / 1000.0
        raise AssertionError  # pragma: no cover - the last segment always returns

    def gain_per_kwh(self, energy_wh: float) -> float:
        """Return the worth of storing one more kWh from here: the slope to the right [currency/kWh]."""
        index = bisect_right(self.energy_wh, energy_wh) - 1
        return self.slope_per_kwh[min(max(index, 0), len(self.slope_per_kwh) - 1)]

    def loss_per_kwh(self, energy_wh: float) -> float:
        """Return the worth of drawing one kWh from here: the slope to the left [currency/kWh]."""
        index = bisect_left(self.energy_wh, energy_wh) - 1
        return self.slope_per_kwh[min(max(index, 0), len(self.slope_per_kwh) - 1)]


def mean_energy_value(values: Sequence[EnergyValue], weights: Sequence[float]) -> EnergyValue:
    """Return the expected worth over several futures, all on the same energy range.

    The mean of concave functions is concave: uncertainty smooths the steps of a single forecast.
    """
    points = sorted({point for value in values for point in value.energy_wh})
    middles = [(low + high) / 2.0 for low, high in pairwise(points)]
    slopes = [
        sum(weight * value.gain_per_kwh(middle) for value, weight in zip(values, weights, strict=True))
        for middle in middles
    ]
    lowest = sum(weight * value.value(points[0]) for value, weight in zip(values, weights, strict=True))
    return EnergyValue(tuple(points), tuple(slopes), lowest)
