"""What a clear sky would give now against a past day: the sun of six weeks ago stood elsewhere.

A past day tells how clear its sky was, not how high the sun will stand. So its power is multiplied by the ratio of the
clear skies of both instants, over a flat roof: which way the modules look changes that ratio little within some weeks,
and need not be known.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from optimizer.domain.site import Site
from optimizer.forecasting.sun import Floats, clear_sky_pv_w

_DAY_S = 86400
_TWILIGHT_W = 20.0
"""Added to both skies of a plant of 1 kW: at dawn a ratio of two small numbers says nothing [W]."""
_RATIO_BOUNDS = (0.5, 2.0)


def clear_sky_ratio(ahead_s: Floats, past_s: Floats, *, step_s: float, site: Site) -> Floats:
    """Return the clear sky ahead divided by that of past instants, 1 where the place is not known.

    Parameters
    ----------
    ahead_s
        Starts of the intervals ahead, whole steps since 1970, shape (n,) [s].
    past_s
        Starts of the intervals that stand for them, shape (d, n) [s].
    step_s
        Length of an interval, a part of an hour [s].
    site
        With the place of the home.
    """
    if site.latitude is None or site.longitude is None:
        return np.ones(past_s.shape)
    place = (site.latitude, site.longitude)
    ratio: Floats = _clear_w(ahead_s, step_s, place)[None, :] / _clear_w(past_s, step_s, place)
    return np.clip(ratio, *_RATIO_BOUNDS)


def _clear_w(instants_s: Floats, step_s: float, place: tuple[float, float]) -> Floats:
    slots = np.floor(instants_s / step_s + 1e-9).astype(np.int64)
    per_day = round(_DAY_S / step_s)
    first, last = int(slots.min() // per_day), int(slots.max() // per_day)
    clear: Floats = _clear_days_w(first, last, step_s, place)[slots - first * per_day]
    return clear


@lru_cache(maxsize=16)
def _clear_days_w(first: int, last: int, step_s: float, place: tuple[float, float]) -> Floats:
    return np.concatenate([_clear_day_w(day, step_s, place) for day in range(first, last + 1)])


@lru_cache(maxsize=512)
def _clear_day_w(day: int, step_s: float, place: tuple[float, float]) -> Floats:
    """Return the power of a flat plant of 1 kW under a clear sky over one day, counted from 1970-01-01 UTC [W]."""
    middle_s: Floats = day * _DAY_S + (np.arange(round(_DAY_S / step_s), dtype=np.float64) + 0.5) * step_s
    clear = _TWILIGHT_W + clear_sky_pv_w(
        middle_s, latitude=place[0], longitude=place[1], peak_kw=1.0, tilt_deg=0.0, azimuth_deg=180.0
    )
    clear.flags.writeable = False
    return clear
