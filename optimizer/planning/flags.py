"""What a plan could not keep to: each broken rule with its kind, first interval and largest amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optimizer.domain.plan import FlagKind, PlanFlag
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.paths import ScenarioPath, excesses_kw
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import W_PER_KW

SMALLEST_W = 0.5
"""Less power than this is rounding [W]."""

SMALLEST_SOC = 1e-5
"""Less state of charge than this is rounding [1]."""

Excess = Callable[[int, int], float]
"""By how much a rule is broken in scenario s, interval t; not positive where it is kept."""


def plan_flags(
    problem: PlanningProblem, scaled: ScaledProblem, paths: Sequence[ScenarioPath], first_relaxed: int | None
) -> tuple[PlanFlag, ...]:
    """Return every flag of a plan, in a fixed order."""

    def soc(scenario: int, step: int) -> float:
        return paths[scenario].energy_kwh[step] / scaled.capacity_kwh

    def beyond_surplus_w(scenario: int, step: int) -> float:
        surplus_kw = max(0.0, -scaled.scenarios[scenario].net_load_kw[step])
        return W_PER_KW * (paths[scenario].battery_kw[step] - surplus_kw)

    def over_w(scenario: int, step: int, side: int) -> float:
        return W_PER_KW * excesses_kw(scaled, paths[scenario].grid_kw[step])[side]

    battery = problem.battery
    rules: list[tuple[FlagKind, float, str, Excess]] = [
        (FlagKind.SOC_BELOW_BAND, SMALLEST_SOC, "below the lowest state of charge by up to {:.2%}",
         lambda scenario, step: battery.min_soc - soc(scenario, step)),
        (FlagKind.SOC_ABOVE_BAND, SMALLEST_SOC, "above the highest state of charge by up to {:.2%}",
         lambda scenario, step: soc(scenario, step) - battery.max_soc),
        (FlagKind.IMPORT_LIMIT_EXCEEDED, SMALLEST_W, "import above the limit by up to {:.0f} W",
         lambda scenario, step: over_w(scenario, step, 0)),
        (FlagKind.EXPORT_LIMIT_EXCEEDED, SMALLEST_W, "export above the limit by up to {:.0f} W",
         lambda scenario, step: over_w(scenario, step, 1)),
    ]  # fmt: skip
    if not problem.connection.grid_charging:
        message = "standby losses charged from the grid with up to {:.0f} W"
        rules.append((FlagKind.GRID_CHARGING_UNAVOIDABLE, SMALLEST_W, message, beyond_surplus_w))
    size = (len(paths), scaled.count)
    broken = [_broken_rule(*rule, size) for rule in rules]
    flags = [start_flag(problem), *broken, relaxed_flag(first_relaxed)]
    return tuple(flag for flag in flags if flag is not None)


def _broken_rule(
    kind: FlagKind, smallest: float, message: str, excess: Excess, size: tuple[int, int]
) -> PlanFlag | None:
    scenarios, count = size
    largest = [max(excess(scenario, step) for scenario in range(scenarios)) for step in range(count)]
    first = next((step for step, amount in enumerate(largest) if amount > smallest), None)
    if first is None:
        return None
    where = f"{message.format(max(largest))}, first in interval {first}"
    return PlanFlag(kind=kind, message=where, first_step=first, largest=max(largest))


def start_flag(problem: PlanningProblem) -> PlanFlag | None:
    """Return the flag of a battery that stands outside its band already."""
    battery, soc = problem.battery, problem.initial_soc
    outside = max(battery.min_soc - soc, soc - battery.max_soc)
    if outside <= 0.0:
        return None
    message = f"the plan starts at {soc:.1%}, outside the band of {battery.min_soc:.1%} to {battery.max_soc:.1%}"
    return PlanFlag(kind=FlagKind.START_SOC_OUTSIDE_BAND, message=message, first_step=0, largest=outside)


def switching_flags(scaled: ScaledProblem, method: str) -> tuple[PlanFlag, ...]:
    """Return the flag of a path that takes each future as known to its end, though the worth of energy does not."""
    if scaled.switches is None or method != "lp":
        return ()
    message = "the linear program plans each future as known to its end; only the worth of energy lets them change"
    return (PlanFlag(kind=FlagKind.SWITCHING_IN_WORTH_ONLY, message=message),)


def relaxed_flag(first_relaxed: int | None) -> PlanFlag | None:
    """Return the flag of a worth that comes from a convex relaxation."""
    if first_relaxed is None:
        return None
    message = (
        f"prices are negative or crossed, first in interval {first_relaxed}; up to the last such interval the value of "
        "energy comes from a convex relaxation"
    )
    return PlanFlag(kind=FlagKind.VALUE_RELAXED, message=message, first_step=first_relaxed)
