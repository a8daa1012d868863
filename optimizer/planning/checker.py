"""The independent checker of every plan.

Written apart from the model and sharing none of its equations: watts and watt-hours, straight from the domain's
records. A mistake in the program does not repeat here.

With several futures the steps of a plan are the *expected path*: each figure is the mean over the futures' own paths.
Balance and bounds carry over to the mean exactly. The stored energy does not: one future charges while another
discharges, so the mean lies between what the mean power would store and what the widest mixture would. The objective is
the mean of the futures' costs, never below the cost of the mean path. Each future's own path is checked to the letter
by :func:`check_paths`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.plan import FlagKind, Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.planning.paths import ScenarioPath

POWER_TOLERANCE_W = 0.5
ENERGY_TOLERANCE_WH = 0.05
MONEY_TOLERANCE = 1e-5
"""[currency]"""
SLOPE_TOLERANCE = 1e-6
"""[currency/kWh]"""


def check_plan(plan: Plan) -> list[str]:
    """Return what is wrong with a plan, each violation as a sentence; empty where all holds."""
    problem = plan.problem
    if len(plan.steps) != len(problem.grid) or len(plan.values) != len(problem.grid):
        return [f"{len(plan.steps)} steps and {len(plan.values)} values for {len(problem.grid)} intervals"]
    if not all(math.isfinite(figure) for figure in _figures(plan)):
        return ["a figure of the plan is not finite"]
    return [
        *_balance(plan),
        *_power_bounds(plan),
        *_limits(plan),
        *_switches(plan),
        *_state_of_charge(plan),
        *_money(plan),
        *_values(plan),
    ]


def check_paths(plan: Plan, paths: Sequence[ScenarioPath]) -> list[str]:
    """Return what is wrong with the futures' own paths, or with the plan as their mean."""
    problem = plan.problem
    violations = [
        f"scenario {number}: {violation}"
        for number, (scenario, path) in enumerate(zip(problem.scenarios, paths, strict=True))
        for violation in _path(problem, scenario, path)
    ]
    first = [path.battery_kw[0] for path in paths]
    if max(first) - min(first) > POWER_TOLERANCE_W / 1000.0:
        violations.append(f"the first interval is not shared: {min(first):.3f} to {max(first):.3f} kW")
    weights = [scenario.weight for scenario in problem.scenarios]
    costs = [_path_cost(problem, scenario, path) for scenario, path in zip(problem.scenarios, paths, strict=True)]
    expected = sum(weight * cost for weight, cost in zip(weights, costs, strict=True))
    if abs(expected - plan.objective) > MONEY_TOLERANCE * max(1.0, abs(expected)):
        violations.append(f"objective {plan.objective:.6f}, its paths cost {expected:.6f}")
    for index, step in enumerate(plan.steps):
        mean_kw = sum(weight * path.battery_kw[index] for weight, path in zip(weights, paths, strict=True))
        if abs(1000.0 * mean_kw - step.battery_power_w) > POWER_TOLERANCE_W:
            violations.append(f"interval {index}: battery {step.battery_power_w:.1f} W is not the mean of the futures")
    return violations


def _figures(plan: Plan) -> Iterator[float]:
    yield plan.objective
    yield plan.energy_cost if plan.energy_cost is not None else math.nan
    for step in plan.steps:
        yield from (step.battery_power_w, step.grid_power_w, step.curtailed_w, step.soc_end, step.energy_value_per_kwh)


def _mean(problem: PlanningProblem, name: str, index: int) -> float:
    return sum(float(scenario.weight * getattr(scenario, name)[index]) for scenario in problem.scenarios)


def _balance(plan: Plan) -> Iterator[str]:
    """``grid = load + battery - pv + curtailed``."""
    for index, step in enumerate(plan.steps):
        load, pv = _mean(plan.problem, "load_w", index), _mean(plan.problem, "pv_w", index)
        residual = step.grid_power_w - (load + step.battery_power_w - pv + step.curtailed_w)
        if abs(residual) > POWER_TOLERANCE_W:
            yield f"interval {index}: the balance is off by {residual:.1f} W"


def _standby_trickle_w(battery: Battery) -> float:
    """Return the AC power that feeds the standing loss: always allowed, for the device takes it anyway [W]."""
    return battery.standby_w / battery.charge_efficiency


def _power_bounds(plan: Plan) -> Iterator[str]:
    problem, battery = plan.problem, plan.problem.battery
    highest = max(battery.max_charge_w, _standby_trickle_w(battery))
    for index, step in enumerate(plan.steps):
        if not -battery.max_discharge_w - POWER_TOLERANCE_W <= step.battery_power_w <= highest + POWER_TOLERANCE_W:
            yield f"interval {index}: battery power {step.battery_power_w:.1f} W is beyond the battery"
        most = _mean(problem, "pv_w", index) if problem.connection.curtailable else 0.0
        if not -POWER_TOLERANCE_W <= step.curtailed_w <= most + POWER_TOLERANCE_W:
            yield f"interval {index}: {step.curtailed_w:.1f} W curtailed of {most:.1f} W that can be"


