"""An energy value made ready for the many questions of one weighing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

from optimizer.domain.energy_value import EnergyValue


class StoredWorth:
    """An energy value made ready for many questions."""

    def __init__(self, value: EnergyValue) -> None:
        self._value = value
        self._at = [value.value_at_lowest]
        for (low, high), slope in zip(pairwise(value.energy_wh), value.slope_per_kwh, strict=True):
            self._at.append(self._at[-1] + slope * (high - low) / 1000.0)

    def __call__(self, energy_wh: float) -> float:
        """Return the worth of holding ``energy_wh``, extended along the outer slopes [currency]."""
        points, slopes = self._value.energy_wh, self._value.slope_per_kwh
        index = min(max(bisect_right(points, energy_wh) - 1, 0), len(slopes) - 1)
        return self._at[index] + slopes[index] * (energy_wh - points[index]) / 1000.0

    def pays_until_wh(self, price_per_kwh: float, *, start: float, edge: float) -> float:
        """Return how far from ``start`` towards ``edge`` energy at a price per stored kWh is worth moving [Wh].

        Charging pays while the worth of one more kWh is at least the price; discharging while it is at most what it
        brings.
        """
        points, slopes = self._value.energy_wh, self._value.slope_per_kwh
        segments = list(zip(pairwise(points), slopes, strict=True))
        if edge >= start:
            for (low, high), slope in segments:
                if high > start and slope < price_per_kwh:
                    return min(max(low, start), edge)
            return edge
        for (low, high), slope in reversed(segments):
            if low < start and slope > price_per_kwh:
                return max(min(high, start), edge)
        return edge

    def shortfall(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between falls short of a price [currency]."""
        return self._over(low_wh, high_wh, lambda slope: max(0.0, price_per_kwh - slope))

    def excess(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between exceeds a price [currency]."""
        return self._over(low_wh, high_wh, lambda slope: max(0.0, slope - price_per_kwh))

    def _over(self, low_wh: float, high_wh: float, weigh: Callable[[float], float]) -> float:
        segments = zip(pairwise(self._value.energy_wh), self._value.slope_per_kwh, strict=True)
        return sum(
            weigh(slope) * max(0.0, min(high, high_wh) - max(low, low_wh)) / 1000.0 for (low, high), slope in segments
        )
