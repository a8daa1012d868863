"""The prices of a plan: published ones, and past them what to expect, flagged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from optimizer.control.price_lookup import Tariff
from optimizer.domain.plan import FlagKind, PlanFlag
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import TariffError
from optimizer.forecasting.past_prices import PastPrices
from optimizer.forecasting.prices import ExpectedPrices, expected_prices
from optimizer.tariffs.port import PriceSource


class SourcedTariff(Tariff, Protocol):
    """A tariff whose past can be asked for: :class:`optimizer.tariffs.tariff.Tariff`."""

    @property
    def import_source(self) -> PriceSource:
        """Return where import prices come from."""
        ...

    @property
    def export_source(self) -> PriceSource:
        """Return where export prices come from."""
        ...


class PriceOutlook:
    """Tells a price for every interval of a plan.

    Parameters
    ----------
    tariff
        What is published, and the past to go by beyond it.
    timezone
        Zone of the home.
    """

    def __init__(self, tariff: SourcedTariff, timezone: ZoneInfo) -> None:
        self._tariff, self._timezone = tariff, timezone
        self._import_past, self._export_past = PastPrices(tariff.import_source), PastPrices(tariff.export_source)

    def over(self, grid: TimeGrid, *, as_of: datetime, days_ago: Sequence[int | None]) -> ExpectedPrices:
        """Return a price for every interval of a grid that begins now.

        Parameters
        ----------
        grid
            What is planned over.
        as_of
            Nothing published later is looked at.
        days_ago
            The past days that the forecast tells as futures, so that each can bring its own prices.

        Raises
        ------
        TariffError
            Nothing at all is known to go by.
        """
        found = expected_prices(
            self._tariff.prices(grid, as_of=as_of),
            import_past=self._import_past,
            export_past=self._export_past,
            timezone=self._timezone,
            variants_of=[days for days in days_ago if days is not None],
        )
        if found is None:
            msg = "no price is known, neither ahead nor of the last days: check the sources of the tariff"
            raise TariffError(msg)
        return found


def price_flags(prices: ExpectedPrices, grid: TimeGrid) -> tuple[PlanFlag, ...]:
    """Return what a reader of the plan should know about its prices."""
    if prices.first_assumed is None:
        return ()
    first = grid.interval(prices.first_assumed).start
    message = (
        f"prices of {prices.assumed} of {len(grid)} intervals, from {first:%Y-%m-%d %H:%M} UTC on, are not published "
        "yet: expected from the last days"
    )
    return (PlanFlag(kind=FlagKind.PRICES_ASSUMED, message=message, first_step=prices.first_assumed),)
