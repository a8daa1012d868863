"""The linear program and the recursion: two ways to the same optimum, each checking the other."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.first_interval import first_decision
from optimizer.planning.interval_cost import IntervalCost, battery_kw, stored_kwh
from optimizer.planning.kernel.choice import Kernel
from optimizer.planning.kernel.segments import segments_of
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.recursion import worths_of
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.rollout import WorthLookup, best_power, best_stored
from optimizer.planning.scaled_problem import scale_problem
from support.kernels import KERNELS
from support.planning_problems import START, hourly_problem, problems

MODEST = settings(max_examples=80, deadline=None)
BOTH = pytest.mark.parametrize("kernel", KERNELS)
LP = LinearProgramPlanner(clock=SimulatedClock(START))
RECURSION = RecursionPlanner(clock=SimulatedClock(START))


def lp_optimum(problem: PlanningProblem) -> float:
    return solve(build_model(scale_problem(problem), taste=False).problem, time_limit_s=10.0).objective


def tolerance(optimum: float) -> float:
    return 1e-6 * max(1.0, abs(optimum))


def optimum_of(problem: PlanningProblem, kernel: Kernel) -> float:
    """Return the recursion's optimum: the shared first decision weighed against the mean worth of all futures."""
    scaled = scale_problem(problem)
    worths = worths_of(scaled, keep=1, kernel=kernel)
    assert worths.first_relaxed is None
    return first_decision(scaled, worths, np.full(len(problem.scenarios), np.inf)).expected_cost


@BOTH
@MODEST
@given(problem=problems())
def test_one_future_has_the_same_optimum_both_ways(kernel: Kernel, problem: PlanningProblem) -> None:
    """For one future the recursion's worth at the start is the linear program's optimum, penalties included."""
    worths = worths_of(scale_problem(problem), kernel=kernel)
    optimum = lp_optimum(problem)
    assert worths.first_relaxed is None
    assert -worths.start_values[0] == pytest.approx(optimum, abs=tolerance(optimum))
    assert optimum_of(problem, kernel) == pytest.approx(optimum, abs=tolerance(optimum))


@BOTH
@MODEST
@given(problem=problems(most_scenarios=4))
def test_averaged_worths_give_the_two_stage_optimum(kernel: Kernel, problem: PlanningProblem) -> None:
    """One first decision weighed against the mean worth of all futures is the optimum of the two-stage program."""
    optimum = lp_optimum(problem)
    assert optimum_of(problem, kernel) == pytest.approx(optimum, abs=tolerance(optimum))


@BOTH
@MODEST
@given(problem=problems(most_scenarios=3, wild_prices=True))
def test_wild_prices_never_make_the_recursion_too_dear(kernel: Kernel, problem: PlanningProblem) -> None:
    """Where prices are negative or crossed the recursion's relaxation bounds the true optimum from below."""
    scaled = scale_problem(problem)
    bound = -float(np.dot(scaled.arrays.weights, worths_of(scaled, kernel=kernel).start_values))
    assert bound <= lp_optimum(problem) + 1e-4


@MODEST
@given(problems(most_scenarios=3))
def test_both_planners_hand_out_equally_good_plans(problem: PlanningProblem) -> None:
    """Both planners prove their plans optimal, and the plans cost the same."""
    by_program, by_recursion = LP.plan(problem, made_at=START), RECURSION.plan(problem, made_at=START)
    assert by_program.status is by_recursion.status is PlanStatus.OPTIMAL
    assert by_program.objective == pytest.approx(by_recursion.objective, abs=1e-4)


@MODEST
@given(problem=problems(), share=st.floats(0.0, 1.0))
def test_slopes_alone_find_the_best_power(problem: PlanningProblem, share: float) -> None:
    """Following worth and cost by their slopes, from any energy, is as good as trying every corner of both."""
    scaled = scale_problem(problem)
    worths, segments = worths_of(scaled), segments_of(scaled, np.array([math.inf]))
    held = scaled.lowest_kwh + share * (scaled.highest_kwh - scaled.lowest_kwh)
    for step in range(scaled.count):
        curve = worths.end_curve(0, step)
        cost, lookup = IntervalCost(scaled, scaled.scenarios[0], step, math.inf), WorthLookup.of(curve)

        def gain(stored: float, cost: IntervalCost = cost, lookup: WorthLookup = lookup) -> float:
            return lookup.value(held + stored - scaled.standby_kwh) - cost.cost(battery_kw(scaled, stored))

        tried = gain(stored_kwh(scaled, best_power([cost], [1.0], lookup, held)))
        falls = list(zip((-segments.slopes[0, step]).tolist(), segments.widths[0, step].tolist(), strict=True))
        begin = curve.lowest_kwh - held + scaled.standby_kwh
        for stored in best_stored(curve.segments, begin, falls, float(segments.least_kwh[0, step])):
            assert gain(stored) == pytest.approx(tried, abs=1e-7)


@MODEST
@given(problems(demand=True))
def test_the_search_for_the_billing_peak_finds_the_programs_optimum(problem: PlanningProblem) -> None:
    """With a demand charge the recursion's search over the peak costs what the linear program costs."""
    by_program, by_recursion = LP.plan(problem, made_at=START), RECURSION.plan(problem, made_at=START)
    assert by_recursion.objective == pytest.approx(by_program.objective, abs=1e-4)


def test_the_worth_is_the_slope_of_the_optimum() -> None:
    """A little more energy at the end of the first interval is worth what the plan says it is."""
    load, buy = (500.0, 1500.0, 2500.0, 800.0), (0.20, 0.25, 0.45, 0.30)
    plan = LP.plan(hourly_problem(load_w=load, buy=buy, initial_soc=0.3), made_at=START)
    after = plan.steps[0].soc_end

    def cost_from(soc: float) -> float:
        rest = hourly_problem(load_w=load[1:], buy=buy[1:], initial_soc=soc)
        return RECURSION.plan(rest, made_at=START + timedelta(hours=1)).objective

    slope = -(cost_from(after + 1e-4) - cost_from(after)) / 1e-3  # 1e-4 of 10 kWh is 1e-3 kWh
    assert slope == pytest.approx(plan.steps[0].energy_value_per_kwh, abs=1e-6)


def test_relaxed_values_are_flagged() -> None:
    """A negative price that rewards burning energy is named as the reason why the worth is a relaxation."""
    problem = hourly_problem(load_w=(500.0,) * 3, buy=(0.3, -0.2, 0.3), sell=(0.0, -0.2, 0.0))
    flags = {flag.kind: flag for flag in LP.plan(problem, made_at=START).flags}
    assert flags[FlagKind.VALUE_RELAXED].first_step == 1
