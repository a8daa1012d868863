"""The recursion, held to the linear program now and then: two ways to the same optimum, each checking the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from optimizer.clock import Clock
from optimizer.domain.plan import FlagKind, Plan, PlanFlag, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.optima import Optima, both_optima
from optimizer.planning.port import Planner
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.reliable_planner import ReliablePlanner

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
"""How often the program solves what the recursion has planned."""

AGREEMENT = 1e-5
"""The optima may differ by this share of the larger of 1, the optimum, and a kilowatt of billing peak [1]."""


class CrossCheckedPlanner:
    """The recursion wherever it is exact, the linear program where it is not, and from the day they disagree.

    Parameters
    ----------
    clock
        Measures how long a plan takes, and when the next check is due.
    time_limit_s
        Longest the solver may search for one plan [s].
    recursion, otherwise
        What plans where the recursion is exact, and what plans where it is not; by default the real ones.
    optima
        Solves a problem both ways; None where one of them has nothing to say about it.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        time_limit_s: float = 10.0,
        recursion: Planner | None = None,
        otherwise: Planner | None = None,
        optima: Callable[[PlanningProblem, float], Optima | None] = both_optima,
    ) -> None:
        self._clock, self._time_limit_s = clock, time_limit_s
        self._recursion = recursion or RecursionPlanner(clock=clock)
        self._otherwise = otherwise or ReliablePlanner(clock=clock, time_limit_s=time_limit_s)
        self._optima = optima
        self._checked_s: float | None = None
        self._disagreement: str | None = None

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or neither way led to a plan.
        """
        plan = self._by_recursion(problem, made_at) if self._disagreement is None else None
        if plan is not None and self._is_due():
            self._check(problem)
        if plan is None or self._disagreement is not None:
            plan = self._otherwise.plan(problem, made_at=made_at)
        return plan if self._disagreement is None else _flagged(plan, self._disagreement)

    def _by_recursion(self, problem: PlanningProblem, made_at: datetime) -> Plan | None:
        """Return the recursion's plan; None where it is not exact, or leads to none."""
        try:
            plan = self._recursion.plan(problem, made_at=made_at)
        except PlanningError as error:
            # A malformed problem fails the other way as well, and says so there.
            log.warning("the recursion has no plan: %s", error)
            return None
        return plan if plan.status is PlanStatus.OPTIMAL else None

    def _is_due(self) -> bool:
        return self._checked_s is None or self._clock.elapsed() - self._checked_s >= EVERY.total_seconds()

    def _check(self, problem: PlanningProblem) -> None:
        """Solve a problem both ways; where they disagree, trust the program from now on."""
        self._checked_s = self._clock.elapsed()
        try:
            optima = self._optima(problem, self._time_limit_s)
        except Exception as error:
            # Whatever a solver raises: a check that cannot be made says nothing against the plan.
            log.warning("the recursion could not be checked against the linear program: %r", error)
            return
        if optima is None or optima.differ_by <= AGREEMENT * optima.scale:
            return
        self._disagreement = f"{optima}; the linear program plans until the next start"
        log.warning("%s; please report this with a dump of the problem (`sunshift plan --dump`)", self._disagreement)


def _flagged(plan: Plan, why: str) -> Plan:
    flag = PlanFlag(kind=FlagKind.METHODS_DISAGREE, message=why)
    return replace(plan, flags=(*plan.flags, flag))
