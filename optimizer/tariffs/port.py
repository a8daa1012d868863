"""The port every source of prices speaks through."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from optimizer.domain.time_grid import TimeGrid


class PriceSource(Protocol):
    """All-in prices, surcharges and taxes included."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the price of every interval as it was known at ``as_of``, None where it was not [currency/kWh].

        An interval that spans several prices gets their time-weighted mean; one that is only partly covered is unknown.
        """
        ...
