"""The same local time on another day: what a day of 92 or 100 quarter hours has in common with one of 96."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.domain.time_grid import TimeGrid

Positions = npt.NDArray[np.int64]


def starts_of(grid: TimeGrid) -> pd.DatetimeIndex:
    """Return the starts of a grid's intervals, UTC."""
    return pd.date_range(pd.Timestamp(grid.start), periods=grid.count, freq=grid.step).as_unit("us")


def same_time_on(
    starts: pd.DatetimeIndex, days_ago: Sequence[int], *, timezone: ZoneInfo, origin_s: float, step_s: float
) -> Positions:
    """Return where the intervals of the same local time on earlier days stand in a regular series.

    A local time that the earlier day skipped is the one an hour later; of one it had twice, the first.

    Parameters
    ----------
    starts
        UTC, shape (n,).
    days_ago
        Shape (d,).
    timezone
        Zone of the home.
    origin_s, step_s
        Start and step of the series [s].

    Returns
    -------
    Positions
        Shape (d, n); may lie outside the series.
    """
    local = starts.tz_convert(timezone).tz_localize(None)
    shifts = pd.to_timedelta(np.repeat(np.asarray(days_ago), len(starts)), unit="D")
    earlier = pd.DatetimeIndex(np.tile(local.to_numpy(), len(days_ago))) - shifts
    first = np.ones(len(earlier), dtype=np.bool_)
    instants = earlier.tz_localize(timezone, ambiguous=first, nonexistent=timedelta(hours=1)).as_unit("us")
    positions = np.floor((instants.asi8 / 1e6 - origin_s) / step_s + 1e-9).astype(np.int64)
    shaped: Positions = positions.reshape(len(days_ago), len(starts))
    return shaped


def day_likeness(
    starts: pd.DatetimeIndex, days_ago: Sequence[int], *, timezone: ZoneInfo, same_weekday: float, other_kind: float
) -> npt.NDArray[np.float64]:
    """Return how alike the weekdays are: 1 for the same kind of day (working day, weekend), shape (d, n).

    Parameters
    ----------
    starts
        UTC, shape (n,).
    days_ago
        Shape (d,).
    timezone
        Zone of the home.
    same_weekday
        For the very same weekday.
    other_kind
        For a working day against a weekend.
    """
    today = starts.tz_convert(timezone).day_of_week.to_numpy()
    then = (today[None, :] - np.asarray(days_ago)[:, None]) % 7
    alike = np.where((then >= 5) == (today >= 5)[None, :], 1.0, other_kind)
    return np.where(then == today[None, :], same_weekday, alike)
