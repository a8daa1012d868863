"""What every plan keeps to, and what it says where it cannot."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.errors import PlanningError
from optimizer.planning.checker import check_plan
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.lp_planner import LinearProgramPlanner, judge, promised_optimum, read_paths
from optimizer.planning.paths import expected_money
from optimizer.planning.port import Planner
from optimizer.planning.recursion import worths_of
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.scaled_problem import scale_problem
from support.planning_problems import BATTERY, START, hourly_problem, problems

PLANNER = LinearProgramPlanner(clock=SimulatedClock(START))
MODEST = settings(max_examples=80, deadline=None)


def plan_for(problem: PlanningProblem) -> Plan:
    return PLANNER.plan(problem, made_at=START)


def flag_kinds(plan: Plan) -> set[FlagKind]:
    return {flag.kind for flag in plan.flags}


@MODEST
@given(problems(most_scenarios=3, wild_prices=True))
def test_every_plan_passes_the_independent_checker(problem: PlanningProblem) -> None:
    """Whatever the prices, limits and start, there is a plan, and it balances, keeps its bounds and its money."""
    plan = plan_for(problem)
    assert check_plan(plan) == []
    assert len(plan.values) == len(plan.steps) == len(problem.grid)


@MODEST
@given(problems(wild_prices=True))
def test_the_solver_never_profits_from_doing_two_things_at_once(problem: PlanningProblem) -> None:
    """Even at negative and crossed prices the solver's claim equals the money of one power per interval."""
    scaled = scale_problem(problem)
    model = build_model(scaled, taste=False)
    claimed = solve(model.problem, time_limit_s=10.0).objective
    money = expected_money(scaled, read_paths(scaled, model))
    assert money.objective + money.penalties <= claimed + 1e-4 * max(1.0, abs(claimed))


@MODEST
@given(problems(wild_prices=True))
def test_a_plan_is_never_worse_than_resting(problem: PlanningProblem) -> None:
    """From inside its band, a battery without standing loss that rests costs at least what the plan costs."""
    battery = replace(problem.battery, standby_w=0.0)
    soc = min(max(problem.initial_soc, battery.min_soc), battery.max_soc)
    free = replace(problem, battery=battery, initial_soc=soc, connection=GridConnection())
    scenario, hours = free.scenarios[0], free.grid.step_h
    nets = [(load - pv) / 1000 for load, pv in zip(scenario.load_w, scenario.pv_w, strict=True)]
    prices = zip(nets, free.import_price_per_kwh, free.export_price_per_kwh, strict=True)
    resting = hours * sum(net * (buy if net > 0 else sell) for net, buy, sell in prices)
    left = free.terminal_value_per_kwh * battery.energy_wh(soc) / 1000
    assert plan_for(free).objective <= resting - left + 0.002


def test_binaries_appear_only_where_prices_ask_for_them() -> None:
    """An ordinary day has none; a price below the burning price brings one, wear takes it away again."""
    ordinary = hourly_problem(load_w=(500.0,) * 4)
    negative = hourly_problem(load_w=(500.0,) * 4, buy=(0.3, -0.01, 0.3, 0.3), sell=(0.0, -0.01, 0.0, 0.0))
    worn = replace(negative, battery=replace(BATTERY, wear_cost_per_kwh=0.01))
    crossed = hourly_problem(load_w=(500.0,) * 4, buy=0.10, sell=(0.0, 0.2, 0.0, 0.0))
    counts = [build_model(scale_problem(problem)).binaries for problem in (ordinary, negative, worn, crossed)]
    assert counts == [0, 1, 0, 1]


def test_cheap_hours_fill_the_battery_for_dear_ones() -> None:
    """Energy is bought at 10 ct and used at 40 ct."""
    plan = plan_for(hourly_problem(load_w=(500.0, 500.0, 3000.0, 3000.0), buy=(0.1, 0.1, 0.4, 0.4), initial_soc=0.0))
    assert plan.steps[1].soc_end > 0.6
    assert plan.steps[2].grid_power_w == pytest.approx(0.0, abs=1.0)


def test_without_grid_charging_only_surplus_is_stored() -> None:
    """The battery charges from the sun alone, however cheap the grid is."""
    connection = GridConnection(grid_charging=False)
    problem = hourly_problem(
        load_w=(500.0, 500.0, 3000.0),
        pv_w=(0.0, 2500.0, 0.0),
        buy=(0.01, 0.01, 0.4),
        connection=connection,
        initial_soc=0.0,
    )
    powers = [step.battery_power_w for step in plan_for(problem).steps]
    assert powers[0] == pytest.approx(0.0, abs=0.5)
    assert powers[1] == pytest.approx(2000.0, abs=0.5)


