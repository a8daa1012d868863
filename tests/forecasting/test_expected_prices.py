"""Prices past the published hours are assumed from the same local time of recent days, and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.domain.prices import Prices
from optimizer.domain.scenario import Scenario
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.past_prices import PastPrices
from optimizer.forecasting.port import Forecast
from optimizer.forecasting.prices import ExpectedPrices, expected_prices, with_prices_of_past_days

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 3, 30, tzinfo=BERLIN).astimezone(UTC)
"""The day after the clocks went forward."""


class LocalClockPrices:
    """A price that is the local hour in cents, a euro more at weekends; published until an instant."""

    def __init__(self, until: datetime, since: datetime = datetime(2020, 1, 1, tzinfo=UTC)) -> None:
        self.until, self.since = until, since
        self.asked: list[datetime] = []
        self.intervals_asked = 0

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        self.asked.append(as_of)
        self.intervals_asked += len(grid)
        return tuple(
            price_at(interval.start) if self.since <= interval.start < self.until else None for interval in grid
        )


class NoPrices:
    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        return (None,) * len(grid)


def price_at(instant: datetime) -> float:
    local = instant.astimezone(BERLIN)
    return local.hour / 100 + (1.0 if local.weekday() >= 5 else 0.0)


def known_prices(source: LocalClockPrices | NoPrices, grid: TimeGrid) -> Prices:
    told = source.prices(grid, as_of=MONDAY)
    return Prices(grid=grid, import_per_kwh=told, export_per_kwh=(0.08,) * len(grid))


def expected(source: LocalClockPrices | NoPrices, *, hours: int = 36, **more: object) -> ExpectedPrices | None:
    grid = TimeGrid(start=MONDAY, step=HOUR, count=hours)
    return expected_prices(
        known_prices(source, grid),
        import_past=PastPrices(source),
        export_past=PastPrices(NoPrices()),
        timezone=BERLIN,
        **more,  # type: ignore[arg-type]
    )


def test_published_prices_stay_as_they_are() -> None:
    """Where everything is known nothing is assumed and nobody is asked again."""
    prices = expected(LocalClockPrices(MONDAY + 3 * DAY), variants_of=(1,))
    assert prices is not None
    assert prices.assumed == 0
    assert prices.first_assumed is None
    assert prices.import_per_kwh == tuple(price_at(MONDAY + number * HOUR) for number in range(36))
    assert prices.variants[0].import_per_kwh == prices.import_per_kwh


def test_the_same_local_hour_of_recent_days_fills_the_rest() -> None:
    """The day after a clock change the assumed price follows the clock on the wall, working days first."""
    source = LocalClockPrices(MONDAY + 12 * HOUR)
    prices = expected(source)
    assert prices is not None
    assert (prices.assumed, prices.first_assumed) == (24, 12)
    assert prices.import_per_kwh[:12] == tuple(number / 100 for number in range(12))
    assert set(prices.export_per_kwh) == {0.08}
    today, tomorrow = (
        [prices.import_per_kwh[number] - number % 24 / 100 for number in hours]
        for hours in (range(12, 24), range(24, 36))
    )
    # What is left of the weekend's euro: little, the same at every hour, and less where Monday's own price is known.
    assert today == pytest.approx([today[0]] * 12, abs=1e-3)
    assert tomorrow == pytest.approx([tomorrow[0]] * 12, abs=2e-3)
    assert 0 < tomorrow[0] < today[0] < 0.2
    assert set(source.asked) == {MONDAY}


def test_a_past_price_is_asked_for_once() -> None:
    """An hour later only the hour that is over by then is asked for."""
    source = LocalClockPrices(MONDAY + DAY)
    past = PastPrices(source)
    for hour in range(3):
        found = past.before(TimeGrid(start=MONDAY + hour * HOUR, step=HOUR, count=36), days=2)
        assert found.end_s == (MONDAY + hour * HOUR).timestamp()
        assert found.values[-1] == price_at(MONDAY + (hour - 1) * HOUR)
    assert source.intervals_asked == 3 * 24 + 2


def test_each_past_day_is_a_future_of_its_own() -> None:
    """A scenario that is last Saturday gets last Saturday's prices where none are published."""
    prices = expected(LocalClockPrices(MONDAY + 12 * HOUR), variants_of=(2, 3))
    assert prices is not None
    saturday, friday = prices.variants
    assert saturday.import_per_kwh[:12] == prices.import_per_kwh[:12]
    assert saturday.import_per_kwh[15] == pytest.approx(1.15)
    assert friday.import_per_kwh[15] == pytest.approx(0.15)
    grid = TimeGrid(start=MONDAY, step=HOUR, count=36)
    one = Scenario(weight=0.5, load_w=(0.0,) * 36, pv_w=(0.0,) * 36)
    forecast = Forecast(grid=grid, scenarios=(one, one), origin="", days_ago=(3, None))
    priced = with_prices_of_past_days(forecast, prices)
    assert priced.scenarios[0].import_price_per_kwh == friday.import_per_kwh
    assert priced.scenarios[1].import_price_per_kwh is None


def test_no_price_known_at_all_is_said() -> None:
    """Nothing to go by: the caller decides, no number is invented."""
    assert expected(NoPrices()) is None


def test_a_few_known_hours_give_their_mean_for_hours_never_seen() -> None:
    """With only this morning's prices the evening is assumed at their mean."""
    source = LocalClockPrices(MONDAY + 4 * HOUR, since=MONDAY)
    prices = expected(source, hours=30)
    assert prices is not None
    assert prices.import_per_kwh[20] == pytest.approx(0.015)
    assert prices.import_per_kwh[25] == pytest.approx(0.01)
