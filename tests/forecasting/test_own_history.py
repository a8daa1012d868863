"""The home's own days as futures: aligned by local time, weighted, nudged, and blind to what comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.domain.site import Site
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.defaults import HomeDefaults, default_load_w
from optimizer.forecasting.local_days import starts_s_of
from optimizer.forecasting.own_history import OwnHistoryForecaster
from optimizer.forecasting.port import Forecast
from optimizer.forecasting.skill import measure_skill
from optimizer.history.frame_history import FrameHistory
from optimizer.history.recording import read_recording
from support.past import DATA, home, measured

BERLIN = "Europe/Berlin"
SITE = Site(timezone=ZoneInfo(BERLIN), latitude=47.66, longitude=9.18)
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 5, 11, tzinfo=UTC)
"""A Monday."""
PLANT = HomeDefaults(pv_peak_kw=6.0)


def forecaster(
    frame: pd.DataFrame, *, site: Site = SITE, step: timedelta = HOUR, **more: object
) -> OwnHistoryForecaster:
    return OwnHistoryForecaster(history=FrameHistory(frame, step), site=site, **more)  # type: ignore[arg-type]


def past(days: int, *, until: datetime = MIDNIGHT, step: timedelta = HOUR, noise: float = 0.0) -> pd.DataFrame:
    return home(until - days * DAY, days, step=step, zone=BERLIN, noise=noise)


def grid_from(start: datetime, hours: int, step: timedelta = HOUR) -> TimeGrid:
    return TimeGrid(start=start, step=step, count=int(timedelta(hours=hours) / step))


def loads(forecast: Forecast) -> np.ndarray:
    return np.array([scenario.load_w for scenario in forecast.scenarios])


def suns(forecast: Forecast) -> np.ndarray:
    return np.array([scenario.pv_w for scenario in forecast.scenarios])


def expected_load(forecast: Forecast) -> np.ndarray:
    return np.average(loads(forecast), axis=0, weights=[scenario.weight for scenario in forecast.scenarios])


def check_sound(forecast: Forecast) -> None:
    assert sum(scenario.weight for scenario in forecast.scenarios) == pytest.approx(1.0)
    for table in (loads(forecast), suns(forecast)):
        assert table.shape == (len(forecast.scenarios), forecast.grid.count)
        assert np.isfinite(table).all()
        assert (table >= 0).all()
    assert len(forecast.days_ago) == len(forecast.scenarios)


def test_a_repeating_home_is_foretold_exactly() -> None:
    """Where every working day is alike, and nothing surprised in the days before, the scenarios are that day."""
    site = Site(timezone=ZoneInfo(BERLIN))
    forecast = forecaster(past(30), site=site).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    truth = home(MIDNIGHT, 1, step=HOUR, zone=BERLIN)
    mondays = [number for number, day in enumerate(forecast.days_ago) if (day or 0) % 7 == 0]
    check_sound(forecast)
    assert not forecast.is_default
    assert len(forecast.scenarios) == 28
    assert forecast.origin == "28 days of this home"
    assert len(mondays) == 4
    for number in mondays:
        np.testing.assert_allclose(loads(forecast)[number][:22], truth["consumption_w"][:22], rtol=0.02)
        np.testing.assert_allclose(suns(forecast)[number], truth["production_w"], atol=1e-5)


def test_recent_and_like_days_weigh_more() -> None:
    """A week ago counts more than two weeks ago, the same weekday more than its neighbours, weekends least."""
    forecast = forecaster(past(30), most_scenarios=28).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    weight = dict(zip(forecast.days_ago, (scenario.weight for scenario in forecast.scenarios), strict=True))
    assert weight[7] > weight[14] > weight[21]
    assert weight[7] > weight[6]
    assert weight[4] > weight[2]
    assert weight[10] == pytest.approx(weight[20] * 2 * 1.0, rel=1e-9) or weight[10] > weight[20]


@pytest.mark.parametrize("today", ["2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"])
@pytest.mark.parametrize("step", [QUARTER, HOUR])
def test_clock_changes_do_not_shift_the_day(today: str, step: timedelta) -> None:
    """On and after the days of 92 and 100 quarter hours the load still follows the local clock."""
    zone = ZoneInfo(BERLIN)
    start = datetime.fromisoformat(today).replace(tzinfo=zone).astimezone(UTC)
    end = (datetime.fromisoformat(today) + DAY).replace(tzinfo=zone).astimezone(UTC)
    grid = TimeGrid(start=start, step=step, count=(end - start) // step)
    frame = past(29, until=start, step=step)
    frame["consumption_w"] -= np.where(frame.index.tz_convert(BERLIN).day_of_week >= 5, 200.0, 0.0)
    forecast = forecaster(frame, step=step).forecast(grid, as_of=start)
    truth = home(start, 2, step=step, zone=BERLIN)[: grid.count]
    truth["consumption_w"] -= np.where(truth.index.tz_convert(BERLIN).day_of_week >= 5, 200.0, 0.0)
    check_sound(forecast)
    known = np.array([interval.start.astimezone(zone).hour != 2 for interval in grid])
    for load in loads(forecast):
        # The hour that a clock change skips or doubles has no twin; all others do.
        np.testing.assert_allclose(load[known], truth["consumption_w"][known], atol=1.0)
        np.testing.assert_allclose(load, truth["consumption_w"], atol=41.0)


def test_a_long_horizon_takes_consecutive_days() -> None:
    """Beyond a day each scenario goes on with the following past day; yesterday's morrow comes from the day before."""
    frame = past(30)
    days = (frame.index - frame.index[0]).days
    # A mark that tells the days apart and leaves each the same mean, so that no surprise moves it.
    sign = np.where(frame.index.hour == 10, 1.0, np.where(frame.index.hour == 11, -1.0, 0.0))
    frame["consumption_w"] = 1000.0 + 10.0 * days * sign
    forecast = forecaster(frame).forecast(grid_from(MIDNIGHT, 48), as_of=MIDNIGHT)
    by_day = dict(zip(forecast.days_ago, loads(forecast), strict=True))
    for ago, first, second in ((5, 25, 26), (2, 28, 29), (1, 29, 29)):
        assert by_day[ago][10] == pytest.approx(1000.0 + 10.0 * first)
        assert by_day[ago][11] == pytest.approx(1000.0 - 10.0 * first)
        assert by_day[ago][34] == pytest.approx(1000.0 + 10.0 * second)


