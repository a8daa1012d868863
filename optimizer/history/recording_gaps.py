"""Gaps in a recording: short ones bridged and counted, long ones left and named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.domain.time_grid import Interval

LONGEST_BRIDGE = timedelta(hours=1)

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgedGap:
    """A short gap in one column, filled along a straight line between its neighbours."""

    column: str
    start: datetime
    end: datetime


def bridge_gaps(
    frame: pd.DataFrame, columns: list[str], step: timedelta
) -> tuple[pd.DataFrame, tuple[BridgedGap, ...]]:
    """Return the frame with gaps of at most an hour filled in ``columns``, and what was filled.

    A gap at the very start or end has no two neighbours and stays.
    """
    filled = frame.copy()
    bridged: list[BridgedGap] = []
    for column in columns:
        values = frame[column].to_numpy(dtype=np.float64, copy=True)
        missing = np.isnan(values)
        for first, after in runs_of(missing):
            short = (after - first) * step <= LONGEST_BRIDGE
            if short and first > 0 and after < len(values):
                values[first:after] = np.interp(
                    np.arange(first, after), [first - 1, after], [values[first - 1], values[after]]
                )
                span = _interval(frame.index, first, after, step)
                bridged.append(BridgedGap(column=column, start=span.start, end=span.end))
        filled[column] = values
    return filled, tuple(sorted(bridged, key=lambda gap: (gap.start, gap.column)))


def complete_spans(frame: pd.DataFrame, step: timedelta) -> tuple[Interval, ...]:
    """Return the stretches in which no column misses a value; a column without any value at all does not count."""
    complete = ~frame.dropna(axis="columns", how="all").isna().any(axis="columns").to_numpy()
    return tuple(_interval(frame.index, first, after, step) for first, after in runs_of(complete))


def runs_of(flags: Booleans) -> list[tuple[int, int]]:
    """Return the stretches of true flags as ``(first, one past the last)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(after)) for first, after in edges.reshape(-1, 2)]


def _interval(index: pd.Index, first: int, after: int, step: timedelta) -> Interval:
    return Interval(start=index[first].to_pydatetime(), end=index[after - 1].to_pydatetime() + step)
