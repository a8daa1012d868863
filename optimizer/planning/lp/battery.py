"""The battery's part: charge, discharge, energy, band, wear."""

from __future__ import annotations

from dataclasses import dataclass

import pulp

from optimizer.planning.lp.program import Program
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps


@dataclass(frozen=True, slots=True)
class BatteryVariables:
    """The battery along one future; every list has shape (count,)."""

    charge: list[pulp.LpVariable]
    """[kW]"""
    discharge: list[pulp.LpVariable]
    """[kW]"""
    energy: list[pulp.LpVariable]
    """At the end of the interval [kWh]."""


def add_battery(
    program: Program, scaled: ScaledProblem, steps: ScenarioSteps, number: int, first: BatteryVariables | None
) -> BatteryVariables:
    """Add the battery along scenario ``number``; ``first`` is the first scenario's, whose first interval is shared."""
    own_from = 0 if first is None else 1
    battery = BatteryVariables(*((first.charge[:1], first.discharge[:1], first.energy[:1]) if first else ([], [], [])))
    for step in range(own_from, scaled.count):
        battery.charge.append(program.variable(f"charge_{number}_{step}", steps.max_charge_kw[step]))
        battery.discharge.append(program.variable(f"discharge_{number}_{step}", steps.max_discharge_kw[step]))
        battery.energy.append(program.variable(f"energy_{number}_{step}", scaled.highest_kwh, lowest=scaled.lowest_kwh))
    for step in range(own_from, scaled.count):
        add_energy_recursion(program, scaled, battery, step)
    add_band(program, scaled, battery, steps.weight, number)
    add_battery_costs(program, scaled, battery, steps.weight)
    return battery


def add_energy_recursion(program: Program, scaled: ScaledProblem, battery: BatteryVariables, step: int) -> None:
    """Carry the energy over: ``E_t = E_t-1 + h (eta_c charge_t - discharge_t / eta_d) - standby``."""
    h = scaled.step_h
    terms = [
        (battery.energy[step], 1.0),
        (battery.charge[step], -h * scaled.charge_efficiency),
        (battery.discharge[step], h / scaled.discharge_efficiency),
    ]
    if step == 0:
        program.equal(terms, scaled.start_kwh - scaled.standby_kwh)
    else:
        program.equal([*terms, (battery.energy[step - 1], -1.0)], -scaled.standby_kwh)


def add_band(program: Program, scaled: ScaledProblem, battery: BatteryVariables, weight: float, number: int) -> None:
    """Hold the band softly: ``E_t + below_t >= E_min`` and ``E_t - above_t <= E_max``, both slacks priced.

    Only on the side where the plan starts outside; else the band is the variable's own bounds, and resting keeps it.
    """
    price = weight * scaled.penalties.band_per_kwh
    for step, energy in enumerate(battery.energy):
        if scaled.start_kwh < scaled.min_kwh:
            below = program.variable(f"below_{number}_{step}")
            program.at_most([(energy, -1.0), (below, -1.0)], -scaled.min_kwh)
            program.cost(below, price)
        if scaled.start_kwh > scaled.max_kwh:
            above = program.variable(f"above_{number}_{step}")
            program.at_most([(energy, 1.0), (above, -1.0)], scaled.max_kwh)
            program.cost(above, price)


def add_battery_costs(program: Program, scaled: ScaledProblem, battery: BatteryVariables, weight: float) -> None:
    """Price wear, ``h wear discharge_t``, and credit what is left at the end, ``-terminal E_N``."""
    if scaled.wear_per_kwh:
        for discharge in battery.discharge:
            program.cost(discharge, weight * scaled.step_h * scaled.wear_per_kwh)
    program.cost(battery.energy[-1], -weight * scaled.terminal_per_kwh)
