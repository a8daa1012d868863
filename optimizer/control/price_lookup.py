"""The prices of the running interval."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.errors import TariffError

logger = logging.getLogger(__name__)


class Tariff(Protocol):
    """What electricity costs and earns."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> Prices:
        """Return the prices over a grid as they were known at ``as_of``."""
        ...


class PriceLookup:
    """Asks the tariff once an interval, and again as long as a price is missing."""

    def __init__(self, tariff: Tariff, step: timedelta) -> None:
        self._tariff = tariff
        self._step = step
        self._start: datetime | None = None
        self._pair: tuple[float | None, float | None] = (None, None)
        self._told = ""

    def at(self, interval: Interval, now: datetime) -> tuple[float | None, float | None]:
        """Return import and export price of an interval, None where not known [currency/kWh]."""
        if interval.start != self._start or None in self._pair:
            self._start, self._pair = interval.start, self._ask(interval, now)
        return self._pair

    def _ask(self, interval: Interval, now: datetime) -> tuple[float | None, float | None]:
        grid = TimeGrid(start=interval.start, step=self._step, count=1)
        try:
            prices = self._tariff.prices(grid, as_of=now)
        except TariffError as error:
            # Asked again with every step: told once, until it changes or works again.
            if str(error) != self._told:
                self._told = str(error)
                logger.warning("the price of this interval is not known: %s", error)
            return None, None
        self._told = ""
        return prices.import_per_kwh[0], prices.export_per_kwh[0]
