"""The reference planner: a linear program, checked against the recursion and by the independent checker."""

from __future__ import annotations

import logging
import math
from datetime import datetime

import numpy as np

from optimizer.clock import Clock
from optimizer.domain.plan import Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.first_interval import first_decision
from optimizer.planning.kernel.port import Worths
from optimizer.planning.lp.model import Model, build_model
from optimizer.planning.lp.solver import Verdict, solve
from optimizer.planning.lp.taste import MOST_IN_ALL
from optimizer.planning.paths import ScenarioPath, billing_peak_kw, expected_money, path_along
from optimizer.planning.plan_building import build_plan
from optimizer.planning.problem_check import check_problem
from optimizer.planning.recursion import worths_of
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem

log = logging.getLogger(__name__)

AGREEMENT = 0.002
"""Solver, recomputed money and recursion must agree to this: twice what taste may cost [currency]."""


class LinearProgramPlanner:
    """Plans with PuLP and HiGHS; the worth of stored energy comes from the exact recursion.

    The program plans each future as if it were known to its end. Where futures change into one another only the worth
    of energy says so, and the plan is flagged.

    Parameters
    ----------
    clock
        Measures how long a plan takes.
    time_limit_s
        Longest the solver may search; only problems with binaries ever come near it [s].
    """

    def __init__(self, *, clock: Clock, time_limit_s: float = 10.0) -> None:
        self._clock = clock
        self._time_limit_s = time_limit_s

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or no plan could be trusted.
        """
        started = self._clock.elapsed()
        check_problem(problem)
        scaled = scale_problem(problem)
        model = build_model(scaled)
        verdict = solve(model.problem, time_limit_s=self._time_limit_s, binaries=model.binaries > 0)
        paths = read_paths(scaled, model)
        caps = np.array([billing_cap_kw(scaled, path) for path in paths])
        worths = worths_of(scaled.known_to_the_end, caps_kw=caps)
        first = first_decision(scaled, worths, caps)
        paths = calmest(scaled, paths, roll_out(scaled, worths, caps, first.battery_kw))
        return build_plan(
            problem,
            scaled,
            paths,
            worths if scaled.switches is None else worths_of(scaled, caps_kw=caps),
            method="lp",
            status=judge(scaled, verdict, paths, promised=promised_optimum(scaled, worths)),
            made_at=made_at,
            seconds=self._clock.elapsed() - started,
        )


def read_paths(scaled: ScaledProblem, model: Model) -> list[ScenarioPath]:
    """Return the path of each future that follows the solver's energies."""
    paths = []
    for steps, battery, grid in zip(scaled.scenarios, model.batteries, model.grids, strict=True):
        curtailed = [0.0] * scaled.count
        for step, variable in grid.curtailed.items():
            curtailed[step] = variable.varValue
        paths.append(path_along(scaled, steps, [variable.varValue for variable in battery.energy], curtailed))
    return paths


def calmest(scaled: ScaledProblem, found: list[ScenarioPath], rolled_out: list[ScenarioPath]) -> list[ScenarioPath]:
    """Return the paths that leave the grid alone where nothing else is to be gained, if they cost no more.

    Money first, taste second: among the many plans of one cost a solver returns any, and the mean over several futures
    that each settled their ties by chance is ragged. Following the worths settles every tie the same way.
    """
    costs = [
        money.objective + money.penalties for money in (expected_money(scaled, one) for one in (found, rolled_out))
    ]
    return rolled_out if costs[1] <= costs[0] + MOST_IN_ALL else found


def billing_cap_kw(scaled: ScaledProblem, path: ScenarioPath) -> float:
    """Return the billing peak once the plan is carried out: import up to it costs nothing more [kW]."""
    return billing_peak_kw(scaled, path) if scaled.peak_price_per_kw else math.inf


def promised_optimum(scaled: ScaledProblem, worths: Worths) -> float | None:
    """Return the optimum that the recursion finds, where it is exact and knows of nothing else [currency]."""
    separable = len(worths.start_values) == 1 and not scaled.peak_price_per_kw and worths.first_relaxed is None
    return -float(worths.start_values[0]) if separable else None


def judge(scaled: ScaledProblem, verdict: Verdict, paths: list[ScenarioPath], *, promised: float | None) -> PlanStatus:
    """Return how far the plan can be trusted.

    Its money, recomputed from the powers, must be what the solver claims: a solution that charges and discharges at
    once, or breaks the balance, is worth less than it says. With one future the recursion must find the same optimum.
    """
    money = expected_money(scaled, paths)
    cost = money.objective + money.penalties
    if not verdict.proven:
        return PlanStatus.FEASIBLE
    tolerance = AGREEMENT * max(1.0, money.penalties)
    if cost > verdict.objective + tolerance:
        log.error("the plan costs %.4f, the solver claims %.4f: it is feasible, not optimal", cost, verdict.objective)
        return PlanStatus.FEASIBLE
    if promised is not None and abs(cost - promised) > tolerance:
        log.error("the plan costs %.4f, the recursion finds %.4f: please report this with a dump", cost, promised)
        return PlanStatus.FEASIBLE
    return PlanStatus.OPTIMAL
