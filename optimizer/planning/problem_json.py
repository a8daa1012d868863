"""Planning problems and plans as JSON: what a dump of a real problem looks like, and how it replays.

The layout is the one of the interfaces; beyond it ``battery.standby_w`` and, in a scenario, its own
``import_price_per_kwh`` and ``export_price_per_kwh`` may stand, in the demand charge ``counts``: whether the import of
each interval counts towards the peak, and ``switching`` with ``share`` and ``every_s``: how the scenarios change into
one another. An unknown key is an error, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from optimizer.domain.battery import Battery
from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.switching import Switching
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import PlanningError
from optimizer.planning.problem_check import check_problem

REQUIRED = (
    "start",
    "step_s",
    "load_w",
    "pv_w",
    "import_price_per_kwh",
    "export_price_per_kwh",
    "battery",
    "grid",
    "initial_soc",
    "terminal_value_per_kwh",
)
OPTIONAL = ("demand_charge", "scenarios", "switching")
SCENARIO_REQUIRED = ("weight", "load_w", "pv_w")
SCENARIO_OPTIONAL = ("import_price_per_kwh", "export_price_per_kwh")
MOST_SECONDS = 366 * 86_400.0
BATTERY_REQUIRED = ("usable_capacity_wh", "max_charge_w", "max_discharge_w")


def problem_from_json(text: str) -> PlanningProblem:
    """Return the checked problem that a JSON document describes.

    Raises
    ------
    PlanningError
        Not JSON, a key missing or unknown (with the nearest known one), or a value that cannot be: names its place.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"the problem is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise PlanningError(msg) from error
    top = _object("the problem", document, REQUIRED, OPTIONAL)
    problem = PlanningProblem(
        grid=_time_grid(top),
        battery=Battery(**_record("battery", top["battery"], Battery, BATTERY_REQUIRED)),
        connection=_connection(top["grid"]),
        import_price_per_kwh=_array("import_price_per_kwh", top["import_price_per_kwh"]),
        export_price_per_kwh=_array("export_price_per_kwh", top["export_price_per_kwh"]),
        scenarios=_scenarios(top),
        initial_soc=_number("initial_soc", top["initial_soc"]),
        terminal_value_per_kwh=_number("terminal_value_per_kwh", top["terminal_value_per_kwh"]),
        demand_charge=_demand_charge(top.get("demand_charge")),
        switching=_switching(top.get("switching")),
    )
    check_problem(problem)
    return problem


def problem_to_json(problem: PlanningProblem, *, indent: int | None = None) -> str:
    """Return the JSON document that replays to the same problem.

    ``load_w`` and ``pv_w`` at the top are the expected ones; with several scenarios the scenarios decide.
    """
    document: dict[str, Any] = {
        "start": _instant(problem.grid.start),
        "step_s": _whole(problem.grid.step_s),
        "load_w": _expected(problem, "load_w"),
        "pv_w": _expected(problem, "pv_w"),
        "import_price_per_kwh": list(problem.import_price_per_kwh),
        "export_price_per_kwh": list(problem.export_price_per_kwh),
        "battery": asdict(problem.battery),
        "grid": asdict(problem.connection),
        "initial_soc": problem.initial_soc,
        "terminal_value_per_kwh": problem.terminal_value_per_kwh,
    }
    if problem.demand_charge is not None:
        charge = asdict(problem.demand_charge)
        document["demand_charge"] = {key: figure for key, figure in charge.items() if figure is not None}
    if not _is_plain(problem):
        document["scenarios"] = [_scenario_record(scenario) for scenario in problem.scenarios]
    if problem.switching is not None:
        every_s = problem.switching.every.total_seconds()
        document["switching"] = {"share": problem.switching.share, "every_s": _whole(every_s)}
    return json.dumps(document, indent=indent, allow_nan=False)


def plan_to_json(plan: Plan, *, indent: int | None = None) -> str:
    """Return the answer to a problem as a JSON document."""
    document = {
        "status": plan.status.value,
        "method": plan.method,
        "objective": plan.objective,
        "energy_cost": plan.energy_cost,
        "made_at": _instant(plan.made_at),
        "steps": [{**asdict(step), "start": _instant(step.start)} for step in plan.steps],
        "flags": [asdict(flag) for flag in plan.flags],
        "seconds": plan.seconds,
    }
    return json.dumps(document, indent=indent, allow_nan=False)


def _time_grid(top: Mapping[str, Any]) -> TimeGrid:
    step_s = _number("step_s", top["step_s"])
    if not 1.0 <= step_s <= 86_400.0:
        msg = f"step_s is {step_s:g}, it must lie between 1 and 86400"
        raise PlanningError(msg)
    try:
        start = datetime.fromisoformat(top["start"])
    except (TypeError, ValueError) as error:
        msg = f"start is {top['start']!r}, it must be an instant such as 2026-01-01T00:00:00Z"
        raise PlanningError(msg) from error
    if start.tzinfo is None:
        msg = f"start is {top['start']!r}, it must carry an offset, such as Z or +01:00"
        raise PlanningError(msg)
    count = len(_array("import_price_per_kwh", top["import_price_per_kwh"]))
    if not count:
        raise PlanningError("import_price_per_kwh is empty, at least one interval is needed")
    return TimeGrid(start=start, step=timedelta(seconds=step_s), count=count)


