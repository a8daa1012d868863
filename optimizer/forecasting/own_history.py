"""Load and sun as this home's own last weeks: each past day is one future.

A past day is taken whole, load and sun together, so that what belongs together stays together; weighted by how recent
it is, how alike the weekday and how alike the last day's course; its sun brought to today's height of the sun; moved by
the surprises of the last day and the last hour. Averaging over such futures, not over their powers, is what makes a
plan as unsure of tomorrow's sun as it should be. What each part earns: ``docs/decisions/0006-futures.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from optimizer.domain.measurement import Measurement
from optimizer.domain.row import Row
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import Site
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.defaults import DefaultFutures, HomeDefaults, default_futures
from optimizer.forecasting.futures import DAYS_WITHOUT_DEFAULTS, Futures, blended, filled, mean_known
from optimizer.forecasting.kept_past import Past
from optimizer.forecasting.likeness import course_likeness
from optimizer.forecasting.local_days import Positions, day_likeness, same_time_on, starts_s_of
from optimizer.forecasting.nudge import nudged_load, nudged_sun
from optimizer.forecasting.past_means import PastMeans
from optimizer.forecasting.port import Forecast
from optimizer.forecasting.sky import Sky, sky_over
from optimizer.forecasting.sun import Floats
from optimizer.forecasting.told_sun import SunForecast
from optimizer.history.port import HistoryReader

DAYS_BACK = 56
MOST_SCENARIOS = 28
HALF_LIFE_DAYS = 15.0
SAME_WEEKDAY = 1.5
OTHER_KIND_OF_DAY = 0.5
MOST_MISSING = 0.1
"""Share of a past day that may be filled from the other days; with more missing it is not used."""
_HOUR = timedelta(hours=1)
_LOOKED_BACK = timedelta(hours=24)
"""The last hours that are held against the same hours of each past day."""
_DAY_S = 86400.0


class OwnHistoryForecaster:
    """A :class:`Forecaster` that knows this home's past and, where there is one, a forecast of the sun.

    Parameters
    ----------
    history
        Asked for nothing later than ``as_of``.
    site
        Zone and place of the home.
    defaults
        What is assumed until there is history.
    days_back
        How many past days are looked at.
    most_scenarios
        How many futures are told at most: those of the greatest weight.
    sun_forecast
        Production told from outside, corrected by what this home measured on the days it was told of; None: none.
    """

    def __init__(
        self,
        *,
        history: HistoryReader,
        site: Site,
        defaults: HomeDefaults | None = None,
        days_back: int = DAYS_BACK,
        most_scenarios: int = MOST_SCENARIOS,
        sun_forecast: SunForecast | None = None,
    ) -> None:
        self._past_means = PastMeans(history)
        self._site = site
        self._defaults = HomeDefaults() if defaults is None else defaults
        self._days_back = days_back
        self._most = most_scenarios
        self._sun_forecast = sun_forecast

    def forecast(self, grid: TimeGrid, *, as_of: datetime, latest: Measurement | None = None) -> Forecast:
        """Return scenarios over ``grid`` as they can be told at ``as_of``.

        Until one whole day was measured these are the documented defaults, and the forecast says so; up to a week the
        defaults remain with a share that shrinks.

        Parameters
        ----------
        grid
            What to look ahead over, up to several days.
        as_of
            Nothing later is looked at.
        latest
            The present measurement: the last hour's place holder where that was not measured.
        """
        past = self._past(grid, as_of)
        # Worked out only where the home's own past leaves something open.
        assumed = cache(lambda: self._defaults_over(grid, past))
        sky = sky_over(past, grid, as_of=as_of, site=self._site, sun_forecast=self._sun_forecast)
        days = self._past_days(grid, sky, assumed)
        futures = blended(assumed, days, most=self._most)
        now_w = _last_hours(past, _fresh(latest, as_of))
        scenarios = _scenarios(
            futures,
            now_w,
            _hours_ahead(grid, past),
            hour=_steps_of_an_hour(past),
            strongest_w=_strongest_sun(past),
        )
        used = sum(day is not None for day in futures.days_ago)
        return Forecast(
            grid=grid,
            scenarios=scenarios,
            origin=_origin(used),
            is_default=days is None,
            days_ago=futures.days_ago,
        )

    def _past(self, grid: TimeGrid, as_of: datetime) -> Past:
        end = grid.start + (as_of - grid.start) // grid.step * grid.step
        ahead_days = math.ceil(max(0.0, (grid.end - end) / timedelta(days=1)))
        count = math.ceil(timedelta(days=self._days_back + ahead_days + 1) / grid.step)
        return self._past_means.between(end - count * grid.step, end, grid.step)

    def _defaults_over(self, grid: TimeGrid, past: Past) -> Futures:
        ahead = default_futures(starts_s_of(grid), grid.step, self._site, self._defaults)
        before = default_futures(_last_starts_s(past), grid.step, self._site, self._defaults)
        return Futures(
            days_ago=(None,) * len(ahead.weights),
            weights=ahead.weights,
            powers_w=_stacked(ahead),
            before_w=_stacked(before),
        )

    def _past_days(self, grid: TimeGrid, sky: Sky, assumed: Callable[[], Futures]) -> Futures | None:
        """Return the past days that are whole enough, or None where there is none."""
        past = sky.past
        ahead_days = math.ceil(max(0.0, (grid.end.timestamp() - past.end_s) / _DAY_S))
        reach = range(1, self._days_back + ahead_days + 1)
        starts_s = starts_s_of(grid)
        places = self._places(starts_s, past, reach)
        powers = _laid_over(starts_s, places, sky)
        whole = np.isnan(powers[:, :, 0]).mean(axis=1) <= MOST_MISSING
        if not whole.any():
            return None
        before_s = _last_starts_s(past)
        before = _laid_over(before_s, self._places(before_s, past, reach), sky)
        likeness = day_likeness(
            starts_s, reach, timezone=self._site.timezone, same_weekday=SAME_WEEKDAY, other_kind=OTHER_KIND_OF_DAY
        )
        course = course_likeness(before[:, :, 0], _last_hours(past, None)[:, 0], steps_per_hour=_steps_of_an_hour(past))
        weights = 0.5 ** (np.array(reach) / HALF_LIFE_DAYS) * likeness.mean(axis=1) * course
        chosen = np.flatnonzero(whole)[: self._days_back]
        share = weights[chosen] / weights[chosen].sum()
        return Futures(
            days_ago=tuple(reach[place] for place in chosen),
            weights=weights[chosen],
            powers_w=filled(powers[chosen], share, lambda: assumed().expected_w),
            before_w=before[chosen],
        )

    def _places(self, starts_s: Floats, past: Past, reach: range) -> Positions:
        """Return where the same local time of each past day lies in the past, shape (d, n).

        Where a past day's own morrow is not over yet, the latest day that has got so far goes on in its place.
        """
        places = same_time_on(starts_s, reach, timezone=self._site.timezone, origin_s=past.start_s, step_s=past.step_s)
        over = places < len(past.values)
        if over.all():
            return places
        latest = np.argmax(over, axis=0)
        return np.where(over, places, np.take_along_axis(places, latest[None, :], axis=0))


def _laid_over(starts_s: Floats, places: Positions, sky: Sky) -> Floats:
    """Return what was measured at those places, the sun as under today's sky; NaN: not measured, shape (d, n, 2)."""
    measured = _measured_at(places, sky.past)
    measured[:, :, 1] = sky.over(measured[:, :, 1], starts_s, places)
    return measured