def test_without_battery_export_the_battery_feeds_the_house_alone() -> None:
    """A high feed-in price tempts in vain."""
    problem = hourly_problem(load_w=(300.0,) * 2, buy=0.5, sell=0.45, connection=GridConnection(battery_export=False))
    assert all(step.grid_power_w >= -0.5 for step in plan_for(problem).steps)
    allowed = replace(problem, connection=GridConnection())
    assert min(step.grid_power_w for step in plan_for(allowed).steps) < -1000.0


def test_pv_is_curtailed_at_the_feed_in_limit_where_it_can_be() -> None:
    """A full battery and a feed-in limit leave nothing but curtailing; where that is impossible it is flagged."""
    connection = GridConnection(max_export_w=2000.0, curtailable=True)
    problem = hourly_problem(load_w=(0.0,), pv_w=(5000.0,), connection=connection, initial_soc=1.0)
    plan = plan_for(problem)
    assert plan.steps[0].curtailed_w == pytest.approx(3000.0, abs=1.0)
    assert plan.flags == ()
    rigid = plan_for(replace(problem, connection=GridConnection(max_export_w=2000.0)))
    (flag,) = rigid.flags
    assert flag.kind is FlagKind.EXPORT_LIMIT_EXCEEDED
    assert flag.largest == pytest.approx(3000.0, abs=1.0)
    assert flag.first_step == 0


def test_a_load_beyond_the_import_limit_is_flagged_with_its_excess() -> None:
    """The battery takes what it can; the rest is reported, not refused."""
    connection = GridConnection(max_import_w=3000.0)
    problem = hourly_problem(load_w=(1000.0, 9000.0), connection=connection, initial_soc=0.0)
    plan = plan_for(problem)
    (flag,) = plan.flags
    assert flag.kind is FlagKind.IMPORT_LIMIT_EXCEEDED
    assert flag.first_step == 1
    # 2 kW stored for an hour come back as 2 kW * 0.95 * 0.95.
    assert flag.largest == pytest.approx(9000.0 - 3000.0 - 2000.0 * 0.95**2, abs=1.0)


@pytest.mark.parametrize(("soc", "outside"), [(0.05, FlagKind.SOC_BELOW_BAND), (0.95, FlagKind.SOC_ABOVE_BAND)])
def test_a_start_outside_the_band_is_led_back_at_once(soc: float, outside: FlagKind) -> None:
    """The plan starts where the battery is, says so, and returns to the band as fast as the battery can."""
    battery = replace(BATTERY, min_soc=0.6 if soc < 0.5 else 0.0, max_soc=1.0 if soc < 0.5 else 0.4)
    plan = plan_for(hourly_problem(load_w=(500.0,) * 4, battery=battery, initial_soc=soc))
    assert {FlagKind.START_SOC_OUTSIDE_BAND, outside} == flag_kinds(plan)
    assert abs(plan.steps[0].battery_power_w) == pytest.approx(4600.0, abs=1.0)
    assert battery.min_soc - 1e-6 <= plan.steps[-1].soc_end <= battery.max_soc + 1e-6


def test_standing_losses_never_make_a_problem_infeasible() -> None:
    """An empty battery that may not charge from the grid still feeds its own standing loss, and the plan says so."""
    battery = replace(BATTERY, standby_w=25.0)
    problem = hourly_problem(
        load_w=(500.0,) * 3, battery=battery, connection=GridConnection(grid_charging=False), initial_soc=0.0
    )
    plan = plan_for(problem)
    assert flag_kinds(plan) == {FlagKind.GRID_CHARGING_UNAVOIDABLE}
    assert plan.steps[0].battery_power_w == pytest.approx(25.0 / 0.95, abs=0.1)


