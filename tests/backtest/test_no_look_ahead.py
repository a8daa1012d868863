"""No decision of a replay knows anything that was not known at its time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.backtest.bill import Flows
from optimizer.backtest.world import held_frame
from optimizer.history.recording import SUN_FORECAST
from support.price_files import hourly_prices, price_file, published_at
from support.replays import START, backtest, home_frame, recording_of

WARM_UP = 48
BERLIN = ZoneInfo("Europe/Berlin")
DEMAND = {"price_per_kw": 8.0, "period": "month", "interval": "1h"}
FAST = {"planning__scenarios": 4, "planning__replan": "1h"}


def replayed(
    frame: pd.DataFrame, prices: pd.Series, folder: Path, *, strategy: str = "time_of_use", **changes: Any
) -> Flows:
    tariff = price_file(prices, folder / "prices.csv", surcharge_per_kwh=0.1)
    changes = {"tariff__import": tariff, "tariff__export": tariff, **FAST, **changes}
    return backtest(recording_of(frame, folder), strategy=strategy, **changes).runs[strategy].flows[0]


def later(prices: pd.Series, cut: int) -> pd.Series:
    """Return which prices were published after the decision at ``cut`` was made."""
    now = START + timedelta(hours=WARM_UP + cut)
    return pd.Series([published_at(instant.to_pydatetime()) > now for instant in prices.index], index=prices.index)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(min_value=0, max_value=40),
    factor=st.floats(min_value=0.0, max_value=3.0),
    shift=st.floats(min_value=-0.3, max_value=0.3),
)
def test_no_decision_knows_what_comes_later(tmp_path: Path, cut: int, factor: float, shift: float) -> None:
    """Load and sun after an instant, and prices published after it, change no decision up to it."""
    frame, prices = home_frame(5), hourly_prices(START, 6)
    changed = frame.copy()
    changed.iloc[WARM_UP + cut + 1 :] = changed.iloc[WARM_UP + cut + 1 :] * factor + 17.0
    other_prices = prices.where(~later(prices, cut), prices + shift)
    one, other = replayed(frame, prices, tmp_path), replayed(changed, other_prices, tmp_path)
    np.testing.assert_array_equal(one.battery_w[: cut + 1], other.battery_w[: cut + 1])


@pytest.mark.parametrize("strategy", ["time_of_use", "peak_shaving"])
def test_no_decision_knows_a_later_forecast_or_a_later_peak(tmp_path: Path, strategy: str) -> None:
    """With a demand charge, and a recorded forecast of the sun that is told at midnight for the day that begins."""
    frame, prices, cut = home_frame(4), hourly_prices(START, 6), 20
    frame[SUN_FORECAST] = 0.7 * frame["production_w"] + 100.0
    changed = frame.copy()
    changed.iloc[WARM_UP + cut + 1 :, :2] *= 2.5
    midnight = (START + timedelta(hours=WARM_UP + cut)).astimezone(BERLIN).date() + timedelta(days=1)
    changed.loc[changed.index >= pd.Timestamp(midnight, tz=BERLIN), SUN_FORECAST] += 900.0
    told = {"strategy": strategy, "tariff__demand": DEMAND, "planning__replan": "2h"}
    one, other = (replayed(which, prices, tmp_path, **told) for which in (frame, changed))
    np.testing.assert_array_equal(one.battery_w[: cut + 1], other.battery_w[: cut + 1])
    assert (one.battery_w != other.battery_w).any()


def test_what_is_known_does_change_decisions(tmp_path: Path) -> None:
    """Changes before that instant, or to published prices, are noticed: the test above can fail."""
    frame, prices = home_frame(5), hourly_prices(START, 6)
    cut = 20
    changed = frame.copy()
    changed.iloc[WARM_UP : WARM_UP + cut] += 5000.0  # more than prices alone decide
    plain = replayed(frame, prices, tmp_path).battery_w[: cut + 1]
    assert (replayed(changed, prices, tmp_path).battery_w[: cut + 1] != plain).any()
    dearer = prices.where(later(prices, cut), -prices)
    assert (replayed(frame, dearer, tmp_path).battery_w[: cut + 1] != plain).any()


def test_a_bridged_gap_tells_nothing_of_what_follows_it(tmp_path: Path) -> None:
    """In a gap the home is taken to go on as before; the straight line to the next value would give that away."""
    frame = home_frame(5)
    frame.iloc[60, 0] = np.nan
    prices = hourly_prices(START, 6)
    changed = frame.copy()
    changed.iloc[61:] = changed.iloc[61:] * 2.0 + 500.0
    one, other = replayed(frame, prices, tmp_path), replayed(changed, prices, tmp_path)
    np.testing.assert_array_equal(one.battery_w[: 61 - WARM_UP], other.battery_w[: 61 - WARM_UP])
    recording = recording_of(frame, tmp_path)
    assert len(recording.bridged) == 1
    assert held_frame(recording)["consumption_w"].iloc[60] == frame["consumption_w"].iloc[59]
    assert recording.frame["consumption_w"].iloc[60] == pytest.approx(frame["consumption_w"].iloc[[59, 61]].mean())
