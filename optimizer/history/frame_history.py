"""A recording as history: for replays, and for measuring how good a forecast is."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.history import resampling
from optimizer.history.frames import as_means
from optimizer.history.mean_powers import COLUMNS, MeanPowers


class FrameHistory:
    """A :class:`HistoryReader` over a table of interval means.

    Parameters
    ----------
    frame
        Index: starts of regular intervals, aware, in order; columns as the port names them, any may be missing,
        ``grid_power_w`` follows from the balance where load and sun are there.
    step
        Length of the intervals.
    """

    def __init__(self, frame: pd.DataFrame, step: timedelta) -> None:
        table = frame.reindex(columns=list(COLUMNS))
        balance = table["consumption_w"] + table["battery_power_w"].fillna(0.0) - table["production_w"]
        table["grid_power_w"] = table["grid_power_w"].fillna(balance)
        told = as_means(table, step)
        self._pieces = resampling.interval_means(told.starts_s, np.full(len(told), step.total_seconds()), told.values)

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        """Return mean powers per whole interval of ``[start, end)``, as the port describes."""
        edges = resampling.edges_of(start, end, step)
        inside = (self._pieces.end_s > edges[0]) & (self._pieces.start_s < edges[-1])
        means = resampling.resample(resampling.no_pieces(), self._pieces.where(inside), edges)
        return MeanPowers(starts_s=edges[:-1], step=step, values=means)
