"""From the worth of energy and the paths of all futures to the plan that is handed out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.plan import Plan, PlanStatus, PlanStep
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.checker import check_paths, check_plan
from optimizer.planning.flags import plan_flags, switching_flags
from optimizer.planning.kernel.port import Worths
from optimizer.planning.paths import ScenarioPath, expected_money
from optimizer.planning.recursion import expected_value
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import W_PER_KW

log = logging.getLogger(__name__)

NUDGE_WH = 0.01
"""The worth of one more kWh is read this far above the planned energy, off the rounding at a breakpoint [Wh]."""


def build_plan(
    problem: PlanningProblem,
    scaled: ScaledProblem,
    paths: Sequence[ScenarioPath],
    worths: Worths,
    *,
    method: str,
    status: PlanStatus,
    made_at: datetime,
    seconds: float,
) -> Plan:
    """Return the checked plan.

    Raises
    ------
    PlanningError
        The independent checker found a violation: the plan must not be used.
    """
    money = expected_money(scaled, paths)
    values = tuple(expected_value(scaled, worths, step) for step in range(scaled.count))
    plan = Plan(
        made_at=made_at,
        problem=problem,
        status=status,
        method=method,
        objective=money.objective,
        energy_cost=money.energy,
        penalties=money.penalties,
        steps=expected_steps(problem, scaled, paths, values),
        values=values,
        flags=(*plan_flags(problem, scaled, paths, worths.first_relaxed), *switching_flags(scaled, method)),
        seconds=seconds,
    )
    require_sound([*check_plan(plan), *check_paths(plan, paths)])
    return plan


def expected_steps(
    problem: PlanningProblem, scaled: ScaledProblem, paths: Sequence[ScenarioPath], values: Sequence[EnergyValue]
) -> tuple[PlanStep, ...]:
    """Return the expected path: each figure the mean over the futures' own paths."""
    weights = [steps.weight for steps in scaled.scenarios]

    def mean(figures: Sequence[float]) -> float:
        return sum(weight * figure for weight, figure in zip(weights, figures, strict=True))

    battery = [mean(column) for column in zip(*(path.battery_kw for path in paths), strict=True)]
    grid = [mean(column) for column in zip(*(path.grid_kw for path in paths), strict=True)]
    curtailed = [mean(column) for column in zip(*(path.curtailed_kw for path in paths), strict=True)]
    energy = [mean(column) for column in zip(*(path.energy_kwh for path in paths), strict=True)]
    return tuple(
        PlanStep(
            start=problem.grid.interval(step).start,
            battery_power_w=_watts(battery[step]),
            grid_power_w=_watts(grid[step]),
            curtailed_w=_watts(curtailed[step]),
            soc_end=energy[step] / scaled.capacity_kwh,
            energy_value_per_kwh=values[step].gain_per_kwh(energy[step] * W_PER_KW + NUDGE_WH),
        )
        for step in range(scaled.count)
    )


def _watts(power_kw: float) -> float:
    """Return a power without the rounding of the arithmetic behind it [W]."""
    return round(power_kw * W_PER_KW, 6) + 0.0  # adding 0 turns -0.0 into 0.0


def require_sound(violations: Sequence[str]) -> None:
    """Let nothing pass that is wrong.

    Raises
    ------
    PlanningError
        There is a violation: the plan must not be used.
    """
    if violations:
        for violation in violations:
            log.error("plan rejected: %s", violation)
        msg = f"the plan does not hold: {violations[0]} ({len(violations)} violations in all); it is thrown away"
        raise PlanningError(msg)
