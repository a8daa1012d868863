"""The last weeks of one side of a tariff."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.kept_past import KeptPast, Past
from optimizer.forecasting.sun import Floats
from optimizer.tariffs.port import PriceSource

_READ_ANEW = timedelta(days=7)
"""What was paid in the past is seldom corrected, and weeks of prices take long to read."""


class PastPrices:
    """Reads the prices of hours that are over, each as it was known when it was over.

    Parameters
    ----------
    source
        Where to read.
    """

    def __init__(self, source: PriceSource) -> None:
        self._source = source
        self._kept = KeptPast(self._read, anew=_READ_ANEW)

    def before(self, grid: TimeGrid, days: int) -> Past:
        """Return prices up to the start of a grid, NaN where never known, shape (m,) [currency/kWh]."""
        # A day more than asked for: local days are up to an hour longer than 24 h.
        count = -(-timedelta(days=days + 1) // grid.step)
        return self._kept.between(grid.start - count * grid.step, grid.start, grid.step)

    def _read(self, start: datetime, count: int, step: timedelta) -> Floats:
        grid = TimeGrid(start=start, step=step, count=count)
        return as_floats(self._source.prices(grid, as_of=grid.end))


def as_floats(prices: tuple[float | None, ...]) -> Floats:
    """Return prices with NaN where none is known."""
    return np.array(prices, dtype=np.float64)
