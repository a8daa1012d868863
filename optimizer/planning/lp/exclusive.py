"""Either, or: binaries, only in the intervals where prices would reward doing both at once."""

from __future__ import annotations

import math

from optimizer.planning.lp.battery import BatteryVariables
from optimizer.planning.lp.grid import GridVariables
from optimizer.planning.lp.program import Program
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps


def burning_price(scaled: ScaledProblem) -> float:
    """Return the price below which charging and discharging at once pays [currency/kWh].

    Cycling 1 kWh within an interval takes ``1 - eta_c eta_d`` from the grid and wears for ``eta_c eta_d``; it pays
    where ``price (1 - eta_c eta_d) + wear eta_c eta_d < 0``.
    """
    efficiency = scaled.round_trip_efficiency
    return -scaled.wear_per_kwh * efficiency / (1.0 - efficiency) if efficiency < 1.0 else -math.inf


def burning_may_pay(scaled: ScaledProblem, steps: ScenarioSteps, step: int) -> bool:
    """Return whether charging while discharging could pay in an interval.

    Both prices are tested even where PV can be curtailed: which of them is met depends on the plan.
    """
    possible = steps.max_charge_kw[step] > 0.0 and steps.max_discharge_kw[step] > 0.0
    return possible and min(steps.buy[step], steps.sell[step]) < burning_price(scaled)


def burning_steps(scaled: ScaledProblem, steps: ScenarioSteps) -> list[int]:
    """Return the intervals in which charging while discharging could pay."""
    return [step for step in range(scaled.count) if burning_may_pay(scaled, steps, step)]


def crossed_steps(steps: ScenarioSteps) -> list[int]:
    """Return the intervals in which selling pays more than buying costs."""
    return [step for step, (buy, sell) in enumerate(zip(steps.buy, steps.sell, strict=True)) if sell > buy]


def binaries_needed(scaled: ScaledProblem) -> int:
    """Return how many binaries the whole program takes, over all scenarios."""
    return sum(len(burning_steps(scaled, steps)) + len(crossed_steps(steps)) for steps in scaled.scenarios)


def exclude_burning(
    program: Program, scaled: ScaledProblem, steps: ScenarioSteps, number: int, battery: BatteryVariables
) -> int:
    """Forbid charging while discharging: ``charge <= max y``, ``discharge <= max (1 - y)``; return how many."""
    burning = burning_steps(scaled, steps)
    for step in burning:
        charge_kw, discharge_kw = steps.max_charge_kw[step], steps.max_discharge_kw[step]
        charging = program.binary(f"charging_{number}_{step}")
        program.at_most([(battery.charge[step], 1.0), (charging, -charge_kw)], 0.0)
        program.at_most([(battery.discharge[step], 1.0), (charging, discharge_kw)], discharge_kw)
    return len(burning)


def exclude_crossing(
    program: Program, scaled: ScaledProblem, steps: ScenarioSteps, number: int, grid: GridVariables
) -> int:
    """Forbid importing while exporting where ``sell > buy``; return how many binaries.

    The bounds are the flows that the house can reach at all in that interval.
    """
    crossed = crossed_steps(steps)
    for step in crossed:
        curtailable_kw = steps.pv_kw[step] if scaled.curtailable else 0.0
        most_import = max(0.0, steps.net_load_kw[step] + steps.max_charge_kw[step] + curtailable_kw)
        most_export = max(0.0, steps.max_discharge_kw[step] - steps.net_load_kw[step])
        importing = program.binary(f"importing_{number}_{step}")
        program.at_most([*grid.imports[step], (importing, -most_import)], 0.0)
        program.at_most([*grid.exports[step], (importing, most_export)], most_export)
    return len(crossed)
