"""What comes on top of a price: surcharges, grid fees that follow the clock, value-added tax."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.tariffs.calendar import Calendar
from optimizer.tariffs.port import PriceSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """``all-in = (value + surcharge + surcharge of the hour) * (1 + vat)``."""

    surcharge_per_kwh: float = 0.0
    """Before tax [currency/kWh]."""
    vat: float = 0.0
    """Value-added tax as a share."""
    by_the_clock: Calendar | None = None
    """Surcharge that follows the local clock, such as a time-variable grid fee (in Germany § 14a EnWG, module 3)."""

    def on(self, value: float, interval: Interval) -> float:
        """Return the all-in price of an interval [currency/kWh]."""
        hourly = 0.0 if self.by_the_clock is None else self.by_the_clock.mean(interval)
        return (value + self.surcharge_per_kwh + hourly) * (1 + self.vat)


@dataclass(frozen=True, slots=True)
class WithFees:
    """A source of prices with fees on top; what is unknown stays unknown."""

    source: PriceSource
    fees: Fees

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the all-in price of every interval [currency/kWh]."""
        values = self.source.prices(grid, as_of=as_of)
        pairs = zip(values, grid, strict=True)
        return tuple(None if value is None else self.fees.on(value, interval) for value, interval in pairs)
