"""Fees, demand charges, and the tariff of a configured home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.assembly.tariffs import build_tariff
from optimizer.domain.time_grid import TimeGrid
from optimizer.tariffs.demand import DemandTariff, Period
from optimizer.tariffs.fees import Fees, WithFees
from optimizer.tariffs.fixed import FixedPrice
from support.configurations import configured
from support.tariffs import BERLIN, HOUR, QUARTER, calendar, rule

START = datetime(2026, 6, 1, 22, tzinfo=UTC)
GRID = TimeGrid(start=START, step=HOUR, count=24)


class _Gap:
    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        return (0.1, None) * (len(grid) // 2)


def test_fees_come_before_tax_and_follow_the_clock() -> None:
    """(value + surcharge + surcharge of the hour) * (1 + vat), on the local clock."""
    clock = calendar([rule(0.10, "17:00-18:00")], default=0.02)
    source = WithFees(FixedPrice(0.2), Fees(surcharge_per_kwh=0.05, vat=0.2, by_the_clock=clock))
    prices = source.prices(GRID, as_of=START)
    assert prices[17] == pytest.approx((0.2 + 0.05 + 0.10) * 1.2)
    assert prices[16] == pytest.approx((0.2 + 0.05 + 0.02) * 1.2)


def test_an_unknown_price_stays_unknown_under_fees() -> None:
    """Fees make no price out of none."""
    prices = WithFees(_Gap(), Fees(surcharge_per_kwh=0.1)).prices(GRID, as_of=START)
    assert prices[:2] == (0.2, None)


@given(value=st.floats(-1, 1), surcharge=st.floats(0, 1), vat=st.floats(0, 1))
def test_all_in_prices_keep_the_order_of_prices(value: float, surcharge: float, vat: float) -> None:
    """A dearer hour stays dearer after fees and taxes."""
    fees = Fees(surcharge_per_kwh=surcharge, vat=vat)
    interval = GRID.interval(0)
    assert fees.on(value, interval) <= fees.on(value + 0.01, interval)


@pytest.mark.parametrize(
    ("period", "instant", "start", "end"),
    [
        ("month", "2026-03-31T23:30+02:00", "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
        ("month", "2026-12-31T23:30+00:00", "2027-01-01T00:00+01:00", "2027-02-01T00:00+01:00"),
        ("month", "2026-12-05T12:00+01:00", "2026-12-01T00:00+01:00", "2027-01-01T00:00+01:00"),
        ("year", "2026-06-01T00:00+02:00", "2026-01-01T00:00+01:00", "2027-01-01T00:00+01:00"),
    ],
)
def test_a_billing_period_follows_the_local_calendar(period: Period, instant: str, start: str, end: str) -> None:
    """Months and years begin at local midnight, whatever the clock does in between."""
    found = DemandTariff(price_per_kw=1, period=period, timezone=BERLIN).billing_period(datetime.fromisoformat(instant))
    assert (found.start, found.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert found.start.tzinfo is UTC


def test_the_free_part_of_a_peak_is_sunk() -> None:
    """Peaks below the free kilowatts cost nothing more, and neither does the peak already reached."""
    demand = DemandTariff(price_per_kw=50, period="month", timezone=BERLIN, free_kw=2.5)
    assert demand.charge(1000).peak_so_far_w == 2500
    assert demand.charge(4000).peak_so_far_w == 4000
    assert demand.cost(2000) == 0
    assert demand.cost(4500) == pytest.approx(100)


def test_peaks_count_in_their_windows_only() -> None:
    """Outside the windows an import of any height is free of the demand charge."""
    windows = calendar([rule(1.0, "07:00-20:00", weekdays=frozenset(range(5)))])
    demand = DemandTariff(price_per_kw=1, period="month", timezone=BERLIN, windows=windows)
    at_night, at_noon = GRID.interval(2), GRID.interval(12)
    assert (demand.counts(at_night), demand.counts(at_noon)) == (False, True)


def test_a_configured_home_is_priced_as_it_says(tmp_path: Path) -> None:
    """Settings become sources: calendar with holidays, file with publication, fees by the clock, demand charge."""
    path = tmp_path / "p.csv"
    rows = [f"{(START + i * HOUR).isoformat()},{50 + i}" for i in range(48)]
    path.write_text("\n".join(["timestamp,eur_mwh", *rows]))
    settings = configured(
        tariff__import={
            "kind": "file",
            "path": str(path),
            "column": "eur_mwh",
            "unit": "eur_per_mwh",
            "surcharge_per_kwh": 0.1,
            "vat": 0.19,
            "surcharge_rules": [{"from": "17:00", "to": "21:00", "surcharge_per_kwh": 0.05}],
        },
        tariff__export={
            "kind": "time_of_use",
            "price_per_kwh": 0.08,
            "country": "DE",
            "subdivision": "BW",
            "rules": [{"holidays": True, "price_per_kwh": 0.01}, {"weekdays": ["tue"], "price_per_kwh": 0.07}],
        },
        tariff__demand={"price_per_kw": 90, "period": "year", "windows": [{"from": "07:00", "to": "20:00"}]},
    ).settings
    tariff = build_tariff(settings)
    grid = TimeGrid(start=START, step=QUARTER, count=4 * 30)
    prices = tariff.prices(grid, as_of=START + HOUR)
    assert prices.known == 96  # tomorrow is not published at one in the morning
    assert prices.import_per_kwh[0] == pytest.approx((0.050 + 0.1) * 1.19)
    assert prices.import_per_kwh[4 * 17] == pytest.approx((0.067 + 0.15) * 1.19)
    assert prices.export_per_kwh[0] == 0.07
    assert prices.export_per_kwh[96] == 0.08
    corpus_christi = TimeGrid(start=START + timedelta(days=2), step=HOUR, count=1)
    assert tariff.prices(corpus_christi, as_of=START).export_per_kwh == (0.01,)
    assert tariff.demand is not None
    assert not tariff.demand.counts(grid.interval(0))


def test_a_fixed_tariff_is_known_for_ever() -> None:
    """One price, for every interval, at any time."""
    tariff = build_tariff(configured().settings)
    prices = tariff.prices(GRID, as_of=START - timedelta(days=1000))
    assert set(prices.import_per_kwh) == {0.32}
    assert set(prices.export_per_kwh) == {0.08}
    assert tariff.demand is None
