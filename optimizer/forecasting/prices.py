"""What prices to expect past the published hours: those of the same local time on the last days.

A day-ahead market tells today's and, past noon, tomorrow's prices. A plan that looks further assumes that the same
hour of recent days, working days with working days, tells the most; and says how many hours it assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.domain.prices import Prices
from optimizer.domain.row import Row
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.local_days import day_likeness, same_time_on, starts_s_of
from optimizer.forecasting.past_prices import PastPrices, as_floats
from optimizer.forecasting.port import Forecast
from optimizer.forecasting.sun import Floats

DAYS_BACK = 14
_HALF_LIFE_DAYS = 5.0
_OTHER_KIND_OF_DAY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVariant:
    """One future's prices: published where they are, one past day's elsewhere."""

    days_ago: int
    import_per_kwh: Row
    export_per_kwh: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPrices:
    """A price for every interval."""

    import_per_kwh: Row
    """Shape (count,) [currency/kWh]."""
    export_per_kwh: Row
    """Shape (count,) [currency/kWh]."""
    assumed: int
    """In how many intervals either price is not published but assumed."""
    first_assumed: int | None
    """Index of the first of them."""
    variants: tuple[PriceVariant, ...] = ()
    """Past days as futures, where asked for."""


@dataclass(frozen=True, slots=True)
class _Outlook:
    grid: TimeGrid
    past: PastPrices
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    expected: Floats
    """Shape (n,), without NaN."""
    by_day: Floats
    """Shape (d, n), without NaN."""


def expected_prices(
    known: Prices,
    *,
    import_past: PastPrices,
    export_past: PastPrices,
    timezone: ZoneInfo,
    days_back: int = DAYS_BACK,
    variants_of: Sequence[int] = (),
) -> ExpectedPrices | None:
    """Return a price for every interval, or None where nothing at all is known to go by.

    Parameters
    ----------
    known
        Prices on the planning grid, None where not published.
    import_past, export_past
        Asked for the last days up to the start of the grid.
    timezone
        Zone of the home, for the local time of day.
    days_back
        How many past days are looked at [d].
    variants_of
        Past days to tell as futures of their own, such as ``(1, 2, 7)`` days ago.
    """
    if known.known == known.grid.count:
        return _as_published(known, variants_of)
    sides = [
        _filled(as_floats(prices), _Outlook(known.grid, past, timezone), days_back, variants_of)
        for prices, past in ((known.import_per_kwh, import_past), (known.export_per_kwh, export_past))
    ]
    bought, sold = sides
    if bought is None or sold is None:
        return None
    gaps = [
        index for index, pair in enumerate(zip(known.import_per_kwh, known.export_per_kwh, strict=True)) if None in pair
    ]
    return ExpectedPrices(
        import_per_kwh=_row(bought.expected),
        export_per_kwh=_row(sold.expected),
        assumed=len(gaps),
        first_assumed=gaps[0],
        variants=tuple(
            PriceVariant(days_ago=days, import_per_kwh=_row(buy), export_per_kwh=_row(sell))
            for days, buy, sell in zip(variants_of, bought.by_day, sold.by_day, strict=True)
        ),
    )


def with_prices_of_past_days(forecast: Forecast, prices: ExpectedPrices) -> Forecast:
    """Return the forecast with each past day's own prices beside its load and sun.

    Parameters
    ----------
    forecast
        Scenarios that are past days.
    prices
        Expected prices with the variants of those days; a scenario without one keeps the expected prices.
    """
    if not prices.assumed:
        return forecast
    of_day = {variant.days_ago: variant for variant in prices.variants}
    days = forecast.days_ago or (None,) * len(forecast.scenarios)
    scenarios = [
        scenario
        if day not in of_day
        else replace(
            scenario,
            import_price_per_kwh=of_day[day].import_per_kwh,
            export_price_per_kwh=of_day[day].export_per_kwh,
        )
        for scenario, day in zip(forecast.scenarios, days, strict=True)
    ]
    return replace(forecast, scenarios=tuple(scenarios))


def _as_published(known: Prices, variants_of: Sequence[int]) -> ExpectedPrices:
    bought = Row(price for price in known.import_per_kwh if price is not None)
    sold = Row(price for price in known.export_per_kwh if price is not None)
    return ExpectedPrices(
        import_per_kwh=bought,
        export_per_kwh=sold,
        assumed=0,
        first_assumed=None,
        variants=tuple(PriceVariant(days_ago=days, import_per_kwh=bought, export_per_kwh=sold) for days in variants_of),
    )


def _row(prices: Floats) -> Row:
    return Row.from_bytes(prices.tobytes())


def _filled(known: Floats, outlook: _Outlook, days_back: int, variants_of: Sequence[int]) -> _Filled | None:
    published = ~np.isnan(known)
    if published.all():
        return _Filled(expected=known, by_day=np.tile(known, (len(variants_of), 1)))
    grid, timezone = outlook.grid, outlook.timezone
    ahead = -(-(grid.end - grid.start) // timedelta(days=1))
    longest = max([days_back + ahead, *variants_of])
    past = outlook.past.before(grid, longest)
    series = np.concatenate([past.values, known])
    reach = range(1, longest + 1)
    places = same_time_on(starts_s_of(grid), reach, timezone=timezone, origin_s=past.start_s, step_s=past.step_s)
    by_day = np.where((places >= 0) & (places < len(series)), series[np.clip(places, 0, len(series) - 1)], np.nan)
    mean = _mean_of_days(by_day, grid, timezone)
    if mean is None:
        return None
    variants = _first_known(by_day, mean)[np.array(variants_of, dtype=np.int64) - 1]
    return _Filled(expected=np.where(published, known, mean), by_day=np.where(published[None, :], known, variants))


def _mean_of_days(by_day: Floats, grid: TimeGrid, timezone: ZoneInfo) -> Floats | None:
    """Return the weighted mean of the same local time, of all that is known where that time never is, shape (n,)."""
    known = ~np.isnan(by_day)
    if not known.any():
        return None
    reach = range(1, len(by_day) + 1)
    likeness = day_likeness(
        starts_s_of(grid), reach, timezone=timezone, same_weekday=1.0, other_kind=_OTHER_KIND_OF_DAY
    )
    weights = 0.5 ** (np.array(reach) / _HALF_LIFE_DAYS)[:, None] * likeness * known
    total = weights.sum(axis=0)
    overall = np.full(by_day.shape[1], by_day[known].mean())
    mean: Floats = np.divide((weights * np.where(known, by_day, 0.0)).sum(axis=0), total, out=overall, where=total > 0)
    return mean


def _first_known(by_day: Floats, otherwise: Floats) -> Floats:
    """Return each day's prices; what it lacks (its own morrow is not published) from the days before it."""
    found = np.empty_like(by_day)
    earlier = otherwise
    for place in range(len(by_day) - 1, -1, -1):
        earlier = np.where(np.isnan(by_day[place]), earlier, by_day[place])
        found[place] = earlier
    return found