def test_the_demand_charge_counts_only_above_the_peak_so_far() -> None:
    """Below the peak already paid for import is free to rise; above it the battery shaves."""
    load = (500.0, 4000.0, 500.0)
    free = hourly_problem(
        load_w=load, initial_soc=0.0, demand_charge=DemandCharge(price_per_kw=10.0, peak_so_far_w=5000.0)
    )
    priced = replace(free, demand_charge=DemandCharge(price_per_kw=10.0, peak_so_far_w=1000.0))
    assert plan_for(free).peak_import_w == pytest.approx(4000.0, abs=1.0)
    shaved = plan_for(priced)
    assert shaved.peak_import_w < 2500.0
    above_kw = (shaved.peak_import_w - 1000.0) / 1000
    left = priced.terminal_value_per_kwh * 10.0 * shaved.steps[-1].soc_end
    assert shaved.objective == pytest.approx(shaved.energy_cost + 10.0 * above_kw - left, abs=1e-4)


@pytest.mark.parametrize("planner", [PLANNER, RecursionPlanner(clock=SimulatedClock(START))])
def test_import_outside_the_demand_windows_costs_its_energy_alone(planner: Planner) -> None:
    """Before a window the battery charges at full power, above any peak so far; within the window it shaves."""
    charge = DemandCharge(price_per_kw=10.0, peak_so_far_w=1000.0, counts=(False, False, True, False))
    problem = hourly_problem(
        load_w=(500.0, 500.0, 5000.0, 6000.0),
        buy=(0.30, 0.10, 0.30, 0.30),
        initial_soc=0.0,
        terminal_value_per_kwh=0.0,
        demand_charge=charge,
    )
    plan = planner.plan(problem, made_at=START)
    assert plan.steps[1].battery_power_w == pytest.approx(4600.0, abs=1.0)
    assert plan.billing_peak_w < 1000.0 + 1.0
    assert plan.peak_import_w == pytest.approx(6000.0, abs=500.0)
    assert plan.objective == pytest.approx(plan.energy_cost, abs=1e-4)
    always = planner.plan(replace(problem, demand_charge=replace(charge, counts=None)), made_at=START)
    assert plan.objective < always.objective - 1.0


def test_a_demand_charge_that_never_counts_in_the_horizon_is_none() -> None:
    """A day outside all windows is planned as if no peak were billed, and proven so."""
    charge = DemandCharge(price_per_kw=10.0, counts=(False,) * 3)
    problem = hourly_problem(load_w=(500.0, 4000.0, 500.0))
    billed = RecursionPlanner(clock=SimulatedClock(START)).plan(replace(problem, demand_charge=charge), made_at=START)
    assert billed.status is PlanStatus.OPTIMAL
    assert billed.objective == pytest.approx(plan_for(problem).objective, abs=1e-4)
    assert billed.billing_peak_w == 0.0


def test_futures_share_the_first_interval_alone() -> None:
    """Two futures that differ from the second interval on have one first power, and then each its own way."""
    other = Scenario(weight=0.5, load_w=(500.0, 4000.0, 500.0), pv_w=(0.0, 0.0, 0.0))
    problem = hourly_problem(load_w=(500.0, 0.0, 500.0), buy=(0.2, 0.4, 0.3), initial_soc=0.1, others=(other,))
    scaled = scale_problem(problem)
    model = build_model(scaled)
    solve(model.problem, time_limit_s=10.0)
    first, second = read_paths(scaled, model)
    assert first.battery_kw[0] == second.battery_kw[0]
    assert first.battery_kw[1] != pytest.approx(second.battery_kw[1], abs=0.1)


def test_each_future_pays_its_own_prices() -> None:
    """A scenario that carries prices is billed with them."""
    problem = hourly_problem(load_w=(1000.0, 1000.0), initial_soc=0.0, terminal_value_per_kwh=0.0)
    dear = replace(problem.scenarios[0], import_price_per_kwh=(0.5, 0.5))
    assert plan_for(replace(problem, scenarios=(dear,))).energy_cost == pytest.approx(1.0, abs=1e-6)


def test_equal_prices_settle_early_rather_than_late() -> None:
    """At one price for all hours the battery covers the house at once: among equals, the calm plan."""
    plan = plan_for(hourly_problem(load_w=(1000.0,) * 8, initial_soc=0.4, terminal_value_per_kwh=0.0))
    powers = [step.battery_power_w for step in plan.steps]
    assert powers[:3] == pytest.approx([-1000.0] * 3, abs=1.0)
    assert powers[4:] == pytest.approx([0.0] * 4, abs=1.0)


