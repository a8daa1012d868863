"""How good a forecaster is, measured on what really came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.local_days import same_time_on, starts_s_of
from optimizer.forecasting.port import Forecast, Forecaster
from optimizer.forecasting.sun import Floats
from optimizer.history.port import HistoryReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorOf:
    """Errors of one quantity over all forecasts, intervals that were not measured left out."""

    mean_absolute_error_w: float
    """Of the expected path [W]."""
    persistence_error_w: float
    """Of assuming the same local time of the day before [W]."""
    ranked_probability_score_w: float
    """Continuous ranked probability score of the scenarios: the absolute error of a whole distribution [W]."""
    mean_w: float
    """Mean of what came [W]."""

    @property
    def skill(self) -> float:
        """By how much the error is below persistence: 1 is perfect, 0 no better [1]."""
        if self.persistence_error_w == 0:
            return 0.0
        return 1.0 - self.mean_absolute_error_w / self.persistence_error_w

    @property
    def scenario_skill(self) -> float:
        """The same for the scenarios: by how much their ranked probability score is below persistence [1]."""
        if self.persistence_error_w == 0:
            return 0.0
        return 1.0 - self.ranked_probability_score_w / self.persistence_error_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How good the forecasts of load and sun were."""

    forecasts: int
    load: ErrorOf
    pv: ErrorOf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One forecast against what came, each array of shape (n, 2) unless said [W]."""

    actual: Floats
    expected: Floats
    persistence: Floats
    score: Floats


def measure_skill(
    forecaster: Forecaster,
    history: HistoryReader,
    *,
    timezone: ZoneInfo,
    start: datetime,
    end: datetime,
    step: timedelta,
    horizon: timedelta = timedelta(days=1),
    every: timedelta = timedelta(hours=6),
) -> Skill:
    """Walk forward through a recording and score each forecast.

    Parameters
    ----------
    forecaster
        Asked with ``as_of`` the start of each grid.
    history
        What really came.
    timezone
        Zone of the home, for persistence.
    start, end
        First forecast and last instant scored.
    step, horizon, every
        Of the grids: interval, length, and distance between their starts.
    """
    cases = list(_cases(forecaster, history, timezone, _grids(start, end, step, horizon, every)))
    if not cases:
        msg = f"no forecast of {horizon} fits between {start} and {end}"
        raise ValueError(msg)
    load, pv = (_error_of(cases, column) for column in range(2))
    return Skill(forecasts=len(cases), load=load, pv=pv)


def _grids(start: datetime, end: datetime, step: timedelta, horizon: timedelta, every: timedelta) -> Iterator[TimeGrid]:
    while start + horizon <= end:
        yield TimeGrid(start=start, step=step, count=horizon // step)
        start += every


def _cases(
    forecaster: Forecaster, history: HistoryReader, timezone: ZoneInfo, grids: Iterable[TimeGrid]
) -> Iterator[_Case]:
    for grid in grids:
        forecast = forecaster.forecast(grid, as_of=grid.start)
        actual = history.means(grid.start, grid.end, grid.step).load_and_sun_w
        yield _Case(
            actual=actual,
            expected=_weighted(forecast),
            persistence=_day_before(history, grid, timezone),
            score=ranked_probability_score(forecast, actual),
        )


def _ensemble(forecast: Forecast) -> tuple[Floats, Floats]:
    weights = np.array([scenario.weight for scenario in forecast.scenarios])
    return weights, np.array([(scenario.load_w, scenario.pv_w) for scenario in forecast.scenarios]).swapaxes(1, 2)


def _weighted(forecast: Forecast) -> Floats:
    weights, members = _ensemble(forecast)
    expected: Floats = np.tensordot(weights, members, axes=1)
    return expected


def ranked_probability_score(forecast: Forecast, actual: Floats) -> Floats:
    """Return ``E|X - y| - E|X - X'| / 2`` over the scenarios (Gneiting & Raftery 2007, eq. 21), shape (n, 2) [W]."""
    weights, members = _ensemble(forecast)
    to_actual = np.tensordot(weights, np.abs(members - actual[None]), axes=1)
    among = np.abs(members[:, None] - members[None, :])
    score: Floats = to_actual - 0.5 * np.einsum("i,j,ijnk->nk", weights, weights, among)
    return score


def _day_before(history: HistoryReader, grid: TimeGrid, timezone: ZoneInfo) -> Floats:
    """Return what was measured at the same local time of the last day that was over when the grid began."""
    days = -(-(grid.end - grid.start) // timedelta(days=1))
    first = grid.start - (days + 1) * (timedelta(days=1) // grid.step) * grid.step
    past = history.means(first, grid.start, grid.step).load_and_sun_w
    places = same_time_on(
        starts_s_of(grid), range(1, days + 1), timezone=timezone, origin_s=first.timestamp(), step_s=grid.step_s
    )
    over = places < len(past)
    latest = np.take_along_axis(places, np.argmax(over, axis=0)[None, :], axis=0)[0]
    same_time: Floats = past[np.clip(latest, 0, len(past) - 1)]
    return same_time


def _error_of(cases: list[_Case], column: int) -> ErrorOf:
    actual, expected, persistence, score = (
        np.concatenate([getattr(case, name)[:, column] for case in cases])
        for name in ("actual", "expected", "persistence", "score")
    )
    known = ~np.isnan(actual) & ~np.isnan(persistence)
    if not known.any():
        return ErrorOf(
            mean_absolute_error_w=np.nan, persistence_error_w=np.nan, ranked_probability_score_w=np.nan, mean_w=np.nan
        )
    return ErrorOf(
        mean_absolute_error_w=float(np.abs(expected - actual)[known].mean()),
        persistence_error_w=float(np.abs(persistence - actual)[known].mean()),
        ranked_probability_score_w=float(score[known].mean()),
        mean_w=float(actual[known].mean()),
    )
