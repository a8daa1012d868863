"""From what is known now to a plan: prices, forecast, history and the strategy's own shape of the problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from optimizer.control.billing_peak import BillingPeak
from optimizer.control.doing_nothing import why_worse_than_nothing
from optimizer.control.plan_board import PlanBoard
from optimizer.control.price_outlook import PriceOutlook, SourcedTariff, price_flags
from optimizer.control.strategy import Strategy
from optimizer.control.terminal_value import terminal_value_per_kwh
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import FlagKind, Plan, PlanFlag
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.row import Row
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import Site
from optimizer.domain.switching import Switching
from optimizer.domain.time_grid import TimeGrid, floor_to_step
from optimizer.forecasting.port import Forecast, Forecaster
from optimizer.forecasting.prices import with_prices_of_past_days
from optimizer.planning.port import Planner


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What came of planning anew."""

    plan: Plan | None
    """The plan that was put up; None: the strategy needs none, or it was rejected."""
    rejected: str | None = None
    """Why a plan was not put up: it would have done worse than self-consumption."""


class PlanningDesk:
    """Poses the planning problem of the moment and has it solved.

    Parameters
    ----------
    battery, site
        What the battery can do, and where it stands.
    tariff, forecaster
        Prices, and load and sun to come; each asked as of now.
    strategy
        Shapes the problem.
    planner
        Solves it.
    step, horizon
        Length of an interval, and how far to plan.
    switching
        How the possible futures change into one another; None: each is known to its end.
    peak
        The billing peak of the running period, where peaks are billed.
    terminal_value
        Worth of one stored kWh at the end of the horizon; None: from prices and forecast [currency/kWh].
    board
        Where plans are put up; None: they are only returned.
    """

    def __init__(
        self,
        *,
        battery: Battery,
        site: Site,
        tariff: SourcedTariff,
        forecaster: Forecaster,
        strategy: Strategy,
        planner: Planner,
        step: timedelta = timedelta(minutes=15),
        horizon: timedelta = timedelta(hours=36),
        switching: Switching | None = None,
        peak: BillingPeak | None = None,
        terminal_value: float | None = None,
        board: PlanBoard | None = None,
    ) -> None:
        self._battery, self._site = battery, site
        self._prices, self._forecaster = PriceOutlook(tariff, site.timezone), forecaster
        self._strategy, self._planner = strategy, planner
        self._step, self._horizon, self._switching = step, horizon, switching
        self._peak = peak
        self._terminal_value = terminal_value
        self._board = board

    def problem(self, now: datetime, measurement: Measurement) -> PlanningProblem:
        """Return the home's own problem, before the strategy shapes it.

        Raises
        ------
        TariffError
            No price at all is known.
        """
        return self._pose(now, measurement)[0]

    def replan(self, now: datetime, measurement: Measurement) -> Replanned:
        """Make a plan and put it up, unless the strategy needs none or it would do worse than none.

        Raises
        ------
        SunshiftError
            Prices, forecast or planner failed; what was planned before stays up until it is too old.
        """
        home, flags = self._pose(now, measurement)
        problem = self._strategy.shape(home)
        if problem is None:
            return Replanned(plan=None)
        plan = self._planner.plan(problem, made_at=now)
        plan = replace(plan, flags=(*plan.flags, *flags))
        worse = why_worse_than_nothing(plan)
        if worse is not None:
            if self._board is not None:
                self._board.withdraw(worse)
            return Replanned(plan=None, rejected=worse)
        if self._board is not None:
            self._board.post(plan)
        return Replanned(plan=plan)

    def _pose(self, now: datetime, measurement: Measurement) -> tuple[PlanningProblem, tuple[PlanFlag, ...]]:
        grid = TimeGrid(start=floor_to_step(now, self._step), step=self._step, count=self._horizon // self._step)
        forecast = self._forecaster.forecast(grid, as_of=now, latest=measurement)
        prices = self._prices.over(grid, as_of=now, days_ago=forecast.days_ago)
        forecast = with_prices_of_past_days(forecast, prices)
        terminal = self._terminal_value
        if terminal is None:
            terminal = terminal_value_per_kwh(
                grid, self._battery, forecast.scenarios, prices.import_per_kwh, prices.export_per_kwh
            )
        problem = PlanningProblem(
            grid=grid,
            battery=self._battery,
            connection=self._site.connection,
            import_price_per_kwh=prices.import_per_kwh,
            export_price_per_kwh=prices.export_per_kwh,
            scenarios=tuple(_rest_of_first(one, grid, now) for one in forecast.scenarios),
            initial_soc=min(max(measurement.soc, 0.0), 1.0),
            terminal_value_per_kwh=terminal,
            demand_charge=None if self._peak is None else self._peak.over_horizon(now, grid),
            switching=self._switching,
        )
        return problem, (*price_flags(prices, grid), *_forecast_flags(forecast))


def _rest_of_first(scenario: Scenario, grid: TimeGrid, now: datetime) -> Scenario:
    """Count only the rest of the interval that is running: as a lower mean power over its whole length."""
    share = (grid.interval(0).end - now) / grid.step
    return replace(
        scenario,
        load_w=Row.of(scenario.load_w).beginning_with(scenario.load_w[0] * share),
        pv_w=Row.of(scenario.pv_w).beginning_with(scenario.pv_w[0] * share),
    )


def _forecast_flags(forecast: Forecast) -> tuple[PlanFlag, ...]:
    if not forecast.is_default:
        return ()
    return (PlanFlag(kind=FlagKind.FORECAST_DEFAULT, message=f"no history of this home yet: {forecast.origin}"),)
