"""A recording as history: for replays, and for measuring how good a forecast is."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from optimizer.history import resampling


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
        table = frame.reindex(columns=list(resampling.COLUMNS))
        balance = table["consumption_w"] + table["battery_power_w"].fillna(0.0) - table["production_w"]
        table["grid_power_w"] = table["grid_power_w"].fillna(balance)
        start_s = pd.DatetimeIndex(frame.index).tz_convert("UTC").as_unit("us").asi8 / 1e6
        self._pieces = resampling.interval_means(
            start_s, np.full(len(table), step.total_seconds()), table.to_numpy(dtype=np.float64)
        )

    def means(self, start: datetime, end: datetime, step: timedelta) -> pd.DataFrame:
        """Return mean powers per whole interval of ``[start, end)``, as the port describes."""
        edges = resampling.edges_of(start, end, step)
        inside = (self._pieces.end_s > edges[0]) & (self._pieces.start_s < edges[-1])
        means = resampling.resample(resampling.no_pieces(), self._pieces.where(inside), edges)
        return resampling.as_frame(means, start, step)
