"""There is always a plan: where one way fails or takes too long, the other stands in."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.errors import PlanningError
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.reliable_planner import MOST_BINARIES, ReliablePlanner
from support.planning_problems import START, hourly_problem

CLOCK = SimulatedClock(START)
PROBLEM = hourly_problem(load_w=(500.0, 900.0, 300.0))


@dataclass
class Scripted:
    """A planner that answers as it is told, and counts how often it is asked."""

    answer: Plan | Exception
    asked: list[PlanningProblem] = field(default_factory=list)

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        self.asked.append(problem)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def by_recursion() -> Plan:
    return RecursionPlanner(clock=CLOCK).plan(PROBLEM, made_at=START)


def test_the_program_plans_where_it_can() -> None:
    """On ordinary prices the plan is the linear program's, and the recursion is not asked for a second one."""
    second = Scripted(by_recursion())
    plan = ReliablePlanner(clock=CLOCK, recursion=second).plan(PROBLEM, made_at=START)
    assert (plan.method, plan.status) == ("lp", PlanStatus.OPTIMAL)
    assert not second.asked


def test_the_recursion_stands_in_for_a_solver_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """A solver that comes back with nothing costs one warning, not the plan."""
    planner = ReliablePlanner(clock=CLOCK, program=Scripted(PlanningError("the solver has no plan")))
    with caplog.at_level(logging.WARNING):
        plans = [planner.plan(PROBLEM, made_at=START) for _ in range(3)]
    assert {plan.method for plan in plans} == {"recursion"}
    told = next(flag for flag in plans[-1].flags if flag.kind is FlagKind.STAND_IN)
    assert told.message == "the recursion stands in for the linear program: the solver has no plan"
    assert caplog.text.count("the recursion plans instead") == 1


def test_whatever_the_solver_throws_there_is_a_plan(caplog: pytest.LogCaptureFixture) -> None:
    """An error that is none of ours, out of a library, is named and costs no plan either."""
    planner = ReliablePlanner(clock=CLOCK, program=Scripted(RuntimeError("bad basis")))
    with caplog.at_level(logging.WARNING):
        assert planner.plan(PROBLEM, made_at=START).method == "recursion"
    assert "RuntimeError('bad basis')" in caplog.text


def test_each_kind_of_trouble_is_told_again_once_the_program_has_recovered(caplog: pytest.LogCaptureFixture) -> None:
    """A second trouble of another kind is news; the first is again after a proven plan."""
    proven = replace(by_recursion(), status=PlanStatus.OPTIMAL)
    program = Scripted(PlanningError("no plan"))
    planner = ReliablePlanner(clock=CLOCK, program=program)
    with caplog.at_level(logging.WARNING):
        for answer in (PlanningError("no plan"), RuntimeError("odd"), PlanningError("no plan")):
            program.answer = answer
            planner.plan(PROBLEM, made_at=START)
        assert len(caplog.records) == 2
        for answer in (proven, PlanningError("no plan")):
            program.answer = answer
            planner.plan(PROBLEM, made_at=START)
    assert len(caplog.records) == 3


@pytest.mark.parametrize(("dearer", "method"), [(1.0, "recursion"), (-1.0, "lp")])
def test_of_an_unproven_plan_and_the_recursions_the_cheaper_counts(dearer: float, method: str) -> None:
    """Running out of time is no reason to follow the worse plan."""
    good = by_recursion()
    unproven = replace(good, method="lp", status=PlanStatus.FEASIBLE, objective=good.objective + dearer)
    planner = ReliablePlanner(clock=CLOCK, program=Scripted(unproven), recursion=Scripted(good))
    assert planner.plan(PROBLEM, made_at=START).method == method


def test_a_cheaper_plan_that_breaks_more_rules_is_not_the_better_one() -> None:
    """Rules count before money, by their size: neither the objective alone nor the number of flags decides."""
    good = by_recursion()
    broken = replace(good, method="lp", status=PlanStatus.FEASIBLE, objective=good.objective - 1.0, penalties=5.0)
    plan = ReliablePlanner(clock=CLOCK, program=Scripted(broken), recursion=Scripted(good)).plan(PROBLEM, made_at=START)
    assert plan.method == "recursion"
    assert [flag.kind for flag in plan.flags] == [FlagKind.STAND_IN]
    both = replace(good, penalties=9.0)
    again = ReliablePlanner(clock=CLOCK, program=Scripted(broken), recursion=Scripted(both))
    assert again.plan(PROBLEM, made_at=START).method == "lp"


def test_a_plan_says_what_its_broken_rules_count() -> None:
    """An import limit that the house exceeds by itself is in the penalties, and in no reported cost."""
    over = replace(PROBLEM, connection=GridConnection(max_import_w=100.0), initial_soc=0.0)
    for planner in (LinearProgramPlanner(clock=CLOCK), RecursionPlanner(clock=CLOCK)):
        plan = planner.plan(over, made_at=START)
        assert plan.penalties > 1.0
        assert plan.energy_cost == pytest.approx(0.3 * 1.7)


@pytest.mark.parametrize(("count", "futures", "method"), [(3, 1, "lp"), (3, 2, "recursion"), (60, 1, "recursion")])
def test_only_a_short_search_is_begun(count: int, futures: int, method: str) -> None:
    """Negative prices are searched for one future and few intervals; more would take seconds for a worse plan."""
    assert 3 <= MOST_BINARIES < 60
    negative = hourly_problem(
        load_w=(500.0,) * count,
        buy=-0.2,
        sell=-0.3,
        others=tuple(Scenario(weight=1.0, load_w=(600.0,) * count, pv_w=(0.0,) * count) for _ in range(futures - 1)),
    )
    program = Scripted(replace(by_recursion(), method="lp", status=PlanStatus.OPTIMAL))
    planned = ReliablePlanner(clock=CLOCK, program=program).plan(negative, made_at=START)
    assert planned.method == method
    assert bool(program.asked) == (method == "lp")
    assert (FlagKind.STAND_IN in {flag.kind for flag in planned.flags}) == (method == "recursion")


def test_a_malformed_problem_is_nobodys_to_plan() -> None:
    """What is wrong in the problem is said once; no other planner is tried on it."""
    first, second = Scripted(by_recursion()), Scripted(by_recursion())
    broken = replace(PROBLEM, import_price_per_kwh=(float("nan"), 0.3, 0.3))
    with pytest.raises(PlanningError, match="import_price"):
        ReliablePlanner(clock=CLOCK, program=first, recursion=second).plan(broken, made_at=START)
    assert not first.asked
    assert not second.asked


def test_both_real_ways_agree_on_the_same_problem() -> None:
    """Whichever way is taken, the money is the same."""
    program = LinearProgramPlanner(clock=CLOCK).plan(PROBLEM, made_at=START)
    assert program.objective == pytest.approx(by_recursion().objective, abs=2e-3)
