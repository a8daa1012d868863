"""The same local time on another day: what a day of 92 or 100 quarter hours has in common with one of 96."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.domain.time_grid import TimeGrid

Positions = npt.NDArray[np.int64]

_DAY_S = 86400.0
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_OFFSETS_ARE_MULTIPLES_OF_S = 900
"""Every zone stands whole quarters of an hour off UTC; so local slots that divide one hold every local time."""


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
    slot_s = math.gcd(round(step_s), _OFFSETS_ARE_MULTIPLES_OF_S)
    slots_a_day = round(_DAY_S) // slot_s
    local_slots = starts.tz_convert(timezone).tz_localize(None).as_unit("s").asi8 // slot_s
    ago = np.asarray(days_ago, dtype=np.int64)
    first_day = int(local_slots.min() // slots_a_day - ago.max())
    last_day = int(local_slots.max() // slots_a_day - ago.min())
    instants_s = np.concatenate([_slots_of_day(day, slot_s, timezone) for day in range(first_day, last_day + 1)])
    wanted = local_slots[None, :] - (ago[:, None] + first_day) * slots_a_day
    positions: Positions = np.floor((instants_s[wanted] - origin_s) / step_s + 1e-9).astype(np.int64)
    return positions


@lru_cache(maxsize=2048)
def _slots_of_day(day: int, slot_s: int, timezone: ZoneInfo) -> npt.NDArray[np.float64]:
    """Return the instants at which the local times of one day begin, counted from 1970-01-01 [s]."""
    midnight = pd.Timestamp(date.fromordinal(_EPOCH_ORDINAL + day))
    local = pd.date_range(midnight, periods=round(_DAY_S) // slot_s, freq=timedelta(seconds=slot_s))
    first = np.ones(len(local), dtype=np.bool_)
    instants = local.tz_localize(timezone, ambiguous=first, nonexistent=timedelta(hours=1)).as_unit("us")
    found: npt.NDArray[np.float64] = instants.asi8 / 1e6
    found.flags.writeable = False
    return found


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
