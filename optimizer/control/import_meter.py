"""What the billing meter has counted so far."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from optimizer.domain.measurement import Measurement
from optimizer.domain.time_grid import Interval
from optimizer.history.port import HistoryReader

MINUTE = timedelta(minutes=1)


class Meter(Protocol):
    """Tells what has been imported since an interval began."""

    def mean_import_w(self, measurement: Measurement, interval: Interval) -> float:
        """Return the mean import from the interval's start to the measurement [W]."""
        ...


class ImportMeter:
    """Mean import since the running interval began, from one measurement to the next.

    Parameters
    ----------
    longest_gap_s
        Longer gaps between two measurements are not bridged, a minute always is [s].
    history
        Asked once for what was imported before the first measurement; None: that stays unknown.
    """

    def __init__(self, *, longest_gap_s: float = 0.0, history: HistoryReader | None = None) -> None:
        self._longest_gap_s = max(60.0, longest_gap_s)
        self._history = history
        self._interval: Interval | None = None
        self._last: Measurement | None = None
        self._imported_ws = 0.0
        self._counted_s = 0.0

    def mean_import_w(self, measurement: Measurement, interval: Interval) -> float:
        """Count a measurement and return the mean import since the interval began [W].

        Each measurement holds until the next; what was not measured counts like the measured part.
        """
        if interval != self._interval:
            self._interval, self._imported_ws, self._counted_s = interval, 0.0, 0.0
        if self._last is None:
            self._recall(interval.start, measurement.at)
        else:
            since_start_s = (measurement.at - interval.start).total_seconds()
            held_s = min(measurement.elapsed_s - self._last.elapsed_s, since_start_s)
            if 0.0 < held_s <= self._longest_gap_s:
                self._imported_ws += held_s * max(0.0, self._last.grid_power_w)
                self._counted_s += held_s
        self._last = measurement
        return self._imported_ws / self._counted_s if self._counted_s else 0.0

    def _recall(self, start: datetime, now: datetime) -> None:
        """Count what an earlier run has measured: a service may start in the middle of an hour that is billed whole."""
        if self._history is None or now - start < MINUTE:
            return
        grid_w = self._history.means(start, now, MINUTE).grid_power_w
        known = ~np.isnan(grid_w)
        self._imported_ws = float(np.maximum(0.0, grid_w[known]).sum()) * MINUTE.total_seconds()
        self._counted_s = float(known.sum()) * MINUTE.total_seconds()