def _limits(plan: Plan) -> Iterator[str]:
    """Hold the plan to the connection's limits, unless it says itself that it breaks them."""
    connection, flagged = plan.problem.connection, {flag.kind for flag in plan.flags}
    rules = (
        ("import", 1.0, connection.max_import_w, FlagKind.IMPORT_LIMIT_EXCEEDED),
        ("export", -1.0, connection.max_export_w, FlagKind.EXPORT_LIMIT_EXCEEDED),
    )
    for name, sign, limit, kind in rules:
        if limit is None or kind in flagged:
            continue
        for index, step in enumerate(plan.steps):
            if sign * step.grid_power_w > limit + 2 * POWER_TOLERANCE_W:
                yield f"interval {index}: {name} of {sign * step.grid_power_w:.1f} W above the limit, not flagged"


def _switches(plan: Plan) -> Iterator[str]:
    """No charging beyond the surplus, no discharging beyond the deficit, where the site forbids it."""
    problem, connection = plan.problem, plan.problem.connection
    trickle = _standby_trickle_w(problem.battery)
    for index, step in enumerate(plan.steps):
        nets = [(scenario.weight, scenario.load_w[index] - scenario.pv_w[index]) for scenario in problem.scenarios]
        surplus = sum(weight * max(0.0, -net, trickle) for weight, net in nets)
        deficit = sum(weight * max(0.0, net) for weight, net in nets)
        if not connection.grid_charging and step.battery_power_w > surplus + POWER_TOLERANCE_W:
            yield f"interval {index}: charges {step.battery_power_w:.1f} W from a surplus of {surplus:.1f} W"
        if not connection.battery_export and -step.battery_power_w > deficit + POWER_TOLERANCE_W:
            yield f"interval {index}: discharges {-step.battery_power_w:.1f} W into a need of {deficit:.1f} W"


def _state_of_charge(plan: Plan) -> Iterator[str]:
    problem, battery = plan.problem, plan.problem.battery
    flagged = {flag.kind for flag in plan.flags}
    slack = ENERGY_TOLERANCE_WH / battery.usable_capacity_wh
    before = problem.initial_soc
    for index, step in enumerate(plan.steps):
        lowest, highest = _stored_wh(problem, step.battery_power_w, mixed=len(problem.scenarios) > 1)
        change = (step.soc_end - before) * battery.usable_capacity_wh
        if not lowest - ENERGY_TOLERANCE_WH <= change <= highest + ENERGY_TOLERANCE_WH:
            yield f"interval {index}: stored {change:.2f} Wh, its power stores {lowest:.2f} to {highest:.2f} Wh"
        if step.soc_end < battery.min_soc - slack and FlagKind.SOC_BELOW_BAND not in flagged:
            yield f"interval {index}: state of charge {step.soc_end:.4f} below the band, not flagged"
        if step.soc_end > battery.max_soc + slack and FlagKind.SOC_ABOVE_BAND not in flagged:
            yield f"interval {index}: state of charge {step.soc_end:.4f} above the band, not flagged"
        if not -slack <= step.soc_end <= 1.0 + slack:
            yield f"interval {index}: state of charge {step.soc_end:.4f} is not of this world"
        before = step.soc_end


def _stored_wh(problem: PlanningProblem, power_w: float, *, mixed: bool) -> tuple[float, float]:
    """Return the least and the most that can be stored in an interval of a mean power [Wh].

    The store fills by a concave function of the power: a mixture of powers stores at most what their mean does, and at
    least what a mixture of full charge and full discharge does.
    """
    battery, h = problem.battery, problem.grid.step_h
    loss = h * battery.standby_w
    most = h * battery.stored_power_w(power_w)
    if not mixed:
        return most - loss, most - loss
    low, high = -battery.max_discharge_w, max(battery.max_charge_w, _standby_trickle_w(battery))
    share = (power_w - low) / (high - low) if high > low else 1.0
    least = h * ((1.0 - share) * battery.stored_power_w(low) + share * battery.stored_power_w(high))
    return min(least, most) - loss, most - loss


def _grid_cost(hours: float, power_w: float, buy: float, sell: float) -> float:
    return hours * power_w / 1000.0 * (buy if power_w > 0.0 else sell)


def _money(plan: Plan) -> Iterator[str]:
    """Hold the objective to what the steps cost; with several futures it may be more, unless prices cross."""
    problem = plan.problem
    if len(problem.scenarios) > 1:
        own_prices = any(s.import_price_per_kwh or s.export_price_per_kwh for s in problem.scenarios)
        pairs = zip(problem.import_price_per_kwh, problem.export_price_per_kwh, strict=True)
        if own_prices or any(sell > buy for buy, sell in pairs):
            return
    energy, rest = _steps_cost(plan)
    slack = MONEY_TOLERANCE * max(1.0, abs(energy) + abs(rest))
    single = len(problem.scenarios) == 1
    for name, stated, found in (
        ("energy cost", math.nan if plan.energy_cost is None else plan.energy_cost, energy),
        ("objective", plan.objective, energy + rest),
    ):
        if found > stated + slack or (single and found < stated - slack):
            yield f"{name} {stated:.6f}, the steps cost {found:.6f}"