def test_nothing_later_than_as_of_counts() -> None:
    """Altering the future alters no forecast, at any instant within the interval."""
    frame = past(30, until=MIDNIGHT + 5 * DAY, noise=0.3)
    altered = frame.copy()
    now = MIDNIGHT + timedelta(hours=13, minutes=20)
    altered.loc[altered.index >= pd.Timestamp(now).floor("h")] = 9999.0
    grid = grid_from(now.replace(minute=0), 36)
    honest = forecaster(frame).forecast(grid, as_of=now)
    assert forecaster(altered).forecast(grid, as_of=now) == honest


@settings(max_examples=15, deadline=None)
@given(
    offsets=st.lists(st.integers(0, 60), min_size=2, max_size=5), holes=st.lists(st.integers(0, 29 * 24), max_size=80)
)
def test_what_was_read_before_does_not_matter(offsets: list[int], holes: list[int]) -> None:
    """Kept readings change nothing: asked in any order, with holes, each forecast is that of a fresh forecaster."""
    frame = past(30, until=MIDNIGHT + 3 * DAY, noise=0.3)
    frame.iloc[holes] = np.nan
    kept = forecaster(frame)
    for hours in offsets:
        start = MIDNIGHT + hours * HOUR
        grid = grid_from(start, 30)
        forecast = kept.forecast(grid, as_of=start)
        check_sound(forecast)
        assert forecast == forecaster(frame).forecast(grid, as_of=start)


def test_the_last_hour_moves_the_next_ones() -> None:
    """A house that just drew more is expected to draw more, fading; never below zero; the night stays dark."""
    noon = MIDNIGHT + 12 * HOUR
    frame = past(30, until=noon)
    usual = forecaster(frame, most_scenarios=60).forecast(grid_from(noon, 24), as_of=noon)
    busy, cloudy, idle = frame.copy(), frame.copy(), frame.copy()
    busy.iloc[-1, 0] += 2000.0
    cloudy.iloc[-1, 1] *= 0.3
    idle.iloc[-1, 0] = 0.0
    raised = loads(forecaster(busy, most_scenarios=60).forecast(grid_from(noon, 24), as_of=noon)) - loads(usual)
    # The busy hour is itself part of what yesterday foretells for tomorrow: the last interval.
    assert (np.diff(raised[:, :-1].mean(axis=0)) < 0).all()
    # The oldest day has nothing measured before it to compare.
    assert raised[:-1, 0].min() > 500.0
    # What is left after most of a day is its part in the mean of the day.
    assert raised[:, -2].max() < 2000.0 / 24
    shaded = forecaster(cloudy, most_scenarios=60).forecast(grid_from(noon, 24), as_of=noon)
    assert (suns(shaded)[:-1, 0] < 0.5 * suns(usual)[:-1, 0]).all()
    assert (suns(shaded)[suns(usual) == 0] == 0).all()
    check_sound(forecaster(idle).forecast(grid_from(noon, 24), as_of=noon))


