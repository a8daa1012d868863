"""Import and export together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import TimeGrid
from optimizer.tariffs.demand import DemandTariff
from optimizer.tariffs.port import PriceSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What energy costs and earns at this home."""

    import_source: PriceSource
    export_source: PriceSource
    demand: DemandTariff | None = None
    """Demand charge, where the tariff has one."""

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> Prices:
        """Return the prices of every interval as they were known at ``as_of``.

        Raises
        ------
        TariffError
            A source could not be read or does not make sense.
        """
        return Prices(
            grid=grid,
            import_per_kwh=self.import_source.prices(grid, as_of=as_of),
            export_per_kwh=self.export_source.prices(grid, as_of=as_of),
        )
