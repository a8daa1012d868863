"""Prices by a calendar on the local clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from optimizer.domain.time_grid import TimeGrid
from optimizer.tariffs.calendar import Calendar


@dataclass(frozen=True, slots=True)
class TimeOfUse:
    """A price list: the first rule that holds sets the price."""

    calendar: Calendar
    """Values [currency/kWh]."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the price of every interval, the mean by time where it changes within [currency/kWh]."""
        del as_of  # a price list is known ahead
        return tuple(self.calendar.mean(interval) for interval in grid)
