"""What the billing meter has counted so far."""

from __future__ import annotations

from typing import Protocol

from optimizer.domain.measurement import Measurement
from optimizer.domain.time_grid import Interval


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
        Longer gaps between two measurements are not bridged [s].
    """

    def __init__(self, *, longest_gap_s: float = 60.0) -> None:
        self._longest_gap_s = longest_gap_s
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
        if self._last is not None:
            since_start_s = (measurement.at - interval.start).total_seconds()
            held_s = min(measurement.elapsed_s - self._last.elapsed_s, since_start_s)
            if 0.0 < held_s <= self._longest_gap_s:
                self._imported_ws += held_s * max(0.0, self._last.grid_power_w)
                self._counted_s += held_s
        self._last = measurement
        return self._imported_ws / self._counted_s if self._counted_s else 0.0
