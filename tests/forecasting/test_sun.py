"""The sun stands where the almanac says."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from optimizer.forecasting.sun import clear_sky_pv_w, sun_position


@pytest.mark.parametrize(
    ("instant", "latitude", "longitude", "elevation", "azimuth"),
    [
        # Midsummer noon and equinox noon at Greenwich: elevation = 90 - latitude + declination.
        (datetime(2026, 6, 21, 12, 2, tzinfo=UTC), 51.48, 0.0, 61.96, 180.0),
        (datetime(2026, 3, 20, 12, 7, tzinfo=UTC), 51.48, 0.0, 38.5, 180.0),
        (datetime(2026, 12, 21, 11, 58, tzinfo=UTC), 51.48, 0.0, 15.1, 180.0),
        # Southern noon: the sun stands in the north.
        (datetime(2026, 12, 21, 1, 53, tzinfo=UTC), -33.87, 151.2, 79.6, 0.0),
        # Equinox on the equator, three hours before noon: 45 degrees, due east.
        (datetime(2026, 3, 20, 9, 7, tzinfo=UTC), 0.0, 0.0, 45.0, 90.0),
    ],
)
def test_position(instant: datetime, latitude: float, longitude: float, elevation: float, azimuth: float) -> None:
    """Elevation within half a degree, direction within two."""
    sun = sun_position(np.array([instant.timestamp()]), latitude=latitude, longitude=longitude)
    assert 90 - np.degrees(np.arccos(sun.cos_zenith[0])) == pytest.approx(elevation, abs=0.5)
    assert abs((sun.azimuth_deg[0] - azimuth + 180) % 360 - 180) < 2.0


def test_a_year_of_clear_sky_and_the_shape_of_a_day() -> None:
    """About 1800 kWh a year per kW were the sky always clear; nothing at night; east leads west."""
    hours = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 3600.0 * np.arange(8760) + 1800
    south, east, west = (
        clear_sky_pv_w(hours, latitude=47.66, longitude=9.18, peak_kw=1.0, tilt_deg=30.0, azimuth_deg=azimuth)
        for azimuth in (180.0, 90.0, 270.0)
    )
    assert 1500 < south.sum() / 1000 < 2100
    assert south.sum() > east.sum()
    day = slice(172 * 24, 173 * 24)
    assert south[day][0] == 0.0
    assert np.argmax(east[day]) < np.argmax(south[day]) < np.argmax(west[day])