def _measured_at(places: Positions, past: Past) -> Floats:
    known = (places >= 0) & (places < len(past.values))
    if known.all():
        return past.values.take(places, axis=0)
    values = past.values.take(np.where(known, places, 0), axis=0) if len(past.values) else np.empty((*places.shape, 2))
    values[~known] = np.nan
    return values


def _stacked(futures: DefaultFutures) -> Floats:
    return np.stack([futures.load_w, futures.pv_w], axis=-1)


def _steps_of_an_hour(past: Past) -> int:
    return max(1, round(_HOUR.total_seconds() / past.step_s))


def _last_starts_s(past: Past) -> Floats:
    starts: Floats = past.end_s - past.step_s * np.arange(round(_LOOKED_BACK.total_seconds() / past.step_s), 0, -1.0)
    return starts


def _fresh(latest: Measurement | None, as_of: datetime) -> Measurement | None:
    return latest if latest is not None and as_of - _HOUR <= latest.at <= as_of else None


def _last_hours(past: Past, latest: Measurement | None) -> Floats:
    """Return load and sun of the last hours, NaN where not known, shape (m, 2) [W]."""
    hours = past.values[-round(_LOOKED_BACK.total_seconds() / past.step_s) :].copy()
    if latest is not None:
        last = hours[-_steps_of_an_hour(past) :]
        unknown = np.isnan(last).all(axis=0)
        last[:, unknown] = np.array([latest.consumption_w, latest.production_w])[unknown]
    return hours


def _hours_ahead(grid: TimeGrid, past: Past) -> Floats:
    middle_s = grid.start.timestamp() + (np.arange(grid.count, dtype=np.float64) + 0.5) * grid.step_s
    ahead: Floats = np.maximum((middle_s - past.end_s) / 3600.0, 0.0)
    return ahead


def _strongest_sun(past: Past) -> float:
    sun = past.values[:, 1]
    known = sun[~np.isnan(sun)]
    return float(known.max(initial=0.0))


def _scenarios(
    futures: Futures, now_w: Floats, hours_ahead: Floats, *, hour: int, strongest_w: float
) -> tuple[Scenario, ...]:
    load = nudged_load(
        futures.powers_w[:, :, 0],
        before_w=futures.before_w[:, :, 0],
        now_w=now_w[:, 0],
        hour=hour,
        hours_ahead=hours_ahead,
    )
    sun = nudged_sun(
        futures.powers_w[:, :, 1],
        then_w=mean_known(futures.before_w[:, -hour:, 1]),
        now_w=float(mean_known(now_w[None, -hour:, 1])[0]),
        hours_ahead=hours_ahead,
        strongest_w=strongest_w,
    )
    weights = futures.weights / futures.weights.sum()
    return tuple(
        Scenario(weight=float(weight), load_w=Row.from_bytes(loads.tobytes()), pv_w=Row.from_bytes(suns.tobytes()))
        for weight, loads, suns in zip(weights, load, sun, strict=True)
    )


def _origin(days: int) -> str:
    if days == 0:
        return "defaults of a usual home: no whole day measured yet"
    counted = f"{days} day{'s' if days != 1 else ''} of this home"
    return counted if days >= DAYS_WITHOUT_DEFAULTS else f"{counted}, and defaults of a usual home"
