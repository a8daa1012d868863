"""Problems as JSON: what is dumped replays, and what is wrong is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from optimizer.clock import SimulatedClock
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.row import Row
from optimizer.domain.scenario import Scenario
from optimizer.errors import PlanningError
from optimizer.planning.problem_json import plan_to_json, problem_from_json, problem_to_json
from optimizer.planning.recursion_planner import RecursionPlanner
from support.planning_problems import START, hourly_problem, problems


def document() -> dict[str, Any]:
    """Return the document of the interfaces, with two hours."""
    return {
        "start": "2026-01-01T00:00:00Z",
        "step_s": 3600,
        "load_w": [500, 500],
        "pv_w": [0, 100],
        "import_price_per_kwh": [0.3, 0.2],
        "export_price_per_kwh": [0.08, 0.08],
        "battery": {
            "usable_capacity_wh": 10000,
            "max_charge_w": 4600,
            "max_discharge_w": 4600,
            "charge_efficiency": 0.95,
            "discharge_efficiency": 0.95,
            "min_soc": 0.0,
            "max_soc": 1.0,
            "wear_cost_per_kwh": 0.0,
        },
        "grid": {
            "max_import_w": None,
            "max_export_w": None,
            "curtailable": False,
            "grid_charging": True,
            "battery_export": True,
        },
        "initial_soc": 0.5,
        "terminal_value_per_kwh": 0.15,
    }


def changed(place: str, value: object) -> str:
    """Return the document with the value at a dotted place replaced."""
    whole = document()
    *way, last = place.split(".")
    target: Any = whole
    for key in way:
        target = target[int(key) if key.isdigit() else key]
    target[int(last) if last.isdigit() else last] = value
    return json.dumps(whole)


@settings(max_examples=60, deadline=None)
@given(problems(most_scenarios=3, demand=True))
def test_a_dump_replays_to_the_same_problem(problem: PlanningProblem) -> None:
    """Reading what was written gives the problem back, exactly."""
    assert problem_from_json(problem_to_json(problem)) == problem


def test_futures_of_rows_are_dumped_like_those_of_tuples() -> None:
    """What comes from the forecaster in one piece replays as well."""
    problem = hourly_problem(load_w=(500.0, 900.0), others=(Scenario(weight=0.5, load_w=(1.0, 2.0), pv_w=(3.0, 4.0)),))
    rows = [replace(one, load_w=Row(one.load_w), pv_w=Row(one.pv_w)) for one in problem.scenarios]
    assert problem_from_json(problem_to_json(replace(problem, scenarios=tuple(rows)))) == problem
    assert problem_to_json(replace(problem, scenarios=tuple(rows))) == problem_to_json(problem)


def test_the_documented_layout_is_read() -> None:
    """Without scenarios the load and sun at the top are the one future."""
    problem = problem_from_json(json.dumps(document()))
    (scenario,) = problem.scenarios
    assert (scenario.weight, scenario.load_w, scenario.pv_w) == (1.0, (500.0, 500.0), (0.0, 100.0))
    assert problem.grid.step_h == 1.0
    assert problem.battery.standby_w == 0.0
    assert problem.demand_charge is None


def test_scenarios_and_demand_charge_are_read() -> None:
    """Scenarios take the place of the load and sun at the top, and may carry their own prices."""
    whole = document()
    whole["demand_charge"] = {"price_per_kw": 5.0, "peak_so_far_w": 1000.0}
    futures = [{"weight": 0.5, "load_w": [1, 2], "pv_w": [0, 0]} for _ in range(2)]
    whole["scenarios"] = [futures[0], {**futures[1], "import_price_per_kwh": [0.5, 0.6]}]
    problem = problem_from_json(json.dumps(whole))
    assert [scenario.import_price_per_kwh for scenario in problem.scenarios] == [None, (0.5, 0.6)]
    assert problem.demand_charge is not None
    assert problem.demand_charge.peak_so_far_w == 1000.0


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("battery.min_socc", 0.1, r"battery: unknown key 'min_socc'; did you mean 'min_soc'\?"),
        ("load", [1], r"the problem: unknown key 'load'; did you mean 'load_w'\?"),
        ("grid.zzz", 1, r"grid: unknown key 'zzz'; known are max_import_w"),
        ("load_w.1", "much", r"load_w\[1\] is \"much\", it must be a number"),
        ("load_w.1", None, r"load_w\[1\] is null, it must be a number"),
        ("load_w.1", -5, r"load_w\[1\] is -5, it must be at least 0"),
        ("pv_w", [1.0], r"pv_w has 1 values, the grid has 2 intervals"),
        ("import_price_per_kwh.0", float("nan"), r"import_price_per_kwh\[0\] is nan"),
        ("start", "yesterday", r"start is 'yesterday'"),
        ("start", "2026-01-01T00:00:00", r"start is '2026-01-01T00:00:00', it must carry an offset"),
        ("step_s", 0, r"step_s is 0, it must lie between 1 and 86400"),
        ("grid.grid_charging", 1, r"grid.grid_charging is 1, it must be true or false"),
        ("battery", [], r"battery is list, it must be an object"),
        ("scenarios", {}, r"scenarios is dict, it must be an array"),
        ("scenarios", [{"weight": 1.0, "load_w": [1, 1]}], r"scenarios\[0\]: pv_w missing"),
        ("initial_soc", 50, r"initial_soc is 50, it must be at most 1"),
        ("battery.standby_w", 25e300, r"battery.standby_w is 2.5e\+301, it must be at most 1e\+06"),
        ("demand_charge", {"price_per_kw": 5, "counts": [True]}, r"counts has 1 values, the grid has 2 intervals"),
        ("demand_charge", {"price_per_kw": 5, "counts": [True, 1]}, r"counts\[1\] is 1, it must be true or false"),
        ("demand_charge", {"price_per_kw": 5, "counts": 1}, r"counts is int, it must be an array of true and false"),
        ("demand_charge", {"price_per_kw": 5, "count": []}, r"unknown key 'count'; did you mean 'counts'\?"),
    ],
)
def test_what_is_wrong_is_named(place: str, value: object, message: str) -> None:
    """Each fault is told with its place, its value and what to do."""
    with pytest.raises(PlanningError, match=message):
        problem_from_json(changed(place, value))


def test_text_that_is_no_json_is_refused_with_its_line() -> None:
    """A cut-off file is told apart from a wrong one."""
    with pytest.raises(PlanningError, match=r"not JSON: .* in line 2"):
        problem_from_json('{"start":\n')


def test_the_answer_has_the_documented_shape() -> None:
    """A plan answers with status, method, money, steps and flags."""
    plan = RecursionPlanner(clock=SimulatedClock(START)).plan(hourly_problem(load_w=(500.0, 900.0)), made_at=START)
    answer = json.loads(plan_to_json(plan))
    assert (answer["status"], answer["method"], answer["flags"]) == ("optimal", "recursion", [])
    assert set(answer) >= {"objective", "energy_cost", "steps", "seconds"}
    assert answer["steps"][1]["start"] == "2026-06-01T01:00:00Z"
    assert set(answer["steps"][0]) == {
        "start",
        "battery_power_w",
        "grid_power_w",
        "curtailed_w",
        "soc_end",
        "energy_value_per_kwh",
    }
