"""What plain self-consumption would cost over a planning problem: the bar that every plan has to clear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem

Floats = NDArray[np.float64]

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
    costs = _costs_of_nothing(problem)
    if costs is None:
        return None
    nothing = _expected(problem, costs)
    allowed = TOLERANCE + TOLERANCE_SHARE * abs(nothing) + _price_of_a_shared_first_step(problem)
    allowed += _price_of_switching(problem, costs)
    if plan.objective <= nothing + allowed:
        return None
    return f"the plan is expected to cost {plan.objective:.2f}, plain self-consumption {nothing:.2f}"


def self_consumption_objective(problem: PlanningProblem) -> float | None:
    """Return the expected objective of self-consumption, as the planner counts it; None: it breaks a limit [currency].

    Energy cost + wear + demand charge above the peak so far - worth of the energy left.
    """
    costs = _costs_of_nothing(problem)
    return None if costs is None else _expected(problem, costs)


def _costs_of_nothing(problem: PlanningProblem) -> Floats | None:
    """Return what self-consumption costs along each future, shape (scenarios,) [currency]."""
    futures, battery, hours = problem.scenarios, problem.battery, problem.grid.step_h
    net_w = np.array([one.load_w for one in futures]) - np.array([one.pv_w for one in futures])
    power_w, left_wh = _follow(problem, net_w)
    grid_w = net_w + power_w
    if _breaks_limit(problem, grid_w):
        return None
    buy = np.array([one.import_price_per_kwh or problem.import_price_per_kwh for one in futures])
    sell = np.array([one.export_price_per_kwh or problem.export_price_per_kwh for one in futures])
    per_kwh = np.where(grid_w >= 0.0, buy, sell) * grid_w + battery.wear_cost_per_kwh * np.maximum(0.0, -power_w)
    costs = hours / 1000.0 * per_kwh.sum(axis=1) - problem.terminal_value_per_kwh * left_wh / 1000.0
    objectives: Floats = costs + _demand_costs(problem, grid_w)
    return objectives


def _expected(problem: PlanningProblem, per_future: Floats) -> float:
    return float(np.dot([one.weight for one in problem.scenarios], per_future))


def _follow(problem: PlanningProblem, net_w: Floats) -> tuple[Floats, Floats]:
    """Return what the battery does, shape (scenarios, count) [W], and the energy left at the end [Wh].

    It follows the house within its band. At the lower end it feeds its standing loss from the house, as the planner has
    it: a loss that is free here and paid for there would make every plan look worse.
    """
    battery, hours = problem.battery, problem.grid.step_h
    wanted_w = np.clip(-net_w, -battery.max_discharge_w, battery.max_charge_w)
    per_w = np.where(wanted_w >= 0.0, hours * battery.charge_efficiency, hours / battery.discharge_efficiency)
    wanted_wh = (wanted_w * per_w).T.copy()
    loss_wh = hours * battery.standby_w
    energy_wh = np.full(len(net_w), battery.energy_wh(problem.initial_soc))
    stored_wh = np.empty_like(wanted_wh)
    for wish, stored in zip(wanted_wh, stored_wh, strict=True):
        np.minimum(wish, np.maximum(battery.max_energy_wh - energy_wh, 0.0), out=stored)
        np.maximum(stored, np.minimum(battery.min_energy_wh - energy_wh, 0.0) + loss_wh, out=stored)
        energy_wh = np.maximum(energy_wh + stored - loss_wh, 0.0)
    per_wh = np.where(stored_wh >= 0.0, 1.0 / battery.charge_efficiency, battery.discharge_efficiency)
    power_w: Floats = (stored_wh * per_wh / hours).T
    return np.maximum(power_w, -battery.max_discharge_w), energy_wh


def _breaks_limit(problem: PlanningProblem, grid_w: Floats) -> bool:
    connection = problem.connection
    if connection.max_import_w is not None and float(grid_w.max()) > connection.max_import_w + 1.0:
        return True
    return connection.max_export_w is not None and float(-grid_w.min()) > connection.max_export_w + 1.0


def _demand_costs(problem: PlanningProblem, grid_w: Floats) -> Floats:
    """Return what each future's higher billing peak costs, shape (scenarios,) [currency]."""
    charge = problem.demand_charge
    if charge is None:
        return np.zeros(len(grid_w))
    counts = np.array([charge.counts_in(index) for index in range(grid_w.shape[1])])
    above_w: Floats = (grid_w - charge.peak_so_far_w)[:, counts].max(axis=1, initial=0.0)
    return above_w / 1000.0 * charge.price_per_kw


def _price_of_a_shared_first_step(problem: PlanningProblem) -> float:
    """Return what the first interval can cost a plan more because one power must suit all futures [currency].

    Self-consumption follows each future's load; the planner's first decision does not, and the control loop mends it.
    """
    net_w = [one.load_w[0] - one.pv_w[0] for one in problem.scenarios]
    prices = (problem.import_price_per_kwh[0], problem.export_price_per_kwh[0], problem.terminal_value_per_kwh)
    return (max(net_w) - min(net_w)) / 1000.0 * problem.grid.step_h * 2.0 * max(abs(price) for price in prices)


def _price_of_switching(problem: PlanningProblem, costs: Floats) -> float:
    """Return by how much a plan may seem dearer because it expects its futures to change into one another [currency].

    It is held against futures that stay what they are. Those it reckons with cost as much as a mixture of these, whose
    distance from each is taken as the share that switches of their mean deviation.
    """
    if problem.switching is None:
        return 0.0
    return problem.switching.share * _expected(problem, np.abs(costs - _expected(problem, costs)))
