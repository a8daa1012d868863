"""Prices from a CSV file that another program keeps up to date."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import TariffError
from optimizer.tariffs.price_series import PriceSeries
from optimizer.tariffs.price_table import PriceUnit, read_price_table
from optimizer.tariffs.publication import DayAheadPublication

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedPrices:
    """Prices that do not change any more, each known from its publication on."""

    series: PriceSeries
    publication: DayAheadPublication | None
    """When prices become known; None: always."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the price of every interval as it was known at ``as_of`` [currency/kWh]."""
        known_until = None if self.publication is None else self.publication.known_until(as_of)
        return tuple(self.series.mean(interval, known_until=known_until) for interval in grid)


class PriceFile:
    """The prices of a file, each known from its publication on; read again whenever the file changes.

    A file that can no longer be read, for instance because it is just being written, is told once in the log, and
    what was last read stays in force: a price that was published does not become wrong.

    Parameters
    ----------
    path
        The CSV file: ``timestamp`` (start of the interval, with offset) and a price column.
    column
        Name of the price column.
    unit
        Unit of the column; None: per kWh, and prices that look like another unit are refused.
    publication
        When prices become known; None: always.
    """

    def __init__(
        self,
        path: Path,
        *,
        column: str,
        unit: PriceUnit | None = None,
        publication: DayAheadPublication | None = None,
    ) -> None:
        self._path = path
        self._column = column
        self._unit = unit
        self._publication = publication
        self._series: PriceSeries | None = None
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        """Return the price of every interval as it was known at ``as_of`` [currency/kWh].

        Raises
        ------
        TariffError
            The file could not be read, or does not make sense, and never did.
        """
        return PublishedPrices(self._current(), self._publication).prices(grid, as_of=as_of)

    def __reduce__(self) -> tuple[type[PublishedPrices], tuple[PriceSeries, DayAheadPublication | None]]:
        """Travel to another process, where there may be no such file, as the prices read here."""
        return PublishedPrices, (self._current(), self._publication)

    def _current(self) -> PriceSeries:
        with self._lock:
            stamp = self._changed()
            if self._series is None or stamp != self._stamp:
                self._series = self._read_again(self._series)
                self._stamp = stamp
            return self._series

    def _changed(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read_again(self, last: PriceSeries | None) -> PriceSeries:
        try:
            return read_price_table(self._path, column=self._column, unit=self._unit)
        except TariffError as error:
            if last is None:
                raise
            _log.warning("prices last read stay in force: %s", error)
            return last
