"""From the configuration to the planner, with the solver that it needs."""

from __future__ import annotations

from optimizer.clock import Clock
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.cross_checked_planner import CrossCheckedPlanner
from optimizer.planning.optima import both_optima
from optimizer.planning.port import Planner
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.reliable_planner import ReliablePlanner
from optimizer.settings import Settings


def build_planner(settings: Settings, *, clock: Clock, audited: bool = True) -> Planner:
    """Return the planner that is configured.

    Parameters
    ----------
    audited
        False, as a replay of thousands of plans wants it: the same planner, without what only looks at its plans once
        more. Where the recursion is exact its plans are bare, and no program checks them; where it is not, as with a
        demand charge over several futures, the program plans all the same.
    """
    time_limit_s = settings.planning.time_limit.total_seconds()
    recursion = RecursionPlanner(clock=clock, audited=audited)
    program_first = ReliablePlanner(clock=clock, time_limit_s=time_limit_s, recursion=recursion)
    if settings.planning.method == "lp":
        return program_first
    return CrossCheckedPlanner(
        clock=clock,
        time_limit_s=time_limit_s,
        recursion=recursion,
        otherwise=program_first,
        optima=both_optima if audited else _unchecked,
    )


def _unchecked(problem: PlanningProblem, time_limit_s: float) -> None:  # noqa: ARG001 - what checks is asked so
    return None