def test_a_day_above_the_usual_moves_the_next_one() -> None:
    """Guests or a cold spell: a house that drew more for a day is expected to go on so, by a part that fades slowly."""
    frame = past(30)
    frame.iloc[-24:, 0] += 600.0
    raised = expected_load(forecaster(frame).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)) - expected_load(
        forecaster(past(30)).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    )
    assert 200 < raised[20] < raised[3] < 600


def test_days_that_went_like_the_last_one_weigh_more() -> None:
    """After a day with the house empty the days that followed other empty days count more."""
    thursday = MIDNIGHT + 3 * DAY
    frame = past(30, until=thursday)
    grid = grid_from(thursday, 24)
    usual = forecaster(frame, most_scenarios=60).forecast(grid, as_of=thursday)
    frame.loc[(thursday - DAY <= frame.index) & (frame.index < thursday), "consumption_w"] = 100.0
    frame.loc[(thursday - 8 * DAY <= frame.index) & (frame.index < thursday - 7 * DAY), "consumption_w"] = 100.0
    alike = forecaster(frame, most_scenarios=60).forecast(grid, as_of=thursday)
    weights = [one.scenarios[one.days_ago.index(7)].weight for one in (usual, alike)]
    assert weights[1] > 1.4 * weights[0]


def test_the_sun_of_past_weeks_is_brought_to_todays_height() -> None:
    """In spring a clear day of four weeks ago stands for a brighter one; without a place it is taken as it was."""
    frame = past(40)
    here, nowhere = (
        suns(forecaster(frame, site=site, most_scenarios=60).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT))
        for site in (SITE, Site(timezone=ZoneInfo(BERLIN)))
    )
    ratio = here[:, 11] / nowhere[:, 11]
    assert ratio[0] == pytest.approx(1.0, abs=0.01)
    assert 1.05 < ratio[27] < ratio[35] < 1.3


def test_the_latest_reading_stands_in_for_an_hour_not_measured() -> None:
    """After an outage the present measurement nudges; one from the future or long ago does not."""
    frame = past(30)
    frame.iloc[-2:] = np.nan
    grid = grid_from(MIDNIGHT, 24)
    seconds = (MIDNIGHT - measured().at).total_seconds()
    plain = forecaster(frame).forecast(grid, as_of=MIDNIGHT)
    nudged = forecaster(frame).forecast(grid, as_of=MIDNIGHT, latest=measured(seconds - 10, load=5000.0))
    stale = forecaster(frame).forecast(grid, as_of=MIDNIGHT, latest=measured(seconds - 7200, load=5000.0))
    coming = forecaster(frame).forecast(grid, as_of=MIDNIGHT, latest=measured(seconds + 60, load=5000.0))
    assert (loads(nudged)[:, 0] > loads(plain)[:, 0] + 1000).all()
    assert stale == plain
    assert coming == plain


def test_days_with_much_missing_are_left_out_and_little_is_filled() -> None:
    """Half a day without measurements is no day; two hours are filled from the other days."""
    frame = past(14)
    frame.iloc[-2 * 24 : -24 - 10] = np.nan
    frame.iloc[-3 * 24 + 5 : -3 * 24 + 7] = np.nan
    forecast = forecaster(frame).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    check_sound(forecast)
    assert 2 not in forecast.days_ago
    assert 3 in forecast.days_ago
    patched = loads(forecast)[forecast.days_ago.index(3)]
    assert 300 < patched[6] < 1400


