"""Between the tables of history and frames of pandas, for recordings and whoever computes with them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from optimizer.history.mean_powers import COLUMNS, MeanPowers

_COLUMN_INDEX = pd.Index(COLUMNS)


def as_frame(means: MeanPowers) -> pd.DataFrame:
    """Return means as a frame: index ``timestamp``, starts of the intervals, UTC; columns as history names them."""
    starts = (means.starts_s * 1e6).round().astype("datetime64[us]")
    index = pd.DatetimeIndex(starts, tz="UTC", name="timestamp")
    return pd.DataFrame(means.values, index=index, columns=_COLUMN_INDEX)


def as_means(frame: pd.DataFrame, step: timedelta) -> MeanPowers:
    """Return a frame as means.

    Parameters
    ----------
    frame
        Index: starts of the intervals, aware, in order; of the columns those that history knows are taken, and any may
        be missing.
    step
        Length of the intervals.
    """
    return MeanPowers(
        starts_s=pd.DatetimeIndex(frame.index).tz_convert("UTC").as_unit("us").asi8 / 1e6,
        step=step,
        values=frame.reindex(columns=list(COLUMNS)).to_numpy(dtype=np.float64),
    )
