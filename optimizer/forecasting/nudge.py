"""The last measured hours correct what a past day says about the next ones."""

from __future__ import annotations

import numpy as np

from optimizer.forecasting.sun import Floats

DAY_PERSISTENCE = 0.7
"""Share of the last day's surprise in the mean load that is still there at once: guests, a cold spell [1]."""
DAY_DECAY_H = 48.0
"""After this much of it is left: 1/e [h]."""
HOUR_PERSISTENCE = 0.4
"""The same for what surprises in the last hour beyond that: a kettle is gone, an oven stays [1]."""
HOUR_DECAY_H = 5.0
"""After this much of it is left: 1/e [h]."""
SUN_DECAY_H = 8.0
"""The same for how clear the last hour was: weather changes more slowly than a house [h]."""
_DIMMEST_SHARE = 0.03
"""Below this share of the strongest sun the ratio of two dawns says nothing about the day."""
_RATIO_BOUNDS = (0.1, 4.0)
_LEAST_KNOWN = 0.5
"""A day of which less is known has no level to compare [1]."""


def nudged_load(load_w: Floats, *, before_w: Floats, now_w: Floats, hour: int, hours_ahead: Floats) -> Floats:
    """Return load moved towards the present level of the house, never below 0.

    With the surprises ``D`` of the last day and ``H`` of the last hour, means of now less then::

        load + 0.7 D exp(-hours / 48) + 0.4 (H - 0.7 D) exp(-hours / 5)

    Parameters
    ----------
    load_w
        What past days say, shape (d, n) [W].
    before_w
        Their load in the hours before, up to a day, shape (d, m); NaN: not measured [W].
    now_w
        The load measured in the last hours, shape (m,); NaN: not measured, nothing is moved by it [W].
    hour
        How many of the last intervals make an hour.
    hours_ahead
        From the last measured instant to the middle of each interval, shape (n,) [h].
    """
    surprise = now_w[None, :] - before_w
    of_day = DAY_PERSISTENCE * _mean_or_nothing(surprise, _LEAST_KNOWN)
    of_hour = _mean_or_nothing(surprise[:, -hour:], 0.0)
    beyond = HOUR_PERSISTENCE * np.where(np.isnan(of_hour), 0.0, of_hour - np.nan_to_num(of_day))
    lasting = np.nan_to_num(of_day)[:, None] * np.exp(-hours_ahead / DAY_DECAY_H)[None, :]
    fading = beyond[:, None] * np.exp(-hours_ahead / HOUR_DECAY_H)[None, :]
    return np.maximum(load_w + lasting + fading, 0.0)


def nudged_sun(pv_w: Floats, *, then_w: Floats, now_w: float, hours_ahead: Floats, strongest_w: float) -> Floats:
    """Return sun scaled by how clear the last hour was against each past day, fading over some hours.

    By a factor, so that night stays night; at most what these days show for the same time, and a tenth.

    Parameters
    ----------
    pv_w
        What past days say, shape (d, n) [W].
    then_w
        Their sun in the hour that was last measured, shape (d,) [W].
    now_w
        The sun measured in it; NaN: not measured, nothing is scaled [W].
    hours_ahead
        From the last measured instant to the middle of each interval, shape (n,) [h].
    strongest_w
        The strongest sun known of this home [W].
    """
    enough_w = _DIMMEST_SHARE * strongest_w
    usable = (then_w > enough_w) & (now_w > enough_w)
    ratio = np.clip(np.divide(now_w, then_w, out=np.ones_like(then_w), where=usable), *_RATIO_BOUNDS)
    factor = 1.0 + (ratio - 1.0)[:, None] * np.exp(-hours_ahead / SUN_DECAY_H)[None, :]
    ceiling = 1.1 * pv_w.max(axis=0, initial=0.0)[None, :]
    nudged: Floats = np.minimum(pv_w * factor, ceiling)
    return nudged


def _mean_or_nothing(values: Floats, least_known: float) -> Floats:
    """Return means over the second axis without the unknown; NaN where too little is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    enough = (count > 0) & (count >= least_known * values.shape[1])
    means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=enough)
    return means
