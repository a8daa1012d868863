"""Futures that change into one another, written out as a tree: one linear program, and every way through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product

import pulp

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.planning.lp.solver import solve
from optimizer.planning.scaled_problem import ScaledProblem, Switches

History = tuple[int, ...]
"""Which future it was in each block of intervals so far."""


def tree_optimum(scaled: ScaledProblem) -> float:
    """Return the least expected cost where each decision knows which future it is in, and not what comes after.

    Balance, losses, limits, fines and terminal value are written anew here, one set of variables for each node of the
    tree and interval of its block. The first interval is decided before the future is known.
    """
    tree = _Tree(scaled)
    for history in _histories(scaled):
        tree.grow(history)
    tree.program += pulp.lpSum(tree.costs)
    return solve(tree.program, time_limit_s=60.0, binaries=False).objective


def known_ways(problem: PlanningProblem, share: float, starts: tuple[int, ...]) -> PlanningProblem:
    """Return the problem whose futures are all ways through the tree, each known to its end."""
    edges = [0, *starts, len(problem.grid)]
    weights = [one.weight for one in problem.scenarios]
    ways = []
    for way in product(range(len(weights)), repeat=len(edges) - 1):
        columns = [
            tuple(
                getattr(problem.scenarios[future], name)[step]
                for block, future in enumerate(way)
                for step in range(edges[block], edges[block + 1])
            )
            for name in ("load_w", "pv_w")
        ]
        ways.append(Scenario(weight=_probability(way, weights, share), load_w=columns[0], pv_w=columns[1]))
    return replace(problem, scenarios=tuple(way for way in ways if way.weight > 0.0), switching=None)


def _probability(history: History, weights: list[float], share: float) -> float:
    chance = weights[history[0]]
    for before, after in pairwise(history):
        chance *= share * weights[after] + (1.0 - share if before == after else 0.0)
    return chance


def _histories(scaled: ScaledProblem) -> Iterator[History]:
    """Yield every node, parents first."""
    futures, blocks = len(scaled.arrays.weights), len(_switches(scaled).starts) + 1
    for length in range(1, blocks + 1):
        yield from product(range(futures), repeat=length)


def _switches(scaled: ScaledProblem) -> Switches:
    assert scaled.switches is not None
    return scaled.switches


class _Tree:
    def __init__(self, scaled: ScaledProblem) -> None:
        self.scaled = scaled
        self.program = pulp.LpProblem("tree", pulp.LpMinimize)
        self.costs: list[pulp.LpAffineExpression] = []
        self._held: dict[History, pulp.LpAffineExpression] = {}
        self._shared: tuple[pulp.LpVariable, pulp.LpVariable] | None = None
        self._count = 0

    def grow(self, history: History) -> None:
        """Add the intervals of one node."""
        scaled = self.scaled
        edges = [0, *_switches(scaled).starts, scaled.count]
        chance = _probability(history, scaled.arrays.weights.tolist(), _switches(scaled).share)
        held = self._held[history[:-1]] if len(history) > 1 else scaled.start_kwh
        for step in range(edges[len(history) - 1], edges[len(history)]):
            held = self._interval(history[-1], step, held, chance)
        self._held[history] = held
        if edges[len(history)] == scaled.count:
            self.costs.append(-chance * scaled.terminal_per_kwh * held)

    def _variable(self, highest: float | None = None, lowest: float = 0.0) -> pulp.LpVariable:
        self._count += 1
        return self.program.add_variable(f"x{self._count}", lowest, highest)

    def _battery(self, future: int, step: int) -> tuple[pulp.LpVariable, pulp.LpVariable]:
        arrays = self.scaled.arrays
        if step == 0 and self._shared is not None:
            return self._shared
        charge = self._variable(float(arrays.max_charge_kw[future, step]))
        discharge = self._variable(float(arrays.max_discharge_kw[future, step]))
        if step == 0:
            self._shared = charge, discharge
        return charge, discharge

    def _interval(
        self, future: int, step: int, held: pulp.LpAffineExpression, chance: float
    ) -> pulp.LpAffineExpression:
        scaled, arrays, hours = self.scaled, self.scaled.arrays, self.scaled.step_h
        charge, discharge = self._battery(future, step)
        bought, sold = self._variable(), self._variable()
        curtailed = self._variable(float(arrays.pv_kw[future, step]) if scaled.curtailable else 0.0)
        net = float(arrays.net_load_kw[future, step])
        self.program += bought - sold == net + charge - discharge + curtailed
        money = float(arrays.buy[future, step]) * bought - float(arrays.sell[future, step]) * sold
        cost = hours * (money + scaled.wear_per_kwh * discharge)
        for flow, limit in ((bought, scaled.import_limit_kw), (sold, scaled.export_limit_kw)):
            if limit is not None:
                excess = self._variable()
                self.program += flow <= limit + excess
                cost += hours * scaled.penalties.limit_per_kwh * excess
        stored = scaled.charge_efficiency * charge - discharge * (1.0 / scaled.discharge_efficiency)
        after = held + hours * stored - scaled.standby_kwh
        below, above = (self._variable(None if scaled.leaves_band else 0.0) for _ in range(2))
        self.program += after + below >= scaled.min_kwh
        self.program += after - above <= scaled.max_kwh
        self.program += after >= scaled.lowest_kwh
        self.program += after <= scaled.highest_kwh
        self.costs.append(chance * (cost + scaled.penalties.band_per_kwh * (below + above)))
        return after
