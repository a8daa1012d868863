"""Is a planning problem well formed? Asked before any number reaches a solver.

A NaN in a right-hand side passes the solver as an optimal, wrong plan; so every array is looked through first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError

WEIGHT_TOLERANCE = 1e-6
LARGEST_STANDBY_W = 1e6
"""What a battery may lose by itself: far more than any does, and not so much that its energy ends in infinity [W]."""
MOST_REPORTED = 5
"""One broken array breaks in many places; a person needs the first few."""


def check_problem(problem: PlanningProblem, *, arrays_are_sound: bool = False) -> None:
    """Accept a problem or say what is wrong with it.

    Parameters
    ----------
    arrays_are_sound
        Whether every number of its arrays has been looked at already.

    Raises
    ------
    PlanningError
        Names each array, index and value at fault, and what it must be.
    """
    faults = [
        *(() if arrays_are_sound else _array_faults(problem)),
        *_weight_faults(problem),
        *_battery_faults(problem),
        *_connection_faults(problem),
        *_start_and_end_faults(problem),
    ]
    if faults:
        more = f"; and {len(faults) - MOST_REPORTED} more" if len(faults) > MOST_REPORTED else ""
        raise PlanningError("the planning problem is malformed: " + "; ".join(faults[:MOST_REPORTED]) + more)


def _array_faults(problem: PlanningProblem) -> Iterator[str]:
    count = len(problem.grid)
    yield from _array("import_price_per_kwh", problem.import_price_per_kwh, count)
    yield from _array("export_price_per_kwh", problem.export_price_per_kwh, count)
    for number, scenario in enumerate(problem.scenarios):
        place = f"scenarios[{number}]."
        yield from _array(f"{place}load_w", scenario.load_w, count, lowest=0.0)
        yield from _array(f"{place}pv_w", scenario.pv_w, count, lowest=0.0)
        for name in ("import_price_per_kwh", "export_price_per_kwh"):
            prices: Sequence[float] | None = getattr(scenario, name)
            if prices is not None:
                yield from _array(f"{place}{name}", prices, count)


def _array(name: str, values: Sequence[float], count: int, *, lowest: float = -math.inf) -> Iterator[str]:
    if len(values) != count:
        yield f"{name} has {len(values)} values, the grid has {count} intervals"
    if _all_sound(values, lowest):
        return
    for index, value in enumerate(values):
        yield from _number(f"{name}[{index}]", value, lowest=lowest)


def _all_sound(values: Sequence[float], lowest: float) -> bool:
    """Return whether a whole array is as it should be: the usual case, told without a look at each number by name."""
    if not values or [*map(type, values)].count(float) != len(values):
        return False
    return math.isfinite(sum(values)) and min(values) >= lowest


def _number(name: str, value: float, *, lowest: float = -math.inf, highest: float = math.inf) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield f"{name} is {value!r}, it must be a finite number"
    elif value < lowest:
        yield f"{name} is {value:g}, it must be at least {lowest:g}"
    elif value > highest:
        yield f"{name} is {value:g}, it must be at most {highest:g}"


def _weight_faults(problem: PlanningProblem) -> Iterator[str]:
    if not problem.scenarios:
        yield "scenarios is empty, at least one is needed"
        return
    faults = [
        fault
        for number, scenario in enumerate(problem.scenarios)
        for fault in _number(f"scenarios[{number}].weight", scenario.weight, lowest=0.0)
    ]
    yield from faults
    total = math.fsum(scenario.weight for scenario in problem.scenarios) if not faults else 1.0
    if abs(total - 1.0) > WEIGHT_TOLERANCE:
        yield f"the weights of the scenarios add up to {total:g}, they must add up to 1"


def _battery_faults(problem: PlanningProblem) -> Iterator[str]:
    battery = problem.battery
    yield from _positive("battery.usable_capacity_wh", battery.usable_capacity_wh)
    yield from _positive("battery.charge_efficiency", battery.charge_efficiency, highest=1.0)
    yield from _positive("battery.discharge_efficiency", battery.discharge_efficiency, highest=1.0)
    for name in ("max_charge_w", "max_discharge_w", "wear_cost_per_kwh"):
        yield from _number(f"battery.{name}", getattr(battery, name), lowest=0.0)
    yield from _number("battery.standby_w", battery.standby_w, lowest=0.0, highest=LARGEST_STANDBY_W)
    yield from _number("battery.min_soc", battery.min_soc, lowest=0.0, highest=1.0)
    yield from _number("battery.max_soc", battery.max_soc, lowest=0.0, highest=1.0)
    if battery.min_soc >= battery.max_soc:
        yield f"battery.min_soc ({battery.min_soc:g}) must lie below battery.max_soc ({battery.max_soc:g})"


def _positive(name: str, value: float, *, highest: float = math.inf) -> Iterator[str]:
    if value == 0.0:
        yield f"{name} is 0, it must be above 0"
    else:
        yield from _number(name, value, lowest=0.0, highest=highest)


def _connection_faults(problem: PlanningProblem) -> Iterator[str]:
    for name in ("max_import_w", "max_export_w"):
        limit: float | None = getattr(problem.connection, name)
        if limit is not None:
            yield from _number(f"grid.{name}", limit, lowest=0.0)


def _start_and_end_faults(problem: PlanningProblem) -> Iterator[str]:
    yield from _number("initial_soc", problem.initial_soc, lowest=0.0, highest=1.0)
    yield from _number("terminal_value_per_kwh", problem.terminal_value_per_kwh)
    if problem.switching is not None:
        yield from _number("switching.share", problem.switching.share, lowest=0.0, highest=1.0)
        yield from _positive("switching.every_s", problem.switching.every.total_seconds())
    if problem.demand_charge is not None:
        for name in ("price_per_kw", "peak_so_far_w"):
            yield from _number(f"demand_charge.{name}", getattr(problem.demand_charge, name), lowest=0.0)
        counts = problem.demand_charge.counts
        if counts is not None and len(counts) != len(problem.grid):
            yield f"demand_charge.counts has {len(counts)} values, the grid has {len(problem.grid)} intervals"
