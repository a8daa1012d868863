"""Always a plan: the linear program where it can prove one in time, the recursion where it cannot."""

from __future__ import annotations

import logging
from datetime import datetime

from optimizer.clock import Clock
from optimizer.domain.plan import Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.checker import check_problem
from optimizer.planning.lp.exclusive import binaries_needed
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.port import Planner
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.scaled_problem import scale_problem

log = logging.getLogger(__name__)

MOST_BINARIES = 100
"""With more binaries the recursion plans at once.

20 futures with 32 negative quarter hours each take 640: after 10 s of search the program's best plan was still worse
than the recursion's, found in 0.25 s (-1.3139 against -1.3195). One future with 32 is proven in 0.14 s.
"""


class ReliablePlanner:
    """The linear program first; the recursion where the program would take too long, or fails.

    Parameters
    ----------
    clock
        Measures how long a plan takes.
    time_limit_s
        Longest the solver may search [s].
    program, recursion
        The two ways; by default the real ones.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        time_limit_s: float = 10.0,
        program: Planner | None = None,
        recursion: Planner | None = None,
    ) -> None:
        self._program = program or LinearProgramPlanner(clock=clock, time_limit_s=time_limit_s)
        self._recursion = recursion or RecursionPlanner(clock=clock)
        self._warned = False

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or neither way led to a plan.
        """
        check_problem(problem)
        if binaries_needed(scale_problem(problem)) > MOST_BINARIES:
            return self._recursion.plan(problem, made_at=made_at)
        try:
            plan = self._program.plan(problem, made_at=made_at)
        except PlanningError as error:
            self._warn(str(error))
            return self._recursion.plan(problem, made_at=made_at)
        self._warned = False
        if plan.status is PlanStatus.OPTIMAL:
            return plan
        return self._better(plan, problem, made_at)

    def _better(self, plan: Plan, problem: PlanningProblem, made_at: datetime) -> Plan:
        """Return the cheaper of an unproven plan and the recursion's; the one with less to flag goes first."""
        try:
            other = self._recursion.plan(problem, made_at=made_at)
        except PlanningError:
            return plan
        return min(plan, other, key=lambda one: (len(one.flags), one.objective))

    def _warn(self, why: str) -> None:
        """Say it once, not every quarter of an hour."""
        log.log(logging.DEBUG if self._warned else logging.WARNING, "%s; the recursion plans instead", why)
        self._warned = True
