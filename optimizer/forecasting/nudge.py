"""The last measured hour corrects what a past day says about the next ones."""

from __future__ import annotations

import numpy as np

from optimizer.forecasting.sun import Floats

LOAD_PERSISTENCE = 0.5
"""Share of the last hour's surprise in the load that is still there at once: a kettle is gone, a guest stays."""
LOAD_DECAY_H = 3.0
"""After this much of the surprise in the load is left: 1/e [h]."""
SUN_DECAY_H = 5.0
"""The same for the sun: weather changes more slowly than a house (measured on three homes) [h]."""
_DIMMEST_SHARE = 0.03
"""Below this share of the strongest sun the ratio of two dawns says nothing about the day."""
_RATIO_BOUNDS = (0.1, 4.0)


def nudged_load(load_w: Floats, *, then_w: Floats, now_w: float, hours_ahead: Floats) -> Floats:
    """Return load moved towards the present level: ``load + 0.5 (now - then) exp(-hours / 3)``, never below 0.

    Parameters
    ----------
    load_w
        What past days say, shape (d, n) [W].
    then_w
        Their load in the hour that was last measured, shape (d,) [W].
    now_w
        The load measured in it; NaN: not measured, nothing is moved [W].
    hours_ahead
        From the last measured instant to the middle of each interval, shape (n,) [h].
    """
    surprise = np.nan_to_num(now_w - then_w)[:, None]
    return np.maximum(load_w + LOAD_PERSISTENCE * surprise * np.exp(-hours_ahead / LOAD_DECAY_H)[None, :], 0.0)


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
