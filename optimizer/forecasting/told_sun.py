"""A sun forecast from outside, corrected by the own meter.

A forecast of the weather knows tomorrow's clouds; it does not know this roof, its trees and its own errors. Each past
day knows both what it was told and what came. So a past day becomes a future by what is told of today beyond what was
told of it, as far as this forecast has deserved belief at this home: its measured power plus ``belief`` times that
difference. A forecast without skill earns a belief of nothing and changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import numpy as np

from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.sun import Floats

_SMOOTHED_H = 3.0
"""Clouds come earlier or later than told: only means over so long are compared [h]."""
_FEWEST_DAYS = 7
"""From fewer days no belief is learnt."""
_MOST_BELIEF = 1.5


class SunForecast(Protocol):
    """Production told ahead of time, by a weather service or out of a recording."""

    def production_w(self, grid: TimeGrid, *, as_of: datetime) -> Floats:
        """Return the mean production told of each interval, NaN where nothing was told yet, shape (count,) [W]."""
        ...


def belief(told_w: Floats, measured_w: Floats, *, steps_per_day: int) -> float:
    """Return by how much production rises with what is told, 0 where too little is known [1].

    The slope of a regression over the past days, both taken against their means at the same time of day: so that what
    counts is the weather, not that noon is brighter than evening.

    Parameters
    ----------
    told_w, measured_w
        Production told and measured up to now, shape (m,); NaN: not known [W].
    steps_per_day
        Intervals of a day.
    """
    days = len(measured_w) // steps_per_day
    if days < _FEWEST_DAYS:
        return 0.0
    whole = days * steps_per_day
    told, measured = (values[-whole:].reshape(days, steps_per_day) for values in (told_w, measured_w))
    both = ~np.isnan(told) & ~np.isnan(measured)
    if both.sum() < _FEWEST_DAYS * steps_per_day:
        return 0.0
    told, measured = (_beyond_usual(values, both) for values in (told, measured))
    spread = float((told**2).sum())
    slope = float((told * measured).sum()) / spread if spread > 0.0 else 0.0
    return min(max(slope, 0.0), _MOST_BELIEF)


def told_beyond(ahead_w: Floats, past_w: Floats, *, step_h: float) -> Floats:
    """Return what is told ahead beyond what was told of past days, NaN where either is not known, shape (d, n) [W].

    Parameters
    ----------
    ahead_w
        Production told of the intervals ahead, shape (n,) [W].
    past_w
        Production that was told of the intervals that stand for them, shape (d, n) [W].
    step_h
        Length of an interval [h].
    """
    beyond = ahead_w[None, :] - past_w
    both = ~np.isnan(beyond)
    sums = np.concatenate([np.zeros((len(beyond), 1)), np.cumsum(np.where(both, beyond, 0.0), axis=1)], axis=1)
    counts = np.concatenate([np.zeros((len(beyond), 1)), np.cumsum(both, axis=1)], axis=1)
    reach, count = max(0, round(_SMOOTHED_H / step_h / 2)), beyond.shape[1]
    first = np.maximum(np.arange(count) - reach, 0)
    last = np.minimum(np.arange(count) + reach + 1, count)
    total, known = sums[:, last] - sums[:, first], counts[:, last] - counts[:, first]
    smoothed: Floats = np.divide(total, known, out=np.full(beyond.shape, np.nan), where=both)
    return smoothed


def _beyond_usual(values: Floats, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Return values less their means at the same time of day, 0 where not known."""
    count = np.maximum(known.sum(axis=0), 1)
    usual = np.where(known, values, 0.0).sum(axis=0) / count
    beyond: Floats = np.where(known, values - usual[None, :], 0.0)
    return beyond
