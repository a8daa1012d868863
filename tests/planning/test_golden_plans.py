"""Dumped problems and what they cost: objectives, never trajectories, for ties are settled differently by each way."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.problem_json import problem_from_json
from optimizer.planning.recursion_planner import RecursionPlanner

PROBLEMS = Path(__file__).parents[1] / "data" / "problems"

OBJECTIVES = {
    "sunny_then_cloudy_day": -4.0229,
    "negative_prices_at_noon": -7.3186,
    "feed_in_limit_without_curtailing": -4.6124,
    "demand_charge_of_a_business": 10.9034,
    "start_below_the_reserve": -3.1605,
    "three_futures": -3.4233,
}


def golden(name: str) -> PlanningProblem:
    return problem_from_json((PROBLEMS / f"{name}.json").read_text(encoding="utf-8"))


def test_every_dumped_problem_has_its_objective() -> None:
    """No problem lies in the folder without being planned here."""
    assert {path.stem for path in PROBLEMS.glob("*.json")} == set(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_linear_program_finds_the_known_optimum(name: str) -> None:
    """Each dumped problem costs what it always has, proven."""
    problem = golden(name)
    plan = LinearProgramPlanner(clock=SimulatedClock(problem.grid.start)).plan(problem, made_at=problem.grid.start)
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.objective == pytest.approx(OBJECTIVES[name], abs=1e-4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_recursion_finds_the_known_optimum(name: str) -> None:
    """The second way comes to the same money; at negative prices it does not claim a proof."""
    problem = golden(name)
    plan = RecursionPlanner(clock=SimulatedClock(problem.grid.start)).plan(problem, made_at=problem.grid.start)
    assert plan.objective == pytest.approx(OBJECTIVES[name], abs=1e-3)
    assert (plan.status is PlanStatus.OPTIMAL) == (name != "negative_prices_at_noon")
