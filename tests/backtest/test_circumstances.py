"""Replays in all weathers: negative prices, feed-in limits, standby, quarter hours, clock changes, missing prices."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest.backtest import Result
from optimizer.backtest.output import steps_table, summary
from optimizer.errors import BacktestError
from optimizer.history.recording import read_recording
from support.price_files import hourly_prices, price_file
from support.replays import START, backtest, home_frame, recording_of

FAST = {"planning__scenarios": 3, "planning__replan": "3h"}
DATA = Path(__file__).parents[1] / "data"


def assert_sound(result: Result) -> None:
    """Assert what holds in every replay: balance, band, powers, and a bound that stands above all."""
    for run in result.runs.values():
        for span, flow in zip(result.period.spans, run.flows, strict=True):
            balance = span.load_w + flow.battery_w - span.pv_w + flow.curtailed_w
            np.testing.assert_allclose(flow.grid_w, balance, atol=1e-6)
            assert flow.soc.min() >= -1e-9
            assert flow.soc.max() <= 1.0 + 1e-9
            assert (flow.curtailed_w >= 0).all()
            assert (flow.curtailed_w <= span.pv_w + 1e-9).all()
    best = result.runs["perfect_foresight"].bill.total_cost
    assert all(run.bill.total_cost >= best - 1e-6 for run in result.runs.values())


def test_negative_prices_on_both_sides(tmp_path: Path) -> None:
    """Import that is paid for and export that costs: the bound holds, and the strategy uses them."""
    prices = price_file(hourly_prices(START, 8, lowest=-0.20, highest=0.15), tmp_path / "prices.csv")
    result = backtest(recording_of(home_frame(7), tmp_path), tariff__import=prices, tariff__export=prices, **FAST)
    assert_sound(result)
    assert result.proof.is_exact
    runs = summary(result)["runs"]
    assert runs["time_of_use"]["saving"] > runs["self_consumption"]["saving"]


def test_an_inverter_curtails_at_the_limit_and_at_no_price(tmp_path: Path) -> None:
    """Feeding in at a negative price goes on below the limit, in every run and in the bound alike."""
    prices = price_file(hourly_prices(START, 8, lowest=-0.20, highest=0.10), tmp_path / "prices.csv")
    changes = {"tariff__export": prices, "grid__max_export_w": 1500, "grid__curtailable": True}
    result = backtest(recording_of(home_frame(7), tmp_path), **changes, **FAST)
    assert_sound(result)
    assert result.proof.is_exact
    for run in result.runs.values():
        flow = run.flows[0]
        assert flow.curtailed_w.max() > 0
        np.testing.assert_allclose(-flow.grid_w[flow.curtailed_w > 1e-6], 1500.0, atol=1e-6)
    assert all(one["limit_violations"] == 0 for one in summary(result)["runs"].values())


def test_standby_is_paid_for(tmp_path: Path) -> None:
    """A battery that draws 50 W at all times saves that much less, and the bound knows it."""
    recording = recording_of(home_frame(7), tmp_path)
    plain = backtest(recording, battery__standby_w=0, **FAST)
    hungry = backtest(recording, battery__standby_w=50, **FAST)
    assert_sound(hungry)
    saved, less = (one["runs"]["perfect_foresight"]["saving"] for one in (summary(plain), summary(hungry)))
    lost_kwh = 0.05 * sum(len(span.grid) for span in plain.period.spans)
    assert 0.08 * lost_kwh < saved - less < 0.40 * lost_kwh / 0.9


def test_quarter_hours_and_a_coarser_plan(tmp_path: Path) -> None:
    """A quarter-hour recording is replayed by quarter hours, replanned as configured."""
    hours = home_frame(5)
    quarters = hours.resample("15min").ffill().iloc[: 4 * 24 * 5 - 3]
    result = backtest(recording_of(quarters, tmp_path), warm_up_days=3, **FAST)
    assert_sound(result)
    figures = summary(result)
    assert figures["period"]["step_s"] == 900
    assert figures["runs"]["time_of_use"]["plans"] == 2 * 24 // 3


@pytest.mark.parametrize(("month", "day", "offsets"), [(3, 31, ("+01:00", "+02:00")), (10, 27, ("+02:00", "+01:00"))])
def test_clock_changes_lie_on_the_home_clock(tmp_path: Path, month: int, day: int, offsets: tuple[str, str]) -> None:
    """On the days of 23 and 25 hours the cheap hours are 22 to 6 by the clock on the wall."""
    start = datetime(2024, month, day, tzinfo=UTC) - timedelta(days=4)
    result = backtest(recording_of(home_frame(7, start=start), tmp_path), **FAST)
    assert_sound(result)
    table = steps_table(result, result.runs["time_of_use"])
    local = pd.to_datetime(table["timestamp"], utc=True).dt.tz_convert("Europe/Berlin")
    cheap = (local.dt.hour >= 22) | (local.dt.hour < 6)
    assert (table["import_price_per_kwh"] == np.where(cheap, 0.10, 0.40)).all()
    on_the_day = local[local.dt.date == datetime(2024, month, day).date()]  # noqa: DTZ001
    assert len(on_the_day) == (23 if month == 3 else 25)
    assert tuple(f"{instant.isoformat()[-6:]}" for instant in (on_the_day.iloc[0], on_the_day.iloc[-1])) == offsets


@pytest.mark.parametrize("seed", range(6))
def test_any_home_is_replayed_below_its_bound(tmp_path: Path, seed: int) -> None:
    """Limits, rules, losses, standby, wear, peaks, gaps, prices in any combination: no run beats the bound."""
    frame = home_frame(5, seed=seed)
    if seed % 2:
        frame.iloc[70:74] = np.nan
    assert_sound(backtest(recording_of(frame, tmp_path), **any_home(seed, tmp_path), **FAST))


def any_home(seed: int, folder: Path) -> dict[str, Any]:
    """Return a configuration drawn by lot."""
    draw = np.random.default_rng(seed)
    choices: dict[str, list[Any]] = {
        "strategy": ["time_of_use", "peak_shaving"],
        "grid__max_import_w": [0, 1500, 3000],
        "grid__max_export_w": [0, 500, 2000],
        "grid__curtailable": [False, True],
        "grid__grid_charging": [False, True],
        "grid__battery_export": [False, True],
        "battery__standby_w": [0, 25, 100],
        "battery__min_soc": [0.0, 0.2],
        "battery__max_soc": [0.8, 1.0],
        "battery__wear_cost_per_kwh": [0.0, 0.05],
        "battery__charge_efficiency": [0.8, 0.95],
        "tariff__demand": [None, {"price_per_kw": 5.0, "period": "month", "interval": "1h"}],
        "tariff__export": [
            {"kind": "fixed", "price_per_kwh": 0.08},
            price_file(hourly_prices(START, 6, seed=seed), folder / "prices.csv"),
        ],
    }
    return {name: values[int(draw.integers(len(values)))] for name, values in choices.items()}


def test_missing_prices_are_told_with_their_place(tmp_path: Path) -> None:
    """A period without prices is refused: how many, from when on, and what to do."""
    prices = price_file(hourly_prices(START, 4), tmp_path / "prices.csv")
    with pytest.raises(
        BacktestError, match=r"tariff.import: no price for 24 of 72 intervals, the first from 2024-03-29"
    ):
        backtest(recording_of(home_frame(5), tmp_path), tariff__import=prices, **FAST)


def test_an_hour_without_a_price_is_bridged_and_counted(tmp_path: Path) -> None:
    """Price files have a hole where the clock is set back: the bill goes on with the price before, and says so."""
    path = tmp_path / "prices.csv"
    prices = price_file(hourly_prices(START, 6), path)
    lines = path.read_text().splitlines()
    lines[60] = lines[60].split(",")[0] + ","
    path.write_text("\n".join(lines) + "\n")
    result = backtest(recording_of(home_frame(5), tmp_path), tariff__import=prices, **FAST)
    assert summary(result)["period"]["bridged_prices"] == 1
    lines[61] = lines[61].split(",")[0] + ","
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BacktestError, match="no price for 2 of"):
        backtest(recording_of(home_frame(5), tmp_path), tariff__import=prices, **FAST)


def test_a_home_without_sun_can_save_nothing_under_one_price(tmp_path: Path) -> None:
    """The standing loss makes any battery dearer than none: no share of the bound is told, and no error."""
    frame = home_frame(5).assign(production_w=0.0)
    result = backtest(recording_of(frame, tmp_path), tariff__import={"kind": "fixed", "price_per_kwh": 0.3}, **FAST)
    runs = summary(result)["runs"]
    assert all(runs[name]["saving"] < 0 for name in ("self_consumption", "perfect_foresight"))
    assert runs["time_of_use"]["saving_share_of_bound"] is None


@pytest.mark.parametrize("known", [False, True])
def test_sun_that_nobody_recorded_is_not_zero(tmp_path: Path, *, known: bool) -> None:
    """A recording without production, or with an empty column of it, is refused: missing is not 0."""
    frame = home_frame(4).drop(columns="production_w")
    if known:
        frame["production_w"] = np.nan
    with pytest.raises(BacktestError, match="production_w is not recorded; write 0"):
        backtest(recording_of(frame, tmp_path), **FAST)


def test_a_billing_peak_reached_before_a_gap_is_remembered_after_it(tmp_path: Path) -> None:
    """One peak a month is billed, whatever gaps there are."""
    frame = home_frame(9, start=datetime(2024, 4, 3, tzinfo=UTC))
    frame.iloc[120:126] = np.nan
    changes = {"tariff__demand": {"price_per_kw": 10.0, "period": "month", "interval": "1h"}}
    result = backtest(recording_of(frame, tmp_path), **changes, **FAST)
    assert_sound(result)
    assert len(result.period.spans) == 2
    for run in result.runs.values():
        peak_kw = max(float(flow.grid_w.max()) for flow in run.flows) / 1000.0
        assert run.bill.demand_cost == pytest.approx(10.0 * max(0.0, peak_kw))


def test_a_whole_replay_to_six_digits(tmp_path: Path) -> None:
    """Ten summer days of a Californian home: the figures that do not hang on any forecast, once and for all."""
    result = backtest(read_recording(DATA / "us_home_16_summer.csv"), warm_up_days=4, strategy="self_consumption")
    runs = summary(result)["runs"]
    golden = json.loads((Path(__file__).parent / "golden_summer.json").read_text())
    for name, figures in golden.items():
        for key, value in figures.items():
            assert runs[name][key] == pytest.approx(value, rel=1e-6), (name, key)


def test_recorded_homes_earn_more_than_plain_self_consumption(tmp_path: Path) -> None:
    """The strategy as it runs live, on a recorded home: between plain self-consumption and the bound."""
    result = backtest(read_recording(DATA / "us_home_16_summer.csv"), warm_up_days=4, **FAST)
    runs = summary(result)["runs"]
    assert runs["self_consumption"]["saving"] < runs["time_of_use"]["saving"] <= runs["perfect_foresight"]["saving"]
