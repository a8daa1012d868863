"""The past as a replay has lived it: nothing at or after the present exists in it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from optimizer.backtest.decisions import DecisionLog
from optimizer.backtest.world import held_frame
from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.domain.time_grid import Interval
from optimizer.history import resampling
from optimizer.history.mean_powers import COLUMNS, MeanPowers
from optimizer.history.recording import LOAD_AND_SUN, Recording


class ReplayHistory:
    """History reader and writer of one run, and its :class:`optimizer.control.import_meter.Meter`.

    Load and sun of the warm-up are there from the start; every later interval is added when it is over.

    Parameters
    ----------
    recording
        Only rows that lie wholly before ``until`` are ever read from it.
    until
        Where the replay begins.
    """

    def __init__(self, recording: Recording, until: datetime) -> None:
        self._step = recording.step
        self._start_s = recording.start.timestamp()
        self._load_and_sun = held_frame(recording)[list(LOAD_AND_SUN)].to_numpy(dtype=np.float64)
        self._table = np.full((len(self._load_and_sun), len(COLUMNS)), np.nan)
        self._filled = 0
        self._decisions = DecisionLog()
        self.live_through(until)

    def live_through(self, until: datetime) -> None:
        """Let time pass in which nothing was replayed: the warm-up, or a gap between two spans."""
        row = round((until.timestamp() - self._start_s) / self._step.total_seconds())
        # Grid power stays unknown: what the house imported then is on no bill of the replay.
        self._table[self._filled : row, :2] = self._load_and_sun[self._filled : row]
        self._filled = max(self._filled, row)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What was decided, change by change."""
        return self._decisions.changes

    def add_interval(
        self, start: datetime, *, load_w: float, pv_w: float, battery_w: float, grid_w: float, soc: float
    ) -> None:
        """Add an interval that is over."""
        row = round((start.timestamp() - self._start_s) / self._step.total_seconds())
        self._table[row] = (load_w, pv_w, battery_w, grid_w, soc)
        self._filled = row + 1

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        """Return mean powers per whole interval of ``[start, end)``, as the port describes."""
        edges = resampling.edges_of(start, end, step)
        step_s = self._step.total_seconds()
        first = max(0, int((edges[0] - self._start_s) // step_s))
        last = min(self._filled, int(-((self._start_s - edges[-1]) // step_s)))
        if step == self._step and (edges[0] - self._start_s) % step_s == 0.0 and last - first == len(edges) - 1:
            return MeanPowers(starts_s=edges[:-1], step=step, values=self._table[first:last].copy())
        rows = np.arange(first, max(first, last))
        pieces = resampling.interval_means(
            (self._start_s + rows * step_s).astype(np.float64),
            np.full(len(rows), step_s),
            self._table[first : max(first, last)],
        )
        means = resampling.resample(resampling.no_pieces(), pieces, edges)
        return MeanPowers(starts_s=edges[:-1], step=step, values=means)

    def mean_import_w(self, measurement: Measurement, interval: Interval) -> float:
        """Return the mean import from the start of an interval until now, as a meter counts it [W].

        What was not lived counts like what was.
        """
        if measurement.at - interval.start < self._step:
            return 0.0
        grid_w = self.means(interval.start, measurement.at, self._step).grid_power_w
        lived = ~np.isnan(grid_w)
        return float(np.maximum(0.0, grid_w[lived]).mean()) if lived.any() else 0.0

    def add_measurement(self, measurement: Measurement) -> None:
        """Keep nothing: whole intervals are added when they are over."""

    def add_decision(self, decision: Decision) -> None:
        """Keep a decision where it differs in kind from the one before."""
        self._decisions.note(decision)