def _connection(found: Any) -> GridConnection:
    given = _object("grid", found, (), tuple(field.name for field in fields(GridConnection)))
    figures: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("max_import_w", "max_export_w"):
            figures[key] = None if value is None else _number(f"grid.{key}", value)
        elif isinstance(value, bool):
            figures[key] = value
        else:
            msg = f"grid.{key} is {value!r}, it must be true or false"
            raise PlanningError(msg)
    return GridConnection(**figures)


def _demand_charge(found: Any) -> DemandCharge | None:
    if found is None:
        return None
    given = _object("demand_charge", found, ("price_per_kw",), ("peak_so_far_w", "counts"))
    figures: dict[str, Any] = {
        key: _number(f"demand_charge.{key}", value) for key, value in given.items() if key != "counts"
    }
    if given.get("counts") is not None:
        figures["counts"] = _switches("demand_charge.counts", given["counts"])
    return DemandCharge(**figures)


def _switching(found: Any) -> Switching | None:
    if found is None:
        return None
    given = _object("switching", found, ("share", "every_s"), ())
    every_s = _number("switching.every_s", given["every_s"])
    if not 1.0 <= every_s <= MOST_SECONDS:
        msg = f"switching.every_s is {every_s:g}, it must lie between 1 and {MOST_SECONDS:g}"
        raise PlanningError(msg)
    return Switching(share=_number("switching.share", given["share"]), every=timedelta(seconds=every_s))


def _scenarios(top: Mapping[str, Any]) -> tuple[Scenario, ...]:
    """Return the scenarios; without any, the top-level load and sun are the one future."""
    load_w, pv_w = _array("load_w", top["load_w"]), _array("pv_w", top["pv_w"])
    found = top.get("scenarios")
    if not found and (found is None or isinstance(found, list)):
        return (Scenario(weight=1.0, load_w=load_w, pv_w=pv_w),)
    if not isinstance(found, list):
        msg = f"scenarios is {type(found).__name__}, it must be an array"
        raise PlanningError(msg)
    return tuple(_scenario(f"scenarios[{number}]", scenario) for number, scenario in enumerate(found))


def _scenario_record(scenario: Scenario) -> dict[str, Any]:
    figures = ((field.name, getattr(scenario, field.name)) for field in fields(scenario))
    return {
        name: list(figure) if isinstance(figure, Sequence) else figure for name, figure in figures if figure is not None
    }


def _scenario(place: str, found: Any) -> Scenario:
    given = _object(place, found, SCENARIO_REQUIRED, SCENARIO_OPTIONAL)
    arrays = {
        key: _array(f"{place}.{key}", value) for key, value in given.items() if key != "weight" and value is not None
    }
    return Scenario(weight=_number(f"{place}.weight", given["weight"]), **arrays)


def _record(place: str, found: Any, kind: type, required: Sequence[str]) -> dict[str, float]:
    optional = tuple(field.name for field in fields(kind) if field.name not in required)
    given = _object(place, found, required, optional)
    return {key: _number(f"{place}.{key}", value) for key, value in given.items()}


def _object(place: str, found: Any, required: Sequence[str], optional: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        msg = f"{place} is {type(found).__name__}, it must be an object"
        raise PlanningError(msg)
    known = [*required, *optional]
    for key in found:
        if key not in known:
            nearest = get_close_matches(key, known, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(known)}"
            msg = f"{place}: unknown key {key!r}; {hint}"
            raise PlanningError(msg)
    missing = [key for key in required if key not in found]
    if missing:
        msg = f"{place}: {', '.join(missing)} missing"
        raise PlanningError(msg)
    return found


def _array(place: str, found: Any) -> tuple[float, ...]:
    if not isinstance(found, list):
        msg = f"{place} is {type(found).__name__}, it must be an array of numbers"
        raise PlanningError(msg)
    return tuple(_number(f"{place}[{index}]", value) for index, value in enumerate(found))


def _switches(place: str, found: Any) -> tuple[bool, ...]:
    if not isinstance(found, list):
        msg = f"{place} is {type(found).__name__}, it must be an array of true and false"
        raise PlanningError(msg)
    for index, value in enumerate(found):
        if not isinstance(value, bool):
            msg = f"{place}[{index}] is {json.dumps(value)}, it must be true or false"
            raise PlanningError(msg)
    return tuple(found)


def _number(place: str, found: Any) -> float:
    """Return a JSON number; whether it is finite and in range is the checker's question."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        msg = f"{place} is {json.dumps(found)}, it must be a number"
        raise PlanningError(msg)
    return float(found)


def _expected(problem: PlanningProblem, name: str) -> list[float]:
    if len(problem.scenarios) == 1:
        return list(getattr(problem.scenarios[0], name))
    weights = [scenario.weight for scenario in problem.scenarios]
    columns = zip(*(getattr(scenario, name) for scenario in problem.scenarios), strict=True)
    return [sum(weight * figure for weight, figure in zip(weights, column, strict=True)) for column in columns]


def _is_plain(problem: PlanningProblem) -> bool:
    """Return whether the one future is the top-level one, so that scenarios need not be written."""
    (first, *others) = problem.scenarios
    return not others and first.weight == 1.0 and not (first.import_price_per_kwh or first.export_price_per_kwh)


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _whole(seconds: float) -> float:
    return int(seconds) if seconds.is_integer() else seconds