@pytest.mark.parametrize("demand", [None, DemandCharge(price_per_kw=5.0, peak_so_far_w=9_000.0)])
@pytest.mark.parametrize("planner", [PLANNER, RecursionPlanner(clock=SimulatedClock(START))])
def test_on_a_flat_tariff_every_future_serves_its_house_as_it_comes(
    planner: Planner, demand: DemandCharge | None
) -> None:
    """Where all choices cost the same the mean of several futures is not ragged: each leaves the grid alone."""
    loads = [tuple(600.0 + 500.0 * math.sin(hour * pace) for hour in range(48)) for pace in (0.7, 1.1, 1.7, 2.3, 2.9)]
    suns = [
        tuple(max(0.0, peak * math.sin((hour - 6) / 12 * math.pi)) for hour in range(48))
        for peak in range(0, 5000, 1000)
    ]
    first, *others = [Scenario(weight=0.2, load_w=load, pv_w=sun) for load, sun in zip(loads, suns, strict=True)]
    problem = hourly_problem(
        load_w=first.load_w, pv_w=first.pv_w, others=tuple(others), initial_soc=0.6, demand_charge=demand
    )
    plan = planner.plan(problem, made_at=START)
    served = [self_consumption_w(problem, scenario) for scenario in problem.scenarios]
    for index, step in enumerate(plan.steps):
        mean = sum(powers[index] for powers in served) / len(served)
        assert step.battery_power_w == pytest.approx(mean, abs=1.0), index


def self_consumption_w(problem: PlanningProblem, scenario: Scenario) -> list[float]:
    """Return the battery powers of plain self-consumption along one future [W]."""
    battery, hours = problem.battery, problem.grid.step_h
    held_wh, powers = battery.energy_wh(problem.initial_soc), []
    for load, pv in zip(scenario.load_w, scenario.pv_w, strict=True):
        room_w = battery.ac_power_w((battery.usable_capacity_wh - held_wh) / hours)
        left_w = battery.ac_power_w(-held_wh / hours)
        power = max(min(pv - load, room_w, battery.max_charge_w), left_w, -battery.max_discharge_w)
        held_wh += hours * battery.stored_power_w(power)
        powers.append(power)
    return powers


def test_no_time_to_search_is_an_error_that_says_what_to_do() -> None:
    """Crossed prices in every interval and no time at all: no plan is better than one nobody proved."""
    problem = hourly_problem(load_w=(500.0,) * 24, buy=0.1, sell=0.3)
    hurried = LinearProgramPlanner(clock=SimulatedClock(START), time_limit_s=0.0)
    with pytest.raises(PlanningError, match="raise the time limit"):
        hurried.plan(problem, made_at=START)


def test_an_unproven_answer_is_called_feasible() -> None:
    """What the solver did not prove, or what costs more than it claims, is never called optimal."""
    scaled = scale_problem(hourly_problem(load_w=(500.0,) * 3))
    model = build_model(scaled)
    verdict = solve(model.problem, time_limit_s=10.0)
    paths, promised = read_paths(scaled, model), promised_optimum(scaled, worths_of(scaled))
    assert promised is not None
    assert judge(scaled, verdict, paths, promised=promised) is PlanStatus.OPTIMAL
    assert judge(scaled, replace(verdict, proven=False), paths, promised=promised) is PlanStatus.FEASIBLE
    claimed = replace(verdict, objective=verdict.objective - 0.1)
    assert judge(scaled, claimed, paths, promised=promised) is PlanStatus.FEASIBLE
    assert judge(scaled, verdict, paths, promised=promised - 0.1) is PlanStatus.FEASIBLE


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_a_bad_number_is_named_with_array_index_and_value(bad: float) -> None:
    """A NaN would pass the solver as an optimal wrong plan; it is refused before."""
    problem = hourly_problem(load_w=(500.0, bad, 500.0))
    with pytest.raises(PlanningError, match=r"scenarios\[0\]\.load_w\[1\] is (nan|inf|-1)"):
        plan_for(problem)


def test_all_faults_of_a_problem_are_told_at_once() -> None:
    """Shapes, weights, battery and start are each named."""
    problem = hourly_problem(load_w=(500.0, 500.0))
    broken = replace(
        problem,
        import_price_per_kwh=(0.3,),
        scenarios=(replace(problem.scenarios[0], weight=0.4),),
        battery=replace(BATTERY, charge_efficiency=1.2),
        initial_soc=1.5,
    )
    with pytest.raises(PlanningError) as caught:
        plan_for(broken)
    for name in (
        "import_price_per_kwh has 1 values",
        "add up to 0.4",
        "charge_efficiency is 1.2",
        "initial_soc is 1.5",
    ):
        assert name in str(caught.value)
