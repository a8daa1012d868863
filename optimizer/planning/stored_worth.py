"""An energy value made ready for the many questions of one weighing."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from optimizer.domain.energy_value import EnergyValue


class StoredWorth:
    """An energy value made ready for many questions."""

    def __init__(self, value: EnergyValue) -> None:
        self._value = value
        segments = zip(pairwise(value.energy_wh), value.slope_per_kwh, strict=True)
        self._segments = [(low, high, slope) for (low, high), slope in segments]
        self._at = [value.value_at_lowest]
        for low, high, slope in self._segments:
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
        if edge >= start:
            for low, high, slope in self._segments:
                if high > start and slope < price_per_kwh:
                    return min(max(low, start), edge)
            return edge
        for low, high, slope in reversed(self._segments):
            if low < start and slope > price_per_kwh:
                return max(min(high, start), edge)
        return edge

    def shortfall(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between falls short of a price [currency]."""
        parts = self._between(low_wh, high_wh)
        return sum((price_per_kwh - slope) * energy_wh / 1000.0 for energy_wh, slope in parts if slope < price_per_kwh)

    def excess(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between exceeds a price [currency]."""
        parts = self._between(low_wh, high_wh)
        return sum((slope - price_per_kwh) * energy_wh / 1000.0 for energy_wh, slope in parts if slope > price_per_kwh)

    def _between(self, low_wh: float, high_wh: float) -> list[tuple[float, float]]:
        """Return how much of each segment lies between two energies, and its slope [Wh, currency/kWh]."""
        return [
            (min(high, high_wh) - max(low, low_wh), slope)
            for low, high, slope in self._segments
            if low < high_wh and high > low_wh
        ]
