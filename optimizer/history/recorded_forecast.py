"""A forecast of the sun that was recorded beside the measurements, and from when on it may be known.

A recording has one forecast value an interval and does not say when it was made. What is published once a day is made
before the day begins, so a value counts as known from the start of its local day and never earlier: at night the whole
coming day, in the evening what is left of the running one.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from optimizer.domain.time_grid import TimeGrid
from optimizer.history import resampling
from optimizer.history.mean_powers import COLUMNS
from optimizer.history.recording import SUN_FORECAST, Recording

Floats = npt.NDArray[np.float64]


class RecordedSunForecast:
    """Hands a recorded forecast out as of the time it was made.

    Parameters
    ----------
    recording
        With the column ``production_forecast_w``; without it nothing is ever known.
    timezone
        Zone whose days the forecast was made for.
    """

    def __init__(self, recording: Recording, timezone: ZoneInfo) -> None:
        frame = recording.frame
        column = frame[SUN_FORECAST].to_numpy(dtype=np.float64) if SUN_FORECAST in frame else np.empty(0)
        self._start_s, self._step_s = recording.start.timestamp(), recording.step.total_seconds()
        self._values = np.full((len(column), len(COLUMNS)), np.nan)
        self._values[:, 1] = column
        self._zone = timezone

    def production_w(self, grid: TimeGrid, *, as_of: datetime) -> Floats:
        """Return the forecast mean production of each interval, NaN where none is known yet, shape (count,) [W]."""
        edges = resampling.edges_of(grid.start, grid.end, grid.step)
        known: Floats = np.where(edges[1:] <= self._known_until(as_of).timestamp(), self._means(edges, grid), np.nan)
        return known

    def _means(self, edges: Floats, grid: TimeGrid) -> Floats:
        offset = (edges[0] - self._start_s) / self._step_s
        if grid.step_s == self._step_s and offset.is_integer() and 0 <= offset <= len(self._values) - len(grid):
            return self._values[int(offset) : int(offset) + len(grid), 1]
        first = max(0, int((edges[0] - self._start_s) // self._step_s))
        last = min(len(self._values), int(-((self._start_s - edges[-1]) // self._step_s)))
        rows = np.arange(first, max(first, last))
        starts: Floats = np.asarray(self._start_s + rows * self._step_s, dtype=np.float64)
        pieces = resampling.interval_means(starts, np.full(len(rows), self._step_s), self._values[rows])
        means = resampling.resample(resampling.no_pieces(), pieces, edges)
        forecast: Floats = means[:, COLUMNS.index("production_w")]
        return forecast

    def _known_until(self, as_of: datetime) -> datetime:
        morrow = as_of.astimezone(self._zone).date() + timedelta(days=1)
        return datetime.combine(morrow, time(0), self._zone)
