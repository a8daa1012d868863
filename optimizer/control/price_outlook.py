"""The prices of a plan: published ones, and past them what the same hours cost lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import fmean

from optimizer.control.price_lookup import Tariff
from optimizer.domain.plan import FlagKind, PlanFlag
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import TariffError

LOOK_BACK = timedelta(days=7)
"""Price levels of electricity last for about a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletePrices:
    """Prices of every interval, the expected ones flagged."""

    import_per_kwh: tuple[float, ...]
    export_per_kwh: tuple[float, ...]
    flags: tuple[PlanFlag, ...] = ()


def complete_prices(tariff: Tariff, grid: TimeGrid, as_of: datetime) -> CompletePrices:
    """Return known prices, and expected ones where none is known: the mean of the same time of day of the last week.

    Raises
    ------
    TariffError
        No price is known, neither ahead nor in the last week.
    """
    ahead = tariff.prices(grid, as_of=as_of)
    unknown = [
        index for index, pair in enumerate(zip(ahead.import_per_kwh, ahead.export_per_kwh, strict=True)) if None in pair
    ]
    if not unknown:
        return CompletePrices(import_per_kwh=_all(ahead.import_per_kwh), export_per_kwh=_all(ahead.export_per_kwh))
    back = TimeGrid(start=grid.start - LOOK_BACK, step=grid.step, count=LOOK_BACK // grid.step)
    past = tariff.prices(back, as_of=as_of)
    message = (
        f"prices of {len(unknown)} of {len(grid)} intervals are not published yet (from "
        f"{grid.interval(unknown[0]).start:%Y-%m-%d %H:%M} UTC): the mean of the same time of day of the last week"
    )
    return CompletePrices(
        import_per_kwh=_fill(grid, ahead.import_per_kwh, back, past.import_per_kwh, "import"),
        export_per_kwh=_fill(grid, ahead.export_per_kwh, back, past.export_per_kwh, "export"),
        flags=(PlanFlag(kind=FlagKind.PRICES_ASSUMED, message=message, first_step=unknown[0]),),
    )


def _all(prices: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(price for price in prices if price is not None)


def _fill(
    grid: TimeGrid, ahead: Sequence[float | None], back: TimeGrid, past: Sequence[float | None], side: str
) -> tuple[float, ...]:
    by_time = _means_by_time([(back, past), (grid, ahead)])
    if not by_time:
        msg = (
            f"no {side} price is known, neither ahead nor in the last {LOOK_BACK.days} days; check the tariff's source"
        )
        raise TariffError(msg)
    anyhow = fmean(by_time.values())
    return tuple(
        by_time.get(interval.start.time(), anyhow) if price is None else price
        for interval, price in zip(grid, ahead, strict=True)
    )


def _means_by_time(parts: Sequence[tuple[TimeGrid, Sequence[float | None]]]) -> Mapping[time, float]:
    seen: dict[time, list[float]] = defaultdict(list)
    for grid, prices in parts:
        for interval, price in zip(grid, prices, strict=True):
            if price is not None:
                seen[interval.start.time()].append(price)
    return {at: fmean(prices) for at, prices in seen.items()}
