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
from optimizer.forecasting.sun import Floats

Positions = npt.NDArray[np.int64]

_DAY_S = 86400.0
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_WEEKDAY_OF_EPOCH = date(1970, 1, 1).weekday()
_OFFSETS_ARE_MULTIPLES_OF_S = 900
"""Every zone stands whole quarters of an hour off UTC; so local slots that divide one hold every local time."""


def starts_of(grid: TimeGrid) -> pd.DatetimeIndex:
    """Return the starts of a grid's intervals, UTC."""
    return pd.date_range(pd.Timestamp(grid.start), periods=grid.count, freq=grid.step).as_unit("us")


def starts_s_of(grid: TimeGrid) -> Floats:
    """Return the starts of a grid's intervals, seconds since 1970 [s]."""
    starts: Floats = grid.start.timestamp() + np.arange(grid.count, dtype=np.float64) * grid.step_s
    return starts


def same_time_on(
    starts_s: Floats, days_ago: Sequence[int], *, timezone: ZoneInfo, origin_s: float, step_s: float
) -> Positions:
    """Return where the intervals of the same local time on earlier days stand in a regular series.

    A local time that the earlier day skipped is the one an hour later; of one it had twice, the first.

    Parameters
    ----------
    starts_s
        Starts of the intervals, shape (n,), since 1970 [s].
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
    local_slots = _local_slots(starts_s, slot_s, timezone)
    ago = np.asarray(days_ago, dtype=np.int64)
    first_day = int(local_slots.min() // slots_a_day - ago.max())
    last_day = int(local_slots.max() // slots_a_day - ago.min())
    instants_s = _slots_of_days(first_day, last_day, slot_s, timezone)
    wanted = local_slots[None, :] - (ago[:, None] + first_day) * slots_a_day
    positions: Positions = np.floor((instants_s[wanted] - origin_s) / step_s + 1e-9).astype(np.int64)
    return positions


def _local_slots(starts_s: Floats, slot_s: int, timezone: ZoneInfo) -> Positions:
    """Return the local times of instants, in slots since 1970 on the local clock, shape (n,)."""
    slots = np.floor(starts_s / slot_s + 1e-9).astype(np.int64)
    slots_a_day = round(_DAY_S) // slot_s
    first, last = int(slots.min() // slots_a_day), int(slots.max() // slots_a_day)
    return _local_slots_of_days(first, last, slot_s, timezone)[slots - first * slots_a_day]


@lru_cache(maxsize=16)
def _local_slots_of_days(first: int, last: int, slot_s: int, timezone: ZoneInfo) -> Positions:
    """Return the local time of every slot from one UTC day to another, both counted from 1970-01-01."""
    count = (last - first + 1) * (round(_DAY_S) // slot_s)
    start = pd.Timestamp(date.fromordinal(_EPOCH_ORDINAL + first), tz="UTC")
    instants = pd.date_range(start, periods=count, freq=timedelta(seconds=slot_s))
    slots: Positions = instants.tz_convert(timezone).tz_localize(None).as_unit("s").asi8 // slot_s
    slots.flags.writeable = False
    return slots


@lru_cache(maxsize=16)
def _slots_of_days(first: int, last: int, slot_s: int, timezone: ZoneInfo) -> Floats:
    """Return the instants at which the local times of several days begin [s]."""
    return np.concatenate([_slots_of_day(day, slot_s, timezone) for day in range(first, last + 1)])


@lru_cache(maxsize=512)
def _slots_of_day(day: int, slot_s: int, timezone: ZoneInfo) -> Floats:
    """Return the instants at which the local times of one day begin, counted from 1970-01-01 [s]."""
    midnight = pd.Timestamp(date.fromordinal(_EPOCH_ORDINAL + day))
    local = pd.date_range(midnight, periods=round(_DAY_S) // slot_s, freq=timedelta(seconds=slot_s))
    first = np.ones(len(local), dtype=np.bool_)
    instants = local.tz_localize(timezone, ambiguous=first, nonexistent=timedelta(hours=1)).as_unit("us")
    found: Floats = instants.asi8 / 1e6
    found.flags.writeable = False
    return found


def day_likeness(
    starts_s: Floats, days_ago: Sequence[int], *, timezone: ZoneInfo, same_weekday: float, other_kind: float
) -> Floats:
    """Return how alike the weekdays are: 1 for the same kind of day (working day, weekend), shape (d, n).

    Parameters
    ----------
    starts_s
        Shape (n,), since 1970 [s].
    days_ago
        Shape (d,).
    timezone
        Zone of the home.
    same_weekday
        For the very same weekday.
    other_kind
        For a working day against a weekend.
    """
    slots_a_day = round(_DAY_S) // _OFFSETS_ARE_MULTIPLES_OF_S
    local_days = _local_slots(starts_s, _OFFSETS_ARE_MULTIPLES_OF_S, timezone) // slots_a_day
    today = (local_days + _WEEKDAY_OF_EPOCH) % 7
    then = (today[None, :] - np.asarray(days_ago)[:, None]) % 7
    alike = np.where((then >= 5) == (today >= 5)[None, :], 1.0, other_kind)
    return np.where(then == today[None, :], same_weekday, alike)