def _steps_cost(plan: Plan) -> tuple[float, float]:
    """Return the energy cost of the steps, and wear, demand charge and terminal value."""
    problem, h = plan.problem, plan.problem.grid.step_h
    scenario = problem.scenarios[0]
    buys = scenario.import_price_per_kwh or problem.import_price_per_kwh
    sells = scenario.export_price_per_kwh or problem.export_price_per_kwh
    prices = zip(plan.steps, buys, sells, strict=True)
    energy = sum(_grid_cost(h, step.grid_power_w, buy, sell) for step, buy, sell in prices)
    powers = [step.battery_power_w for step in plan.steps]
    grid = [step.grid_power_w for step in plan.steps]
    return energy, _other_costs(problem, powers, grid, plan.steps[-1].soc_end)


def _other_costs(problem: PlanningProblem, battery_w: list[float], grid_w: list[float], last_soc: float) -> float:
    battery, demand = problem.battery, problem.demand_charge
    discharged_kwh = problem.grid.step_h * sum(max(0.0, -power) for power in battery_w) / 1000.0
    left_kwh = last_soc * battery.usable_capacity_wh / 1000.0
    cost = battery.wear_cost_per_kwh * discharged_kwh - problem.terminal_value_per_kwh * left_kwh
    if demand is not None:
        counts = demand.counts or (True,) * len(grid_w)
        highest_w = max((power for power, billed in zip(grid_w, counts, strict=True) if billed), default=0.0)
        cost += demand.price_per_kw * max(0.0, highest_w - demand.peak_so_far_w) / 1000.0
    return cost


def _path_cost(problem: PlanningProblem, scenario: Scenario, path: ScenarioPath) -> float:
    buys = scenario.import_price_per_kwh or problem.import_price_per_kwh
    sells = scenario.export_price_per_kwh or problem.export_price_per_kwh
    grid_w = [1000.0 * power for power in path.grid_kw]
    hours = problem.grid.step_h
    energy = sum(
        _grid_cost(hours, power, *pair) for power, pair in zip(grid_w, zip(buys, sells, strict=True), strict=True)
    )
    last_soc = 1000.0 * path.energy_kwh[-1] / problem.battery.usable_capacity_wh
    return energy + _other_costs(problem, [1000.0 * power for power in path.battery_kw], grid_w, last_soc)


def _path(problem: PlanningProblem, scenario: Scenario, path: ScenarioPath) -> Iterator[str]:
    """One future, to the letter: balance and energy from one power per interval, so never both ways at once."""
    battery, hours = problem.battery, problem.grid.step_h
    before_wh = battery.energy_wh(problem.initial_soc)
    columns = (scenario.load_w, scenario.pv_w, path.battery_kw, path.grid_kw, path.curtailed_kw, path.energy_kwh)
    for index, (load, pv, battery_kw, grid_kw, curtailed_kw, kwh) in enumerate(zip(*columns, strict=True)):
        power_w = 1000.0 * battery_kw
        residual = 1000.0 * (grid_kw - curtailed_kw) - (load + power_w - pv)
        if not abs(residual) <= POWER_TOLERANCE_W:
            yield f"interval {index}: the balance is off by {residual:.1f} W"
        expected_wh = before_wh + hours * (battery.stored_power_w(power_w) - battery.standby_w)
        if not abs(1000.0 * kwh - expected_wh) <= ENERGY_TOLERANCE_WH:
            yield f"interval {index}: holds {1000.0 * kwh:.2f} Wh, the power leads to {expected_wh:.2f} Wh"
        before_wh = 1000.0 * kwh


def _values(plan: Plan) -> Iterator[str]:
    for index, value in enumerate(plan.values):
        yield from (f"interval {index}: {fault}" for fault in value_faults(value, plan.problem.battery))


def value_faults(value: EnergyValue, battery: Battery) -> Iterator[str]:
    """Yield what is wrong with a worth of stored energy."""
    if not all(map(math.isfinite, (*value.energy_wh, *value.slope_per_kwh, value.value_at_lowest))):
        yield "the worth of energy is not finite"
    if any(right < left for left, right in pairwise(value.energy_wh)):
        yield "the breakpoints of the worth of energy are not increasing"
    if any(right > left + SLOPE_TOLERANCE for left, right in pairwise(value.slope_per_kwh)):
        yield "the worth of energy is not concave"
    if (
        abs(value.lowest_wh) > ENERGY_TOLERANCE_WH
        or abs(value.highest_wh - battery.usable_capacity_wh) > ENERGY_TOLERANCE_WH
    ):
        yield "the worth of energy does not cover the battery"
