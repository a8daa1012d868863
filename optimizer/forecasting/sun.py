"""Where the sun stands, and what a PV plant makes of a clear sky: enough for defaults, not for a yield report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PERFORMANCE_RATIO = 0.85
_DIFFUSE_SHARE = 0.12
_LOWEST_COSINE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SunPosition:
    """Cosine of the zenith angle and the direction of the sun, each of shape (n,)."""

    cos_zenith: Floats
    azimuth_deg: Floats
    """90 east, 180 south, 270 west [degrees]."""


def sun_position(instants_s: Floats, *, latitude: float, longitude: float) -> SunPosition:
    """Return the position of the sun.

    Declination and equation of time by the Fourier series of Spencer (1971), good to some tenths of a degree.

    Parameters
    ----------
    instants_s
        Shape (n,), seconds since 1970 [s].
    latitude, longitude
        North and east positive [degrees].
    """
    day_of_year = (instants_s / 86400.0) % 365.2425
    angle = 2 * np.pi * day_of_year / 365.2425
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
    )
    equation_of_time_min = 229.18 * (
        0.000075
        + 0.001868 * np.cos(angle)
        - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle)
        - 0.040849 * np.sin(2 * angle)
    )
    solar_hour = (instants_s / 3600.0 + longitude / 15.0 + equation_of_time_min / 60.0) % 24.0
    hour_angle = np.radians(15.0 * (solar_hour - 12.0))
    phi = np.radians(latitude)
    cos_zenith = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    return SunPosition(cos_zenith=cos_zenith, azimuth_deg=np.degrees(np.arctan2(east, north)) % 360.0)


def clear_sky_pv_w(
    instants_s: Floats, *, latitude: float, longitude: float, peak_kw: float, tilt_deg: float, azimuth_deg: float
) -> Floats:
    """Return the power of a PV plant under a clear sky, shape (n,) [W].

    Global horizontal irradiance by Haurwitz (1945), ``1098 cos z exp(-0.057 / cos z)``, a fixed diffuse share, the
    beam turned into the plane of the modules, and a performance ratio for everything behind them.

    Parameters
    ----------
    instants_s
        Shape (n,), seconds since 1970 [s].
    latitude, longitude
        North and east positive [degrees].
    peak_kw
        Peak power of the plant [kW].
    tilt_deg, azimuth_deg
        Of the modules: 0 flat, 90 upright; 90 east, 180 south, 270 west [degrees].
    """
    sun = sun_position(instants_s, latitude=latitude, longitude=longitude)
    cosine = np.maximum(sun.cos_zenith, _LOWEST_COSINE)
    horizontal = np.where(sun.cos_zenith > _LOWEST_COSINE, 1098.0 * cosine * np.exp(-0.057 / cosine), 0.0)
    tilt = np.radians(tilt_deg)
    beam_normal = np.minimum(horizontal * (1 - _DIFFUSE_SHARE) / cosine, 1000.0)
    facing = np.cos(np.radians(sun.azimuth_deg - azimuth_deg))
    cos_incidence = cosine * np.cos(tilt) + np.sqrt(1 - cosine**2) * np.sin(tilt) * facing
    in_plane = beam_normal * np.maximum(cos_incidence, 0.0) + horizontal * _DIFFUSE_SHARE * (1 + np.cos(tilt)) / 2
    power: Floats = in_plane * peak_kw * _PERFORMANCE_RATIO
    return power
