"""The connection's part: balance, import, export, curtailment, their limits, the billing peak."""

from __future__ import annotations

from dataclasses import dataclass

import pulp

from optimizer.planning.lp.battery import BatteryVariables
from optimizer.planning.lp.program import Program, Term
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps


@dataclass(frozen=True, slots=True)
class GridVariables:
    """The connection along one future; every list has shape (count,)."""

    imports: list[list[Term]]
    """Import as a sum of terms: within the limit, and above it where that can happen [kW]."""
    exports: list[list[Term]]
    """Export likewise [kW]."""
    curtailed: dict[int, pulp.LpVariable]
    """By interval, only where curtailing may pay [kW]."""


def add_grid(
    program: Program, scaled: ScaledProblem, steps: ScenarioSteps, number: int, battery: BatteryVariables
) -> GridVariables:
    """Add the connection along scenario ``number``."""
    h, weight = scaled.step_h, steps.weight
    grid = GridVariables([], [], {})
    for step, (buy, sell) in enumerate(zip(steps.buy, steps.sell, strict=True)):
        place, fine = f"{number}_{step}", weight * h * scaled.penalties.limit_per_kwh
        import_fine, export_fine = (fine if may else None for may in limits_may_break(scaled, steps, step))
        grid.imports.append(add_flow(program, f"import_{place}", scaled.import_limit_kw, weight * h * buy, import_fine))
        grid.exports.append(
            add_flow(program, f"export_{place}", scaled.export_limit_kw, -weight * h * sell, export_fine)
        )
        if curtailing_may_pay(scaled, steps, step):
            grid.curtailed[step] = program.variable(f"curtailed_{place}", steps.pv_kw[step])
        add_balance(program, steps, battery, grid, step)
    add_billing_peak(program, scaled, grid, number, weight)
    return grid


def limits_may_break(scaled: ScaledProblem, steps: ScenarioSteps, step: int) -> tuple[bool, bool]:
    """Return whether the house can be unable to keep the import and the export limit.

    The battery's own bounds keep it from pushing the house over a limit. So a limit breaks only where the house does so
    by itself, with the battery at rest but for its standing loss, and all PV curtailed that may be.
    """
    net_kw = steps.net_load_kw[step]
    resting = net_kw + scaled.standby_kwh / scaled.step_h / scaled.charge_efficiency
    over_import = scaled.import_limit_kw is not None and resting > scaled.import_limit_kw
    over_export = scaled.export_limit_kw is not None and not scaled.curtailable and -net_kw > scaled.export_limit_kw
    return over_import, over_export


def curtailing_may_pay(scaled: ScaledProblem, steps: ScenarioSteps, step: int) -> bool:
    """Return whether there is PV to curtail, and a price or a limit that may make it worth while."""
    if not scaled.curtailable or steps.pv_kw[step] <= 0.0:
        return False
    return scaled.export_limit_kw is not None or min(steps.buy[step], steps.sell[step]) < 0.0


def add_flow(program: Program, name: str, limit: float | None, price: float, fine: float | None) -> list[Term]:
    """Add a flow through the connection: ``flow = within + excess``, ``0 <= within <= limit``.

    The excess costs ``fine`` more; without a fine there is none.
    """
    within = program.variable(name, limit)
    program.cost(within, price)
    if fine is None:
        return [(within, 1.0)]
    excess = program.variable(f"{name}_excess")
    program.cost(excess, price + fine)
    return [(within, 1.0), (excess, 1.0)]


def add_balance(
    program: Program, steps: ScenarioSteps, battery: BatteryVariables, grid: GridVariables, step: int
) -> None:
    """Close the balance: ``import - export = load - pv + charge - discharge + curtailed``."""
    terms = [*grid.imports[step], *negated(grid.exports[step])]
    terms += [(battery.charge[step], -1.0), (battery.discharge[step], 1.0)]
    if step in grid.curtailed:
        terms.append((grid.curtailed[step], -1.0))
    program.equal(terms, steps.net_load_kw[step])


def add_billing_peak(program: Program, scaled: ScaledProblem, grid: GridVariables, number: int, weight: float) -> None:
    """Price the billing peak above the one already paid for: ``import_t - rise <= peak so far``, ``rise >= 0``.

    Over the intervals whose import counts.
    """
    if not scaled.peak_price_per_kw:
        return
    rise = program.variable(f"peak_rise_{number}")
    program.cost(rise, weight * scaled.peak_price_per_kw)
    for imports, counts in zip(grid.imports, scaled.peak_counts, strict=True):
        if counts:
            program.at_most([*imports, (rise, -1.0)], scaled.peak_so_far_kw)


def negated(terms: list[Term]) -> list[Term]:
    """Return the terms with the opposite sign."""
    return [(variable, -factor) for variable, factor in terms]
