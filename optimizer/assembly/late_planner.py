"""A planner that is loaded with its first plan.

Solver and planners are a twelfth of the time to READY (`benchmarks/start_shares.py`), and the first step, which may
find an old command at the battery, needs none of them.
"""

from __future__ import annotations

from datetime import datetime

from optimizer.clock import Clock
from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.port import Planner
from optimizer.settings import Settings


class LatePlanner:
    """Builds the planner that is configured once something is to be planned.

    Parameters
    ----------
    settings, clock
        As :func:`optimizer.assembly.planner.build_planner` takes them.
    """

    def __init__(self, settings: Settings, *, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._planner: Planner | None = None

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a checked plan.

        Raises
        ------
        PlanningError
            As by any planner; also where it cannot be loaded.
        """
        if self._planner is None:
            try:
                from optimizer.assembly.planner import build_planner  # noqa: PLC0415
            except (ImportError, OSError) as error:
                msg = f"what plans cannot be loaded ({error}): the installation is broken, install sunshift anew"
                raise PlanningError(msg) from error
            self._planner = build_planner(self._settings, clock=self._clock)
        return self._planner.plan(problem, made_at=made_at)
