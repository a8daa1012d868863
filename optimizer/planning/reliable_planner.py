"""Always a plan: the linear program where it can prove one in time, the recursion where it cannot."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from optimizer.clock import Clock
from optimizer.domain.plan import FlagKind, Plan, PlanFlag, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.lp.exclusive import binaries_needed
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.port import Planner
from optimizer.planning.problem_check import check_problem
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem

log = logging.getLogger(__name__)

MOST_BINARIES = 50
"""With more binaries the recursion plans at once; so it does with any, where there are several futures.

One future with 48 is proven in less than a second; with 64 it can take 10 s. Futures multiply the search: two with 16
each took 9 s to prove the recursion's own plan, and 20 with 32 each had after 10 s a worse one (-1.3139 against
-1.3195, found in 0.25 s). Without binaries there is no search, whatever the futures.
"""


UNPROVEN = "the program's plan is not proven in time"


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
        self._told: set[str] = set()

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or neither way led to a plan.
        """
        check_problem(problem)
        if not search_is_short(scale_problem(problem)):
            return self._stand_in(problem, made_at, "negative or crossed prices ask for a long search", "search")
        try:
            plan = self._program.plan(problem, made_at=made_at)
        except Exception as error:
            # Whatever fails in a solver or its bindings: the home still needs a plan.
            why = str(error) if isinstance(error, PlanningError) else repr(error)
            return self._stand_in(problem, made_at, why, type(error).__name__, level=logging.WARNING)
        if plan.status is PlanStatus.OPTIMAL:
            self._told.clear()
            return plan
        self._tell("unproven", f"{UNPROVEN}; the better of it and the recursion's counts", logging.WARNING)
        return self._better(plan, problem, made_at)

    def _stand_in(
        self, problem: PlanningProblem, made_at: datetime, why: str, kind: str, *, level: int = logging.INFO
    ) -> Plan:
        """Return the recursion's plan, which says that it stands in and why."""
        self._tell(kind, f"{why}; the recursion plans instead", level)
        return _flagged(self._recursion.plan(problem, made_at=made_at), why)

    def _better(self, plan: Plan, problem: PlanningProblem, made_at: datetime) -> Plan:
        """Return the better of an unproven plan and the recursion's: by its money, broken rules counted in."""
        try:
            other = self._recursion.plan(problem, made_at=made_at)
        except PlanningError:
            return plan
        if plan.objective + plan.penalties <= other.objective + other.penalties:
            return plan
        return _flagged(other, UNPROVEN)

    def _tell(self, kind: str, what: str, level: int) -> None:
        """Say it once of each kind until a plan is proven again, not every quarter of an hour."""
        log.log(logging.DEBUG if kind in self._told else level, "%s", what)
        self._told.add(kind)


def _flagged(plan: Plan, why: str) -> Plan:
    flag = PlanFlag(kind=FlagKind.STAND_IN, message=f"the recursion stands in for the linear program: {why}")
    return replace(plan, flags=(*plan.flags, flag))


def search_is_short(scaled: ScaledProblem) -> bool:
    """Return whether the linear program takes no search, or one that ends within a second."""
    binaries = binaries_needed(scaled)
    return not binaries or (len(scaled.scenarios) == 1 and binaries <= MOST_BINARIES)
