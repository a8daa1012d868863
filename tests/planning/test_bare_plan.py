"""A plan made for control alone: the same worths and steps as an audited one, worked out when asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.row import Row
from optimizer.errors import PlanningError
from optimizer.planning.checker import check_plan
from optimizer.planning.recursion_planner import RecursionPlanner
from support.planning_problems import BATTERY, START, hourly_problem, problems

AUDITED = RecursionPlanner(clock=SimulatedClock(START))
BARE = RecursionPlanner(clock=SimulatedClock(START), audited=False)


@settings(max_examples=60, deadline=None)
@given(problem=problems(most_scenarios=4))
def test_worths_and_steps_are_those_of_an_audited_plan(problem: PlanningProblem) -> None:
    """Only the moment at which they are worked out differs."""
    bare, audited = BARE.plan(problem, made_at=START), AUDITED.plan(problem, made_at=START)
    assert bare.status is audited.status is PlanStatus.OPTIMAL
    assert bare.values == audited.values
    assert bare.steps[0].battery_power_w == pytest.approx(audited.steps[0].battery_power_w, abs=1e-6)
    assert bare.steps == audited.steps
    assert bare.energy_cost is None


@settings(max_examples=60, deadline=None)
@given(problem=problems(most_scenarios=3, demand=True))
def test_its_objective_is_what_the_audited_plan_costs(problem: PlanningProblem) -> None:
    """Where no rule is broken, the promise of the worths is the money of the paths, the demand charge included."""
    bare, audited = BARE.plan(problem, made_at=START), AUDITED.plan(problem, made_at=START)
    if not audited.flags and (len(problem.scenarios) == 1 or problem.demand_charge is None):
        assert bare.objective == pytest.approx(audited.objective, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(problem=problems(most_scenarios=3))
def test_futures_that_come_as_rows_are_planned_like_tuples(problem: PlanningProblem) -> None:
    """Taken over in one piece or number by number, the plan is the same."""
    rows = [replace(one, load_w=Row(one.load_w), pv_w=Row(one.pv_w)) for one in problem.scenarios]
    by_row = BARE.plan(replace(problem, scenarios=tuple(rows)), made_at=START)
    by_tuple = BARE.plan(problem, made_at=START)
    assert (by_row.objective, by_row.values) == (by_tuple.objective, by_tuple.values)


def test_the_first_step_is_known_without_the_others() -> None:
    """What the control records of the interval it is in costs no walk through every future."""
    plan = BARE.plan(hourly_problem(load_w=(500.0, 900.0, 400.0)), made_at=START)
    first = plan.steps[0]
    assert "1 of them" in repr(plan.steps)
    assert first == AUDITED.plan(plan.problem, made_at=START).steps[0]


def test_intervals_beyond_those_kept_are_worked_out_too() -> None:
    """The recursion runs once more for a worth that was not kept."""
    load = tuple(300.0 + 100.0 * (hour % 5) for hour in range(24))
    other = hourly_problem(load_w=tuple(reversed(load))).scenarios[0]
    problem = hourly_problem(load_w=load, others=(other,))
    bare, audited = BARE.plan(problem, made_at=START), AUDITED.plan(problem, made_at=START)
    assert bare.values[20] == audited.values[20]
    assert bare.steps[-1] == audited.steps[-1]


def test_it_says_where_it_starts_outside_the_band() -> None:
    """What is known without a path is flagged at once."""
    battery = replace(BATTERY, min_soc=0.2)
    plan = BARE.plan(hourly_problem(load_w=(500.0,) * 3, initial_soc=0.0, battery=battery), made_at=START)
    assert {flag.kind for flag in plan.flags} == {FlagKind.START_SOC_OUTSIDE_BAND}


def test_the_checker_does_not_take_it_for_an_audited_one() -> None:
    """Its cost of energy was never worked out, so nothing can be held to it."""
    assert check_plan(BARE.plan(hourly_problem(load_w=(500.0,)), made_at=START)) == [
        "a figure of the plan is not finite"
    ]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"load_w": (500.0, math.nan)}, r"scenarios\[0\]\.load_w\[1\] is nan"),
        ({"load_w": (500.0, math.inf)}, r"scenarios\[0\]\.load_w\[1\] is inf"),
        ({"pv_w": (0.0, -1.0)}, r"scenarios\[0\]\.pv_w\[1\] is -1"),
        ({"pv_w": (0.0,)}, r"scenarios\[0\]\.pv_w has 1 values"),
        ({"load_w": (500.0,), "pv_w": (0.0,)}, r"scenarios\[0\]\.load_w has 1 values"),
        ({"load_w": Row((500.0,)), "pv_w": Row((0.0,))}, r"scenarios\[0\]\.load_w has 1 values"),
        ({"load_w": Row((500.0, math.nan))}, r"scenarios\[0\]\.load_w\[1\] is nan"),
        ({"load_w": Row()}, r"scenarios\[0\]\.load_w has 0 values"),
        ({"load_w": ("500", 400.0)}, r"scenarios\[0\]\.load_w\[0\] is '500'"),
        ({"import_price_per_kwh": (0.3, -math.inf)}, r"scenarios\[0\]\.import_price_per_kwh\[1\] is -inf"),
        ({"weight": 0.5}, "add up to 0.5"),
    ],
)
def test_a_malformed_future_is_named_though_all_numbers_are_looked_at_at_once(spoil: dict[str, Any], told: str) -> None:
    """The quick look only says that something is wrong; what and where is found out one by one."""
    problem = hourly_problem(load_w=(500.0, 400.0))
    spoilt = replace(problem, scenarios=(replace(problem.scenarios[0], **spoil),))
    with pytest.raises(PlanningError, match=told):
        BARE.plan(spoilt, made_at=START)


def test_no_future_at_all_is_named() -> None:
    """A problem without a scenario is refused with what it needs."""
    with pytest.raises(PlanningError, match="scenarios is empty"):
        BARE.plan(replace(hourly_problem(load_w=(500.0,)), scenarios=()), made_at=START)
