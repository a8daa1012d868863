"""One price at all times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from optimizer.domain.time_grid import TimeGrid


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """The same price for every kilowatt-hour."""

    price_per_kwh: float
    """[currency/kWh]."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the price of every interval [currency/kWh]."""
        del as_of  # it has always been known
        return (self.price_per_kwh,) * len(grid)
