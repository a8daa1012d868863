"""The same local time on another day: what a day of 92 or 100 quarter hours has in common with one of 96."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.sun import Floats

Positions = npt.NDArray[np.int64]

_DAY_S = 86400
_QUARTER_S = 900
"""Every zone stands whole quarters of an hour off UTC and changes on one; so a day is known by its quarter hours."""
_QUARTERS_A_DAY = _DAY_S // _QUARTER_S
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_WEEKDAY_OF_EPOCH = date(1970, 1, 1).weekday()
_A_BIT = 1e-9
"""What the rounding of seconds as doubles may leave before a whole number [1]."""


def starts_s_of(grid: TimeGrid) -> Floats:
    """Return the starts of a grid's intervals, seconds since 1970 [s]."""
    starts: Floats = grid.start.timestamp() + np.arange(grid.count, dtype=np.float64) * grid.step_s
    return starts


def same_time_on(
    starts_s: Floats, days_ago: Sequence[int], *, timezone: ZoneInfo, origin_s: float, step_s: float
) -> Positions:
    """Return where the intervals of the same local time on earlier days stand in a regular series.

    A local time that the earlier day skipped is the instant it would have been, had the clock not been set forward: an
    hour later on the clock. Of one it had twice, the first.

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
    local_s = local_clock_s(starts_s, timezone)
    quarters = _quarters(local_s)
    ago = np.asarray(days_ago, dtype=np.int64)
    first_day = int(quarters.min() // _QUARTERS_A_DAY - ago.max())
    last_day = int(quarters.max() // _QUARTERS_A_DAY - ago.min())
    instants_s = _local_quarters_of(first_day, last_day, timezone)
    wanted = quarters[None, :] - (ago[:, None] + first_day) * _QUARTERS_A_DAY
    past_s = instants_s.take(wanted)
    past_s += local_s - quarters * _QUARTER_S - origin_s
    past_s /= step_s
    past_s += _A_BIT
    positions: Positions = np.floor(past_s, out=past_s).astype(np.int64)
    return positions


def local_clock_s(instants_s: Floats, timezone: ZoneInfo) -> Floats:
    """Return what the local clock shows at instants, in seconds since 1970 on that clock, shape (n,) [s]."""
    quarters = _quarters(instants_s)
    first, last = int(quarters.min() // _QUARTERS_A_DAY), int(quarters.max() // _QUARTERS_A_DAY)
    shown: Floats = instants_s + _offsets_of(first, last, timezone)[quarters - first * _QUARTERS_A_DAY]
    return shown


def _quarters(seconds: Floats) -> Positions:
    quarters: Positions = np.floor(seconds / _QUARTER_S + _A_BIT).astype(np.int64)
    return quarters


@lru_cache(maxsize=16)
def _offsets_of(first: int, last: int, timezone: ZoneInfo) -> Floats:
    """Return how far the local clock is ahead in every quarter hour from one UTC day to another, since 1970 [s]."""
    return np.concatenate([_offsets_of_day(day, timezone) for day in range(first, last + 1)])


@lru_cache(maxsize=512)
def _offsets_of_day(day: int, timezone: ZoneInfo) -> Floats:
    start_s = day * _DAY_S
    before, after = (_offset_s(start_s, timezone), _offset_s(start_s + _DAY_S, timezone))
    if before == after:
        return np.full(_QUARTERS_A_DAY, before)
    return np.array([_offset_s(start_s + number * _QUARTER_S, timezone) for number in range(_QUARTERS_A_DAY)])


def _offset_s(instant_s: int, timezone: ZoneInfo) -> float:
    clock = datetime.fromtimestamp(instant_s, timezone).replace(tzinfo=UTC)
    return clock.timestamp() - instant_s


@lru_cache(maxsize=16)
def _local_quarters_of(first: int, last: int, timezone: ZoneInfo) -> Floats:
    """Return the instants at which the quarter hours of several local days begin [s]."""
    return np.concatenate([_local_quarters_of_day(day, timezone) for day in range(first, last + 1)])


@lru_cache(maxsize=512)
def _local_quarters_of_day(day: int, timezone: ZoneInfo) -> Floats:
    """Return the instants at which the quarter hours of one local day begin, counted from 1970-01-01 [s]."""
    midnight = datetime.combine(date.fromordinal(_EPOCH_ORDINAL + day), time(), timezone)
    start_s, quarter = midnight.timestamp(), timedelta(seconds=_QUARTER_S)
    if (midnight + timedelta(days=1)).timestamp() - start_s == _DAY_S:
        return start_s + _QUARTER_S * np.arange(_QUARTERS_A_DAY, dtype=np.float64)
    return np.array([(midnight + number * quarter).timestamp() for number in range(_QUARTERS_A_DAY)])


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
    local_days = _quarters(local_clock_s(starts_s, timezone)) // _QUARTERS_A_DAY
    today = (local_days + _WEEKDAY_OF_EPOCH) % 7
    then = (today[None, :] - np.arange(7)[:, None]) % 7
    alike = np.where((then >= 5) == (today >= 5)[None, :], 1.0, other_kind)
    alike[0] = same_weekday
    return alike.take(np.asarray(days_ago) % 7, axis=0)
