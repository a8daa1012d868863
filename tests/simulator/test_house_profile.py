"""Load and sun behind the simulated house."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.devices.simulated.profile import HouseProfile, packaged_frame, packaged_profile, synthetic_profile
from optimizer.errors import RecordingError

START = datetime(2026, 3, 1, tzinfo=UTC)


def seconds(hours: float) -> float:
    return START.timestamp() + 3600 * hours


def profile(**others: object) -> HouseProfile:
    values = {
        "start": START,
        "step": timedelta(hours=1),
        "load_w": [100.0, 200.0, 600.0],
        "production_w": [0.0, 9.0, 6.0],
    }
    return HouseProfile(**(values | others))  # type: ignore[arg-type]


def test_mean_holds_until_the_next_interval() -> None:
    """Inside an interval the recorded mean holds, up to its end."""
    moment = profile().at(seconds(1.5))
    assert (moment.load_w, moment.production_w, moment.until_s) == (200, 9, seconds(2))


def test_recording_repeats_in_both_directions() -> None:
    """Past its end, and before its start, the recording begins again."""
    assert [profile().at(seconds(hour)).load_w for hour in (-1, 0, 3, 5)] == [600, 100, 100, 600]


def test_recording_that_does_not_repeat_holds_its_edges() -> None:
    """Without repetition the first and the last value hold."""
    once = profile(repeat=False)
    assert [once.at(seconds(hour)).load_w for hour in (-5, 2, 50)] == [100, 600, 600]


def test_interpolation_runs_from_middle_to_middle() -> None:
    """Half way between two middles the value is half way too."""
    assert profile(interpolate=True).at(seconds(1.0)).load_w == pytest.approx(150, abs=1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), hour=st.integers(0, 63 * 24 - 1))
def test_inner_life_keeps_the_mean(seed: int, hour: int) -> None:
    """Fridge, kettle and clouds change nothing about an hour's energy, and nothing falls below zero."""
    varied = packaged_profile(variability_seed=seed)
    start_s = varied.start.timestamp() + 3600 * hour
    moments = [varied.at(start_s + 10 * slot + 5) for slot in range(360)]
    assert np.mean([moment.load_w for moment in moments]) == pytest.approx(varied.load_w[hour], abs=1e-6)
    assert np.mean([moment.production_w for moment in moments]) == pytest.approx(varied.production_w[hour], abs=1e-6)
    assert min(moment.load_w for moment in moments) >= 0
    assert min(moment.production_w for moment in moments) >= 0


def test_inner_life_repeats_for_its_seed() -> None:
    """The same seed gives the same day; another gives another."""
    days = [
        [packaged_profile(variability_seed=seed).at(1_460_000_000 + 60 * minute).load_w for minute in range(120)]
        for seed in (1, 1, 2)
    ]
    assert days[0] == days[1] != days[2]


def test_packaged_recording_is_nine_weeks_without_a_gap() -> None:
    """The recording that ships covers nine weeks of spring, hourly, complete, and says where it comes from."""
    frame = packaged_frame()
    assert len(frame) == 63 * 24
    assert not frame.isna().any().any()
    assert frame.index[0] == pd.Timestamp("2016-03-26T00:00Z")
    assert (pd.Series(frame.index).diff().dropna() == pd.Timedelta("1h")).all()


def test_shifted_recording_keeps_hour_and_weekday() -> None:
    """Moved to another year, the house still has its Sunday on a Sunday."""
    original = packaged_profile()
    moved = original.shifted_to(datetime(2026, 11, 23, 4, 30, tzinfo=UTC))
    assert moved.start <= datetime(2026, 11, 23, 4, 30, tzinfo=UTC) < moved.start + timedelta(weeks=1)
    assert (moved.start.weekday(), moved.start.time()) == (original.start.weekday(), original.start.time())


def test_synthetic_day_has_a_sun_and_a_night() -> None:
    """The synthetic day yields at noon and not at midnight."""
    day = synthetic_profile(START)
    assert day.at(seconds(12.5)).production_w > 3500
    assert day.at(seconds(0)).production_w == 0


@pytest.mark.parametrize("load", [[1.0, float("nan")], [1.0, -2.0], [1.0], []])
def test_impossible_loads_are_refused(load: list[float]) -> None:
    """NaN, negative and missing values are refused with a reason."""
    with pytest.raises(RecordingError):
        profile(load_w=load, production_w=[0.0, 0.0] if load else [])


def frame(load: list[float | None]) -> pd.DataFrame:
    index = pd.date_range(START, periods=len(load), freq="30min", name="timestamp")
    return pd.DataFrame({"consumption_w": load, "production_w": 0.0}, index=index)


def test_short_gap_is_bridged() -> None:
    """A gap of an hour is bridged by a straight line."""
    bridged = HouseProfile.from_frame(frame([100.0, None, None, 400.0]))
    assert list(bridged.load_w) == pytest.approx([100, 200, 300, 400])


def test_long_gap_is_named() -> None:
    """A longer gap is refused, with the first instant that would have to be invented."""
    with pytest.raises(RecordingError, match="2026-03-01T01:30"):
        HouseProfile.from_frame(frame([100.0, None, None, None, 500.0]))


def test_missing_column_is_named() -> None:
    """A recording without PV is refused by the column's name."""
    with pytest.raises(RecordingError, match="missing: production_w"):
        HouseProfile.from_frame(frame([1.0, 2.0]).drop(columns="production_w"))
