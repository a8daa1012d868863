"""What is assumed of a home before it has a history: a usual household, and the sun over its roof.

Load: the shape of a household's day, after the German standard load profile H0 (BDEW), in round numbers of our own:
low at night, a morning rise, a noon shoulder, an evening peak; weekends rise later; winter above summer. Scaled to the
year's consumption. Sun: a clear sky's power times three kinds of sky, so that no plan is sure of tomorrow's sun.
Where place or peak power is not configured there is no sun to assume and the forecast has none: ``is_default`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from optimizer.domain.site import Site
from optimizer.forecasting.local_days import local_clock_s
from optimizer.forecasting.sun import Floats, clear_sky_pv_w

_WEEKDAY = (50, 42, 38, 37, 38, 47, 78, 105, 104, 98, 95, 104, 118, 110, 98, 92, 97, 117, 148, 172, 165, 143, 112, 76)
_WEEKEND = (
    62,
    50,
    43,
    40,
    39,
    40,
    49,
    72,
    104,
    125,
    132,
    142,
    152,
    136,
    115,
    104,
    105,
    120,
    147,
    168,
    160,
    140,
    114,
    83,
)
_SEASON = 0.2
"""How far the coldest month stands above the mean of the year, and the warmest below [1]."""
SKIES = ((0.30, 0.95), (0.35, 0.60), (0.35, 0.20))
"""Weight and share of the clear sky's power: clear, mixed, dull; about 1000 kWh a year per kW in central Europe."""
_LOADS = (0.8, 1.0, 1.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDefaults:
    """What its owner can say about a home that has no history yet."""

    annual_consumption_kwh: float = 4000.0
    """Yearly consumption without the battery [kWh]."""
    pv_peak_kw: float = 0.0
    """Peak power of the PV plant [kW]; 0: none, or not known."""
    pv_tilt_deg: float = 30.0
    """Tilt of the modules, 0 flat, 90 upright [degrees]."""
    pv_azimuth_deg: float = 180.0
    """Where the modules look: 90 east, 180 south, 270 west [degrees]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultFutures:
    """Three assumed futures on a grid: load and sun of shape (3, n) [W], weights of shape (3,)."""

    weights: Floats
    load_w: Floats
    pv_w: Floats


def default_futures(starts_s: Floats, step: timedelta, site: Site, defaults: HomeDefaults) -> DefaultFutures:
    """Return what a home without history may expect.

    Parameters
    ----------
    starts_s
        Starts of the intervals, shape (n,), since 1970 [s].
    step
        Their length.
    site
        Zone and place of the home.
    defaults
        What its owner said.
    """
    load = default_load_w(starts_s, step, site, defaults)
    clear = clear_pv_w(starts_s, step, site, defaults)
    return DefaultFutures(
        weights=np.array([weight for weight, _ in SKIES]),
        load_w=np.array([factor * load for factor in _LOADS]),
        pv_w=np.array([share * clear for _, share in SKIES]),
    )


def default_load_w(starts_s: Floats, step: timedelta, site: Site, defaults: HomeDefaults) -> Floats:
    """Return the expected load of a usual household, shape (n,) [W]."""
    middle = np.floor(local_clock_s(starts_s + step.total_seconds() / 2, site.timezone)).astype("datetime64[s]")
    day = middle.astype("datetime64[D]")
    hour = (middle - day).astype("timedelta64[m]").astype(np.float64) / 60.0
    marks = np.arange(-1, 25) + 0.5
    shapes = [np.interp(hour, marks, (day[-1], *day, day[0])) for day in (_WEEKDAY, _WEEKEND)]
    shape = np.where(np.is_busday(day), shapes[0], shapes[1])
    mean_shape = (5 * np.mean(_WEEKDAY) + 2 * np.mean(_WEEKEND)) / 7
    half_year = 0.0 if (site.latitude or 0.0) >= 0 else np.pi
    day_of_year = (day - day.astype("datetime64[Y]")).astype(np.int64) + 1
    season = 1 + _SEASON * np.cos(2 * np.pi * (day_of_year - 15) / 365.25 + half_year)
    load: Floats = defaults.annual_consumption_kwh * 1000 / 8766 * shape / mean_shape * season
    return load


def clear_pv_w(starts_s: Floats, step: timedelta, site: Site, defaults: HomeDefaults) -> Floats:
    """Return the plant's power under a clear sky, 0 where place or plant is not known, shape (n,) [W]."""
    if site.latitude is None or site.longitude is None or defaults.pv_peak_kw == 0:
        return np.zeros(len(starts_s))
    return clear_sky_pv_w(
        starts_s + step.total_seconds() / 2,
        latitude=site.latitude,
        longitude=site.longitude,
        peak_kw=defaults.pv_peak_kw,
        tilt_deg=defaults.pv_tilt_deg,
        azimuth_deg=defaults.pv_azimuth_deg,
    )
