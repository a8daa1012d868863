"""Money first, taste second: among plans of equal cost, the calm one.

A second solve under ``money <= optimum + 0.1 cent`` doubles the time. A preference so small that it cannot add up to
0.1 cent over the whole plan, whatever the plan does, gives the same promise in one solve. With several futures it is
smaller than the solver can see: there, and wherever else that costs nothing, the worths settle the ties instead
(:func:`optimizer.planning.lp_planner.calmest`).
"""

from __future__ import annotations

from optimizer.planning.lp.battery import BatteryVariables
from optimizer.planning.lp.program import Program
from optimizer.planning.scaled_problem import ScaledProblem

MOST_IN_ALL = 0.001
"""What taste may cost in one plan at the very most [currency]."""

MOST_PER_KWH = 2e-6
"""What it may cost per kWh; ten times the solver's tolerance is enough to be seen [currency/kWh]."""


def taste_per_kwh(scaled: ScaledProblem) -> float:
    """Return the weight of taste: full power in every interval stays below ``MOST_IN_ALL`` [currency/kWh]."""
    steps = scaled.scenarios[0]
    most_kw = max(max(steps.max_charge_kw) + max(steps.max_discharge_kw) for steps in scaled.scenarios)
    most_kwh = scaled.step_h * len(steps.buy) * most_kw
    return min(MOST_PER_KWH, MOST_IN_ALL / (2.0 * most_kwh)) if most_kwh else 0.0


def add_taste(program: Program, scaled: ScaledProblem, battery: BatteryVariables, weight: float) -> None:
    """Prefer early over late, as self-consumption does, and rest over needless cycles.

    ``epsilon h t/N charge_t`` and ``epsilon h (1 + t/N) discharge_t``.
    """
    price = weight * scaled.step_h * taste_per_kwh(scaled)
    for step, (charge, discharge) in enumerate(zip(battery.charge, battery.discharge, strict=True)):
        late = step / scaled.count
        program.cost(charge, price * late)
        program.cost(discharge, price * (1.0 + late))
