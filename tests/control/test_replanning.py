"""From what is known now to a plan, with the real planner."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimizer.clock import SimulatedClock
from optimizer.control.billing_peak import BillingPeak
from optimizer.control.doing_nothing import self_consumption_objective, why_worse_than_nothing
from optimizer.control.import_meter import ImportMeter
from optimizer.control.plan_board import PlanBoard
from optimizer.control.registry import create_strategy
from optimizer.control.replanning import PlanningDesk, Replanned
from optimizer.control.terminal_value import terminal_value_per_kwh
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import FlagKind, Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.switching import Switching
from optimizer.domain.time_grid import Interval, TimeGrid, floor_to_step
from optimizer.errors import TariffError
from optimizer.forecasting.port import Forecast
from optimizer.history.mean_powers import COLUMNS, MeanPowers
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.tariffs.calendar import Calendar, CalendarRule
from optimizer.tariffs.demand import DemandTariff
from support.fake_device import FlatTariff
from support.situations import BATTERY, SITE, START, STEP, plan_of, situation_of, value_of

GRID = TimeGrid(start=START, step=STEP, count=144)


@dataclass
class SteadyForecaster:
    """The same load and sun for ever."""

    load_w: float = 600.0
    pv_w: float = 0.0
    is_default: bool = False

    def forecast(self, grid: TimeGrid, *, as_of: datetime, latest: Measurement | None = None) -> Forecast:
        scenario = Scenario(weight=1.0, load_w=(self.load_w,) * grid.count, pv_w=(self.pv_w,) * grid.count)
        return Forecast(grid=grid, scenarios=(scenario,), origin="a test", is_default=self.is_default)


@dataclass
class PeakHistory:
    """A past with one peak."""

    peaks: dict[datetime, float] = field(default_factory=dict)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        self.asked.append((start, end))
        starts = [start + number * step for number in range((end - start) // step)]
        values = np.full((len(starts), len(COLUMNS)), np.nan)
        values[:, COLUMNS.index("grid_power_w")] = [self.peaks.get(floor_to_step(at, STEP), np.nan) for at in starts]
        return MeanPowers(starts_s=np.array([at.timestamp() for at in starts]), step=step, values=values)


@dataclass
class Stubborn:
    """A planner whose plans cost a fortune."""

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        return replace(plan_of(value_of(0.2)), problem=problem, objective=1000.0)


def desk(**changes: object) -> PlanningDesk:
    parts: dict[str, object] = {
        "battery": BATTERY, "site": SITE, "tariff": FlatTariff(), "forecaster": SteadyForecaster(),
        "strategy": create_strategy("time_of_use", {}),
        "planner": LinearProgramPlanner(clock=SimulatedClock(START)),
    }  # fmt: skip
    return PlanningDesk(**(parts | changes))  # type: ignore[arg-type]


def test_a_plan_is_made_and_put_up() -> None:
    """Prices, forecast and strategy become a plan that covers the horizon and stands on the board."""
    board = PlanBoard()
    plan = desk(board=board).replan(START, situation_of().measurement).plan
    assert plan is not None
    assert board.current(START) is plan
    assert len(plan.grid) == 144
    assert plan.problem.initial_soc == 0.5


def test_the_running_interval_counts_with_its_rest() -> None:
    """Two thirds into an interval only a third of its load is still to come."""
    problem = desk().problem(START + timedelta(minutes=10), situation_of().measurement)
    assert problem.grid.start == START
    assert problem.scenarios[0].load_w[:2] == pytest.approx((200.0, 600.0))


def test_the_problem_carries_how_futures_change() -> None:
    """A dump of the plan replays with it; without it each future is known to its end."""
    switching = Switching(share=0.3, every=timedelta(hours=6))
    assert desk(switching=switching).problem(START, situation_of().measurement).switching == switching
    assert desk().problem(START, situation_of().measurement).switching is None


def test_unpublished_prices_are_expected_and_flagged() -> None:
    """Past the published hours the plan says that it assumes, and from when on."""
    plan = (
        desk(tariff=FlatTariff(known_until=START + timedelta(hours=7))).replan(START, situation_of().measurement).plan
    )
    assert plan is not None
    flag = next(one for one in plan.flags if one.kind is FlagKind.PRICES_ASSUMED)
    assert flag.first_step == 28
    assert "116 of 144" in flag.message


def test_a_default_forecast_is_flagged() -> None:
    """A plan on documented defaults says so."""
    plan = desk(forecaster=SteadyForecaster(is_default=True)).replan(START, situation_of().measurement).plan
    assert plan is not None
    assert FlagKind.FORECAST_DEFAULT in {flag.kind for flag in plan.flags}


def test_without_any_price_the_error_says_so() -> None:
    """Nothing is planned on prices that nobody knows."""
    with pytest.raises(TariffError, match="no price is known"):
        desk(tariff=FlatTariff(import_per_kwh=None)).replan(START, situation_of().measurement)


def test_a_strategy_without_a_plan_gets_none() -> None:
    """Plain self-consumption costs no solver."""
    done = desk(strategy=create_strategy("self_consumption", {})).replan(START, situation_of().measurement)
    assert done == Replanned(plan=None, rejected=None)


def test_a_plan_worse_than_nothing_is_taken_down() -> None:
    """What would cost more than self-consumption by its own expectation is never followed, and it is told why."""
    board = PlanBoard()
    board.post(plan_of(value_of(0.2)))
    done = desk(planner=Stubborn(), board=board).replan(START, situation_of().measurement)
    assert done.plan is None
    assert "is expected to cost 1000.00, plain self-consumption" in (done.rejected or "")
    assert board.current(START) is None
    assert board.why_none(START) == done.rejected


@pytest.mark.parametrize("strategy", ["time_of_use", "peak_shaving"])
@pytest.mark.parametrize("pv_w", [0.0, 500.0, 3000.0])
def test_real_plans_are_never_worse_than_nothing(strategy: str, pv_w: float) -> None:
    """The planner's objective and the walk of self-consumption count the same money."""
    made = desk(strategy=create_strategy(strategy, {}), forecaster=SteadyForecaster(pv_w=pv_w))
    plan = made.replan(START, situation_of().measurement).plan
    assert plan is not None
    nothing = self_consumption_objective(plan.problem)
    assert nothing is not None
    assert plan.objective <= nothing + 1e-6
    assert why_worse_than_nothing(plan) is None


