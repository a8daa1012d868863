"""A sun forecast from outside: believed as far as it has earned it at this home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from optimizer.domain.site import Site
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.clear_sky import clear_sky_ratio
from optimizer.forecasting.kept_past import Past
from optimizer.forecasting.own_history import OwnHistoryForecaster
from optimizer.forecasting.sky import Sky
from optimizer.forecasting.told_sun import belief, told_beyond
from optimizer.history.frame_history import FrameHistory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 5, 11, tzinfo=UTC)
DAYS = 30
SITE = Site(timezone=ZoneInfo("UTC"))
Floats = npt.NDArray[np.float64]


class Told:
    """Tells what it was given from the start of the past on, only of days that have begun."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    def production_w(self, grid: TimeGrid, *, as_of: datetime) -> Floats:
        first = (grid.start - (MIDNIGHT - DAYS * DAY)) // HOUR
        places = np.arange(first, first + grid.count)
        known = (places >= 0) & (places < ((as_of - MIDNIGHT) // DAY + DAYS + 1) * 24)
        return np.where(known, self._values[np.clip(places, 0, len(self._values) - 1)], np.nan)


def suns(skies: Floats) -> Floats:
    """Return the hours of days under skies of some clearness [W]."""
    return (np.maximum(np.sin((np.arange(24) - 6) / 12 * np.pi), 0.0)[None, :] * 3000.0 * skies[:, None]).ravel()


def forecast_energy_wh(told: Floats | None, measured: Floats) -> Floats:
    index = pd.date_range(MIDNIGHT - DAYS * DAY, periods=len(measured), freq="1h")
    frame = pd.DataFrame({"consumption_w": 300.0, "production_w": measured}, index=index)
    forecaster = OwnHistoryForecaster(
        history=FrameHistory(frame, HOUR), site=SITE, sun_forecast=None if told is None else Told(told)
    )
    forecast = forecaster.forecast(TimeGrid(start=MIDNIGHT, step=HOUR, count=36), as_of=MIDNIGHT)
    weights = [one.weight for one in forecast.scenarios]
    table = np.array([one.pv_w for one in forecast.scenarios])
    assert (table >= 0.0).all()
    assert np.isfinite(table).all()
    assert (table[:, :5] < 1e-6).all()
    return np.average(table, axis=0, weights=weights)


def test_a_good_forecast_is_followed_though_its_scale_is_wrong() -> None:
    """Told 60 % of what comes each day: a dull day ahead becomes dull, at the scale of the own meter."""
    skies = np.random.default_rng(1).uniform(0.2, 1.0, DAYS + 2)
    skies[DAYS] = 0.25
    truth = suns(skies)
    sun = forecast_energy_wh(0.6 * truth, truth[: DAYS * 24])[:24].sum()
    assert sun == pytest.approx(truth[DAYS * 24 : (DAYS + 1) * 24].sum(), rel=0.25)
    assert sun < 0.6 * forecast_energy_wh(None, truth[: DAYS * 24])[:24].sum()


def test_a_forecast_without_skill_changes_little() -> None:
    """Told what has nothing to do with what comes: the own days go on to count."""
    draw = np.random.default_rng(2)
    truth, noise = suns(draw.uniform(0.2, 1.0, DAYS + 2)), suns(draw.uniform(0.2, 1.0, DAYS + 2))
    with_noise = forecast_energy_wh(noise, truth[: DAYS * 24])[:24].sum()
    assert with_noise == pytest.approx(forecast_energy_wh(None, truth[: DAYS * 24])[:24].sum(), rel=0.15)


def test_beyond_what_is_told_the_own_days_count() -> None:
    """The day after tomorrow is not told: it is foretold as without a forecast."""
    truth = suns(np.random.default_rng(3).uniform(0.2, 1.0, DAYS + 2))
    told = forecast_energy_wh(truth, truth[: DAYS * 24])
    np.testing.assert_allclose(told[24:], forecast_energy_wh(None, truth[: DAYS * 24])[24:])


def test_belief_is_learnt_from_days_told_and_measured() -> None:
    """The slope of the day's weather; nothing from a few days, from holes, or from one told and never measured."""
    truth = suns(np.random.default_rng(4).uniform(0.2, 1.0, 20))
    assert belief(truth / 1.25, truth, steps_per_day=24) == pytest.approx(1.25)
    assert belief(truth[:100], truth[:100], steps_per_day=24) == 0.0
    assert belief(np.full(480, np.nan), truth, steps_per_day=24) == 0.0
    assert belief(-truth, truth, steps_per_day=24) == 0.0


def test_a_difference_is_unknown_where_either_is() -> None:
    """What was not told stays unknown; what was is compared over some hours."""
    beyond = told_beyond(np.array([4.0, 4.0, np.nan, 4.0]), np.array([[1.0, 3.0, 1.0, np.nan]]), step_h=1.0)
    np.testing.assert_allclose(beyond, [[2.0, 2.0, np.nan, np.nan]])


@pytest.mark.parametrize("trust", [0.3, 1.0])
def test_what_is_told_is_compared_at_one_height_of_the_sun(trust: float) -> None:
    """A forecast that rises with the season as the clear sky does tells nothing new: past days only rise with it."""
    site = Site(timezone=ZoneInfo("Europe/Berlin"), latitude=47.66, longitude=9.18)
    start_s, days = datetime(2026, 2, 1, tzinfo=UTC).timestamp(), 60
    instants_s = start_s + 3600.0 * np.arange(24.0 * (days + 1))
    last_day_s = instants_s[-24:]
    places = np.arange(24)[None, :] + 24 * np.arange(days)[:, None]
    ratio = clear_sky_ratio(last_day_s, instants_s[places], step_s=3600.0, site=site)
    ahead_w = np.where((np.arange(24) > 6) & (np.arange(24) < 17), 3000.0, 0.0)
    told_w = np.concatenate([(ahead_w / ratio).ravel(), ahead_w])
    measured_w = 0.8 * told_w[: 24 * days]
    past = Past(start_s=start_s, step_s=3600.0, values=np.stack([measured_w, measured_w], axis=1))
    sky = Sky(past=past, site=site, told_w=told_w, belief=trust)
    assert sky.over(measured_w[places], last_day_s, places) == pytest.approx(np.broadcast_to(0.8 * ahead_w, (days, 24)))
