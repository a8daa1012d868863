"""The program under construction: PuLP's problem, and the expected cost of each variable."""

from __future__ import annotations

from collections.abc import Iterable

import pulp

Term = tuple[pulp.LpVariable, float]


class Program:
    """Collects variables, rows and costs, in the cheapest of PuLP's constructs.

    Adding expressions up with operators copies them each time and takes ten times as long as handing the terms over
    at once; a plan of many scenarios has tens of thousands of terms.
    """

    def __init__(self) -> None:
        self.problem = pulp.LpProblem("plan", pulp.LpMinimize)
        self._costs: dict[pulp.LpVariable, float] = {}

    def variable(self, name: str, highest: float | None = None, *, lowest: float = 0.0) -> pulp.LpVariable:
        """Return a new variable in ``[lowest, highest]``."""
        return self.problem.add_variable(name, lowest, highest)

    def binary(self, name: str) -> pulp.LpVariable:
        """Return a new variable that is 0 or 1."""
        return self.problem.add_variable(name, cat=pulp.LpBinary)

    def equal(self, terms: Iterable[Term], right: float) -> None:
        """Require ``sum(terms) == right``."""
        self._row(terms, pulp.LpConstraintEQ, right)

    def at_most(self, terms: Iterable[Term], right: float) -> None:
        """Require ``sum(terms) <= right``."""
        self._row(terms, pulp.LpConstraintLE, right)

    def cost(self, variable: pulp.LpVariable, price: float) -> None:
        """Add ``price * variable`` to the expected cost."""
        self._costs[variable] = self._costs.get(variable, 0.0) + price

    def finish(self) -> pulp.LpProblem:
        """Return PuLP's problem with the collected costs as its objective."""
        self.problem.setObjective(pulp.LpAffineExpression(self._costs))
        return self.problem

    def _row(self, terms: Iterable[Term], sense: int, right: float) -> None:
        self.problem.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(list(terms)), sense, rhs=right))