def test_a_plan_of_futures_that_change_is_not_held_to_the_cent_against_futures_that_stay() -> None:
    """It reckons with mixtures of them: what that may cost by their spread speaks against no plan."""
    cloudy, sunny = (Scenario(weight=0.5, load_w=(600.0,) * 144, pv_w=(pv_w,) * 144) for pv_w in (0.0, 900.0))
    stay = replace(desk().problem(START, situation_of().measurement), scenarios=(cloudy, sunny), switching=None)
    change = replace(stay, switching=Switching(share=0.3, every=timedelta(hours=3)))
    nothing = self_consumption_objective(stay)
    assert nothing is not None
    dearer = replace(plan_of(value_of(0.2)), problem=stay, objective=nothing + 0.3)
    assert why_worse_than_nothing(dearer) is not None
    assert why_worse_than_nothing(replace(dearer, problem=change)) is None
    assert why_worse_than_nothing(replace(dearer, problem=change, objective=nothing + 5.0)) is not None


def test_leading_the_charge_back_into_its_band_may_cost_money() -> None:
    """Below the reserve a plan pays for recharging, which plain self-consumption does not: it stands all the same."""
    reserve = replace(BATTERY, min_soc=0.5)
    board = PlanBoard()
    low = replace(situation_of().measurement, soc=0.1)
    plan = desk(battery=reserve, board=board).replan(START, low).plan
    assert plan is not None
    assert board.current(START) is plan
    assert FlagKind.START_SOC_OUTSIDE_BAND in {flag.kind for flag in plan.flags}


def scenario_of(load_w: float, noon_pv_w: float) -> Scenario:
    pv_w = tuple(noon_pv_w if 9 <= one.start.hour < 15 else 0.0 for one in GRID)
    return Scenario(weight=1.0, load_w=(load_w,) * len(GRID), pv_w=pv_w)


def worth_at_the_end(scenario: Scenario) -> float:
    prices = (0.30,) * len(GRID)
    return terminal_value_per_kwh(GRID, BATTERY, (scenario,), prices, (0.08,) * len(GRID))


def test_energy_left_saves_import_in_winter_and_is_not_hoarded_in_summer() -> None:
    """A home without sun values what is left like import; one that fills its battery daily like feed-in."""
    winter, summer = worth_at_the_end(scenario_of(800.0, 0.0)), worth_at_the_end(scenario_of(300.0, 6000.0))
    assert winter == pytest.approx(0.98 * 0.95 * 0.30)
    assert summer == pytest.approx(0.08 / 0.95)
    assert summer < worth_at_the_end(scenario_of(600.0, 1800.0)) < winter


def test_surplus_is_stored_although_the_sun_fills_the_battery_daily() -> None:
    """What no future uses still stores for free, as it only pushes later sun into the grid: no dull day is foreseen."""
    summer = worth_at_the_end(scenario_of(300.0, 6000.0))
    assert BATTERY.charge_efficiency * summer >= 0.08


