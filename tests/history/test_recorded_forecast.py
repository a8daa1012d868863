"""A recorded forecast is handed out as of the time it was made, never earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import RecordingError
from optimizer.history.recorded_forecast import RecordedSunForecast
from optimizer.history.recording import Recording, read_recording, write_recording

START = datetime(2024, 6, 10, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")
"""Two hours ahead of UTC in June."""


def recorded(folder: Path, **columns: list[float]) -> Recording:
    path = folder / "home.csv"
    index = pd.date_range(START, periods=48, freq="1h", name="timestamp")
    frame = pd.DataFrame({"consumption_w": 500.0, "production_w": 0.0, **columns}, index=index)
    write_recording(frame, path)
    return read_recording(path)


def test_a_day_is_known_from_its_local_midnight(tmp_path: Path) -> None:
    """At noon the rest of the local day is known, and nothing of the next; at midnight the whole new day."""
    forecast = RecordedSunForecast(recorded(tmp_path, production_forecast_w=[float(n) for n in range(48)]), ZONE)
    grid = TimeGrid(start=START + timedelta(hours=12), step=timedelta(hours=1), count=24)
    at_noon = forecast.production_w(grid, as_of=grid.start)
    np.testing.assert_array_equal(at_noon[:10], np.arange(12.0, 22.0))
    assert np.isnan(at_noon[10:]).all()
    at_midnight = forecast.production_w(grid, as_of=START + timedelta(hours=22))
    np.testing.assert_array_equal(at_midnight, np.arange(12.0, 36.0))


def test_it_follows_the_step_that_is_asked_for(tmp_path: Path) -> None:
    """Quarter hours of an hourly forecast have its mean; two hours have the mean of both."""
    forecast = RecordedSunForecast(recorded(tmp_path, production_forecast_w=[float(n) for n in range(48)]), ZONE)
    quarters = TimeGrid(start=START, step=timedelta(minutes=15), count=5)
    assert forecast.production_w(quarters, as_of=START).tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    longer = TimeGrid(start=START, step=timedelta(hours=2), count=2)
    assert forecast.production_w(longer, as_of=START).tolist() == [0.5, 2.5]


def test_what_was_not_forecast_is_not_known(tmp_path: Path) -> None:
    """An empty field, a time outside the recording and a recording without forecasts are unknown, never 0."""
    values = [float(n) for n in range(48)]
    values[3] = np.nan
    grid = TimeGrid(start=START - timedelta(hours=2), step=timedelta(hours=1), count=6)
    found = RecordedSunForecast(recorded(tmp_path, production_forecast_w=values), ZONE).production_w(grid, as_of=START)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 0.0, 1.0, 2.0, np.nan])
    assert np.isnan(RecordedSunForecast(recorded(tmp_path), ZONE).production_w(grid, as_of=START)).all()


def test_a_negative_forecast_is_refused(tmp_path: Path) -> None:
    """A forecast is a power like the others: a magnitude."""
    with pytest.raises(RecordingError, match="production_forecast_w: negative"):
        recorded(tmp_path, production_forecast_w=[-1.0] * 48)
