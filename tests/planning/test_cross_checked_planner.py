"""The recursion plans where it is exact, the linear program elsewhere, and from the day the two disagree."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from hypothesis import given, settings

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.errors import PlanningError
from optimizer.planning.cross_checked_planner import EVERY, CrossCheckedPlanner
from optimizer.planning.optima import Optima, both_optima
from support.planning_problems import START, hourly_problem, problems

PROBLEM = hourly_problem(load_w=(500.0, 900.0, 300.0), buy=(0.2, 0.4, 0.3))


class Judge:
    """Answers a check as it is told, and counts how often it is asked."""

    def __init__(self, answer: Optima | Exception | None) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self, problem: PlanningProblem, time_limit_s: float) -> Optima | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


AGREED = Optima(by_program=1.0, by_recursion=1.0, by_plain_recursion=1.0)
APART = Optima(by_program=1.0, by_recursion=0.9, by_plain_recursion=1.0)


def planner(judge: Judge, clock: SimulatedClock | None = None) -> CrossCheckedPlanner:
    return CrossCheckedPlanner(clock=clock or SimulatedClock(START), optima=judge)


def kinds(plan: Plan) -> set[FlagKind]:
    return {flag.kind for flag in plan.flags}


def test_the_recursion_plans_and_is_checked_once_an_hour() -> None:
    """The first plan is checked, and then one in every hour."""
    clock, judge = SimulatedClock(START), Judge(AGREED)
    checked = planner(judge, clock)
    for _ in range(5):
        assert checked.plan(PROBLEM, made_at=START).method == "recursion"
        clock.advance(EVERY.total_seconds() / 4)
    assert judge.asked == 2


@pytest.mark.parametrize(
    "apart",
    [APART, replace(APART, by_recursion=float("nan")), replace(AGREED, by_plain_recursion=1.1)],
    ids=["program and recursion", "not a number", "plain and compiled"],
)
def test_a_disagreement_is_told_flagged_and_settled_for_the_program(
    apart: Optima, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning with both figures; this plan and all later ones are the program's and say why."""
    judge = Judge(apart)
    checked = planner(judge)
    with caplog.at_level(logging.WARNING):
        plans = [checked.plan(PROBLEM, made_at=START) for _ in range(3)]
    assert {plan.method for plan in plans} == {"lp"}
    assert all(FlagKind.METHODS_DISAGREE in kinds(plan) for plan in plans)
    assert caplog.text.count("two methods disagree on the cheapest plan") == 1
    assert judge.asked == 1


@pytest.mark.parametrize("answer", [None, PlanningError("the solver has no plan"), RuntimeError("bad basis")])
def test_a_check_that_cannot_be_made_says_nothing_against_the_plan(answer: Exception | None) -> None:
    """A solver that fails is no disagreement; the next check comes when it is due."""
    plan = planner(Judge(answer)).plan(PROBLEM, made_at=START)
    assert plan.method == "recursion"
    assert FlagKind.METHODS_DISAGREE not in kinds(plan)


def test_the_program_plans_where_the_recursion_is_not_exact() -> None:
    """A negative price that rewards burning energy, or billing peaks over several futures, are the program's."""
    judge = Judge(AGREED)
    burning = replace(PROBLEM, import_price_per_kwh=(0.2, -0.4, 0.3), export_price_per_kwh=(0.0, -0.4, 0.0))
    crossed = replace(PROBLEM, export_price_per_kwh=(0.25, 0.0, 0.0), demand_charge=DemandCharge(price_per_kw=10.0))
    peaks = replace(PROBLEM, demand_charge=DemandCharge(price_per_kw=10.0))
    two = hourly_problem(load_w=(500.0, 900.0, 300.0), others=(hourly_problem(load_w=(400.0,) * 3).scenarios[0],))
    assert planner(judge).plan(burning, made_at=START).method == "lp"
    assert planner(judge).plan(crossed, made_at=START).method == "lp"
    assert planner(judge).plan(peaks, made_at=START).method == "recursion"
    assert planner(judge).plan(replace(two, demand_charge=peaks.demand_charge), made_at=START).method == "lp"


def test_a_malformed_problem_is_refused_and_no_disagreement() -> None:
    """The error names what is wrong, and the recursion stays trusted."""
    checked = planner(Judge(AGREED))
    with pytest.raises(PlanningError, match="initial_soc is 2"):
        checked.plan(replace(PROBLEM, initial_soc=2.0), made_at=START)
    assert checked.plan(PROBLEM, made_at=START).method == "recursion"


@settings(max_examples=60, deadline=None)
@given(problem=problems(most_scenarios=3, demand=True, wild_prices=True))
def test_real_optima_never_raise_a_false_alarm(problem: PlanningProblem) -> None:
    """Whatever the problem, either there is nothing to compare or the methods agree."""
    found = both_optima(problem, 10.0)
    assert found is None or found.differ_by <= 1e-6 * found.scale


def test_a_check_of_a_long_horizon_takes_the_weightiest_futures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time and memory of the program stay bounded, whatever horizon and number of futures are configured."""
    likely, less, least = (
        replace(hourly_problem(load_w=(load,) * 3).scenarios[0], weight=weight)
        for load, weight in ((500.0, 0.6), (900.0, 0.3), (1500.0, 0.1))
    )
    problem = replace(PROBLEM, scenarios=(least, less, likely))
    kept = replace(PROBLEM, scenarios=(replace(likely, weight=2 / 3), replace(less, weight=1 / 3)))
    alone = replace(PROBLEM, scenarios=(replace(likely, weight=1.0),))
    for most, expected in ((9, problem), (8, kept), (2, alone)):
        found = both_optima(expected, 10.0)
        with monkeypatch.context() as patched:
            patched.setattr("optimizer.planning.optima.MOST_CHECKED", most)
            checked = both_optima(problem, 10.0)
        assert found is not None
        assert checked is not None
        assert checked.by_program == pytest.approx(found.by_program)
        assert checked.by_recursion == pytest.approx(checked.by_program)