def test_a_dull_future_makes_energy_left_dearer() -> None:
    """The worth is the mean over the futures: one that lacks sun counts by its weight, however sunny the others are."""
    sunny, dull = scenario_of(300.0, 6000.0), scenario_of(300.0, 0.0)
    prices = (0.30,) * len(GRID)
    both = [replace(sunny, weight=0.9), replace(dull, weight=0.1)]
    worth = terminal_value_per_kwh(GRID, BATTERY, both, prices, (0.08,) * len(GRID))
    assert worth == pytest.approx(0.9 * worth_at_the_end(sunny) + 0.1 * worth_at_the_end(dull))


def test_energy_left_is_worth_nothing_to_a_home_that_needs_none() -> None:
    """Where the sun always covers the house nothing stored is ever used."""
    assert worth_at_the_end(Scenario(weight=1.0, load_w=(0.0,) * 144, pv_w=(100.0,) * 144)) == 0.0


def test_equal_prices_are_not_waited_for() -> None:
    """On a flat tariff the value at the end never keeps the battery from covering the house."""
    plan = desk().replan(START, situation_of().measurement).plan
    assert plan is not None
    assert create_strategy("time_of_use", {}).decide(situation_of(plan=plan)).battery_power_w == pytest.approx(-500.0)


def test_billing_peak_is_read_once_and_then_kept_up() -> None:
    """The first question reads the billing period week by week, the next ones what is new."""
    tariff = DemandTariff(price_per_kw=100.0, period="month", timezone=ZoneInfo("Europe/Berlin"))
    history = PeakHistory(peaks={datetime(2026, 1, 5, 12, tzinfo=UTC): 7000.0})
    peak = BillingPeak(tariff, history)
    charge = peak.charge(START)
    assert charge is not None
    assert (charge.price_per_kw, charge.peak_so_far_w) == (100.0, 7000.0)
    asked = len(history.asked)
    history.peaks[START] = 9000.0
    later = peak.charge(START + STEP)
    assert later is not None
    assert later.peak_so_far_w == 9000.0
    assert history.asked[asked:] == [(START, START + STEP)]
    february = peak.charge(datetime(2026, 2, 1, 0, 30, tzinfo=UTC))
    assert february is not None
    assert february.peak_so_far_w == 0.0


def test_demand_windows_reach_the_plan() -> None:
    """A tariff that bills the peak of some hours lets the plan import freely in all others, and the plan says which."""
    evening = CalendarRule(value=1.0, start=time(17), end=time(20))
    tariff = DemandTariff(
        price_per_kw=100.0,
        period="month",
        timezone=ZoneInfo("UTC"),
        windows=Calendar([evening], default=0.0, timezone=ZoneInfo("UTC")),
    )
    problem = desk(peak=BillingPeak(tariff, PeakHistory())).problem(START, situation_of().measurement)
    assert problem.demand_charge is not None
    assert problem.demand_charge.counts == tuple(17 <= one.start.hour < 20 for one in GRID)
    nothing = self_consumption_objective(replace(problem, initial_soc=0.0))
    never = replace(problem, initial_soc=0.0, demand_charge=replace(problem.demand_charge, counts=(False,) * 144))
    without = self_consumption_objective(never)
    assert nothing is not None
    assert without is not None
    assert nothing - without == pytest.approx(100.0 * 0.6)


def test_the_import_meter_counts_import_alone() -> None:
    """Export does not give back what a quarter-hour meter has counted; a new interval begins at zero."""
    meter, interval = ImportMeter(), Interval(start=START, end=START + STEP)

    def count(second: int, grid_w: float, interval: Interval = interval) -> float:
        base = situation_of().measurement
        at = START + timedelta(seconds=second)
        return meter.mean_import_w(
            replace(base, at=at, elapsed_s=float(second), reported_grid_power_w=grid_w), interval
        )

    assert count(0, 4000.0) == 0.0
    assert count(30, -3000.0) == pytest.approx(4000.0)
    assert count(60, 1000.0) == pytest.approx(2000.0)
    following = Interval(start=START + STEP, end=START + 2 * STEP)
    assert count(900, 500.0, following) == 0.0
    assert count(910, 500.0, following) == pytest.approx(500.0)


def test_the_board_knows_why_there_is_no_plan() -> None:
    """No plan, an old one and one that has run out each have their words."""
    board = PlanBoard(max_age=timedelta(hours=1))
    assert board.why_none(START) == "no plan has been made yet"
    board.post(plan_of(value_of(0.2), count=2))
    assert board.why_none(START) is None
    assert "does not cover" in (board.why_none(START + timedelta(minutes=45)) or "")
    assert "too old" in (board.why_none(START + timedelta(hours=2)) or "")
    assert "too old" in (board.why_none(START - timedelta(hours=2)) or "")
