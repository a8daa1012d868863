"""The whole program, put together."""

from __future__ import annotations

from dataclasses import dataclass

import pulp

from optimizer.planning.lp.battery import BatteryVariables, add_battery
from optimizer.planning.lp.exclusive import exclude_burning, exclude_crossing
from optimizer.planning.lp.grid import GridVariables, add_grid
from optimizer.planning.lp.program import Program
from optimizer.planning.lp.taste import add_taste
from optimizer.planning.scaled_problem import ScaledProblem


@dataclass(frozen=True, slots=True)
class Model:
    """PuLP's problem, and which of its variables means what in each scenario."""

    problem: pulp.LpProblem
    batteries: tuple[BatteryVariables, ...]
    grids: tuple[GridVariables, ...]
    binaries: int


def build_model(scaled: ScaledProblem, *, taste: bool = True) -> Model:
    """Return the two-stage program: one first interval for all scenarios, then each its own way."""
    program = Program()
    batteries: list[BatteryVariables] = []
    grids: list[GridVariables] = []
    binaries = 0
    for number, steps in enumerate(scaled.scenarios):
        battery = add_battery(program, scaled, steps, number, batteries[0] if batteries else None)
        grid = add_grid(program, scaled, steps, number, battery)
        binaries += exclude_burning(program, scaled, steps, number, battery)
        binaries += exclude_crossing(program, scaled, steps, number, grid)
        if taste:
            add_taste(program, scaled, battery, steps.weight)
        batteries.append(battery)
        grids.append(grid)
    return Model(program.finish(), tuple(batteries), tuple(grids), binaries)
