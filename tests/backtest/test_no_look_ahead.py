"""No decision of a replay knows anything that was not known at its time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.backtest.bill import Flows
from optimizer.backtest.world import held_frame
from support.price_files import hourly_prices, price_file, published_at
from support.replays import START, backtest, home_frame, recording_of

WARM_UP = 48
FAST = {"planning__scenarios": 4, "planning__replan": "1h"}


def replayed(frame: pd.DataFrame, prices: pd.Series, folder: Path) -> Flows:
    tariff = price_file(prices, folder / "prices.csv", surcharge_per_kwh=0.1)
    result = backtest(recording_of(frame, folder), tariff__import=tariff, tariff__export=tariff, **FAST)
    return result.runs["time_of_use"].flows[0]


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
