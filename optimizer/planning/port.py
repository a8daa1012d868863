"""The port every planner speaks through."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem


class Planner(Protocol):
    """From a problem to a checked plan."""

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or no plan could be trusted.
        """
        ...