def test_defaults_serve_from_the_first_minute() -> None:
    """Without any history there is a usual home, three skies, and the flag that says so."""
    empty = past(1).iloc[:0]
    history = FrameHistory(empty, HOUR)
    told = OwnHistoryForecaster(history=history, site=SITE, defaults=PLANT)
    forecast = told.forecast(grid_from(MIDNIGHT, 48, QUARTER), as_of=MIDNIGHT)
    check_sound(forecast)
    assert forecast.is_default
    assert forecast.days_ago == (None, None, None)
    assert "defaults" in forecast.origin
    noon, midnight = 11 * 4, 0
    assert suns(forecast)[:, midnight].max() == 0.0
    assert 4000 < suns(forecast)[:, noon].max() < 6000
    assert suns(forecast)[:, noon].min() < 0.3 * suns(forecast)[:, noon].max()


def test_without_a_place_no_sun_is_assumed() -> None:
    """Latitude, longitude or peak power missing: the default has no sun, and is flagged as a default."""
    nowhere = Site(timezone=ZoneInfo(BERLIN))
    empty = FrameHistory(past(1).iloc[:0], HOUR)
    for site, plant in ((nowhere, PLANT), (SITE, HomeDefaults())):
        forecast = OwnHistoryForecaster(history=empty, site=site, defaults=plant).forecast(
            grid_from(MIDNIGHT, 24), as_of=MIDNIGHT
        )
        assert suns(forecast).max() == 0.0
        assert forecast.is_default


def test_the_first_days_are_blended_with_defaults() -> None:
    """From one whole day on it is no default any more; the defaults' share shrinks to nothing within a week."""
    shares = []
    for days in (1, 3, 6, 8):
        forecast = forecaster(past(days), defaults=PLANT).forecast(grid_from(MIDNIGHT, 36), as_of=MIDNIGHT)
        check_sound(forecast)
        assert not forecast.is_default
        pairs = zip(forecast.days_ago, forecast.scenarios, strict=True)
        shares.append(sum(scenario.weight for day, scenario in pairs if day is None))
    assert shares == pytest.approx([6 / 7, 4 / 7, 1 / 7, 0.0])
    part = forecaster(past(1).iloc[3:]).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    assert part.is_default


def test_assumed_days_take_the_level_and_the_sun_of_the_home() -> None:
    """A home whose plant was never described still has sun in its first week: what its days have shown."""
    frame = past(2) * [3.0, 1.0]
    forecast = forecaster(frame).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    assumed = [number for number, day in enumerate(forecast.days_ago) if day is None]
    assert suns(forecast)[assumed, 12].max() > 2000
    assert loads(forecast)[assumed].mean() == pytest.approx(frame["consumption_w"].mean(), rel=0.25)


def test_production_that_is_not_measured_is_not_zero_where_it_can_be_assumed() -> None:
    """Load alone in the history: the sun comes from the defaults."""
    frame = past(20)
    frame["production_w"] = np.nan
    forecast = forecaster(frame, defaults=PLANT).forecast(grid_from(MIDNIGHT, 24), as_of=MIDNIGHT)
    check_sound(forecast)
    assert suns(forecast)[:, 11].min() > 1000


def test_default_load_has_the_years_consumption() -> None:
    """Over a whole year the default load adds up to what was configured."""
    grid = TimeGrid(start=datetime(2026, 1, 1, tzinfo=UTC), step=HOUR, count=8760)
    load = default_load_w(starts_s_of(grid), HOUR, SITE, HomeDefaults(annual_consumption_kwh=3000.0))
    assert load.sum() / 1000 == pytest.approx(3000.0, rel=0.01)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("us_home_16_summer.csv", "America/Los_Angeles"),
        ("us_home_16_dst.csv", "America/Los_Angeles"),
        ("fr_home_emhass.csv", "Europe/Paris"),
        ("fr_home_sceaux_15min.csv", "Europe/Paris"),
    ],
)
def test_forecasts_beat_persistence_on_real_homes(name: str, zone: str) -> None:
    """With one week known the scenarios tell the second week's load better than yesterday does."""
    recording = read_recording(DATA / name)
    history = FrameHistory(recording.frame, recording.step)
    skill = measure_skill(
        OwnHistoryForecaster(history=history, site=Site(timezone=ZoneInfo(zone))),
        history,
        timezone=ZoneInfo(zone),
        start=recording.start + 7 * DAY,
        end=recording.end,
        step=recording.step,
    )
    assert skill.forecasts > 20
    assert skill.load.scenario_skill > 0.1
    if recording.frame.get("production_w", pd.Series([0.0])).max() > 0:
        assert skill.pv.scenario_skill > 0.1
