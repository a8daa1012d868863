"""What plain self-consumption would cost over a planning problem: the bar that every plan has to clear."""

from __future__ import annotations

from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import grid_power_w, self_consumption_power_w

TOLERANCE, TOLERANCE_SHARE = 0.02, 0.005
"""A plan may seem worse by this much: rounding, and the solver's own tolerances [currency, 1]."""


def why_worse_than_nothing(plan: Plan) -> str | None:
    """Return why a plan would do worse than plain self-consumption, by its own expectations; None: it does not.

    Only where self-consumption keeps to the limits of the connection, and the battery starts within its band: a plan
    may rightly pay for keeping to them.
    """
    problem = plan.problem
    if not problem.battery.min_soc <= problem.initial_soc <= problem.battery.max_soc:
        return None
    nothing = self_consumption_objective(problem)
    if nothing is None:
        return None
    allowed = TOLERANCE + TOLERANCE_SHARE * abs(nothing) + _price_of_a_shared_first_step(problem)
    if plan.objective <= nothing + allowed:
        return None
    return f"the plan is expected to cost {plan.objective:.2f}, plain self-consumption {nothing:.2f}"


def self_consumption_objective(problem: PlanningProblem) -> float | None:
    """Return the expected objective of self-consumption, as the planner counts it; None: it breaks a limit [currency].

    Energy cost + wear + demand charge above the peak so far - worth of the energy left.
    """
    total, peak_w = 0.0, 0.0
    for scenario in problem.scenarios:
        walked = _walk(problem, scenario)
        if walked is None:
            return None
        cost, scenario_peak_w = walked
        total += scenario.weight * cost
        peak_w += scenario.weight * scenario_peak_w
    return total + peak_w / 1000.0 * (problem.demand_charge.price_per_kw if problem.demand_charge else 0.0)


def _walk(problem: PlanningProblem, scenario: Scenario) -> tuple[float, float] | None:
    """Return cost and peak above the peak so far along one future [currency, W]."""
    battery, hours = problem.battery, problem.grid.step_h
    buy = scenario.import_price_per_kwh or problem.import_price_per_kwh
    sell = scenario.export_price_per_kwh or problem.export_price_per_kwh
    charge = problem.demand_charge
    energy_wh, cost, peak_w = battery.energy_wh(problem.initial_soc), 0.0, 0.0
    for index, (load_w, pv_w) in enumerate(zip(scenario.load_w, scenario.pv_w, strict=True)):
        power_w = _follow(problem, energy_wh, self_consumption_power_w(load_w=load_w, pv_w=pv_w))
        grid_w = grid_power_w(load_w=load_w, battery_power_w=power_w, pv_w=pv_w)
        if _breaks_limit(problem, grid_w):
            return None
        price = buy[index] if grid_w >= 0 else sell[index]
        cost += hours / 1000.0 * (price * grid_w + battery.wear_cost_per_kwh * max(0.0, -power_w))
        energy_wh = max(0.0, energy_wh + hours * (battery.stored_power_w(power_w) - battery.standby_w))
        if charge is not None and charge.counts_in(index):
            peak_w = max(peak_w, grid_w - charge.peak_so_far_w)
    return cost - problem.terminal_value_per_kwh * energy_wh / 1000.0, peak_w


def _follow(problem: PlanningProblem, energy_wh: float, power_w: float) -> float:
    """Return what the battery does of the power asked for, within its band [W].

    At the lower end it feeds its standing loss from the house, as the planner has it: a loss that is free here and paid
    for there would make every plan look worse.
    """
    battery, hours = problem.battery, problem.grid.step_h
    room_w = battery.ac_power_w(max(0.0, battery.max_energy_wh - energy_wh) / hours)
    floor_wh = min(battery.min_energy_wh, energy_wh)
    lowest_w = battery.ac_power_w((floor_wh - energy_wh) / hours + battery.standby_w)
    return max(min(power_w, battery.max_charge_w, room_w), -battery.max_discharge_w, lowest_w)


def _breaks_limit(problem: PlanningProblem, grid_w: float) -> bool:
    connection = problem.connection
    if connection.max_import_w is not None and grid_w > connection.max_import_w + 1.0:
        return True
    return connection.max_export_w is not None and -grid_w > connection.max_export_w + 1.0


def _price_of_a_shared_first_step(problem: PlanningProblem) -> float:
    """Return what the first interval can cost a plan more because one power must suit all futures [currency].

    Self-consumption follows each future's load; the planner's first decision does not, and the control loop mends it.
    """
    net_w = [one.load_w[0] - one.pv_w[0] for one in problem.scenarios]
    prices = (problem.import_price_per_kwh[0], problem.export_price_per_kwh[0], problem.terminal_value_per_kwh)
    return (max(net_w) - min(net_w)) / 1000.0 * problem.grid.step_h * 2.0 * max(abs(price) for price in prices)
