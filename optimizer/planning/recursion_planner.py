"""The fast planner: backward for the worth of stored energy, forward for the path, no solver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from optimizer.clock import Clock
from optimizer.domain.plan import Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.bare_plan import BarePlan
from optimizer.planning.billing_peak import best_billing_caps_kw, demand_cost
from optimizer.planning.first_interval import FirstDecision, first_decision
from optimizer.planning.kernel.choice import Kernel
from optimizer.planning.kernel.port import Worths
from optimizer.planning.paths import ScenarioPath, expected_money
from optimizer.planning.plan_building import build_plan
from optimizer.planning.problem_check import check_problem
from optimizer.planning.recursion import is_exact, method_of, worths_of
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_audit import shortfall

AGREEMENT = 1e-4
"""The path must cost what the recursion promised, to this [currency]."""

KEPT_AHEAD = 4
"""Intervals whose worth is kept in a bare plan: as many as the control may use until the next."""


class RecursionPlanner:
    """Plans with the exact recursion alone.

    As good as the linear program for one battery. With negative or crossed prices, or with a demand charge and several
    futures, its plan is sound but not proven optimal, and says so in its status.

    Parameters
    ----------
    clock
        Measures how long a plan takes.
    audited
        Whether to follow every future to its end and have the checker look at it before the plan is handed out.
        Without, as a replay of thousands of plans wants it, a plan tells what stored energy is worth and works out its
        steps when it is asked for them.
    kernel
        Which form of the recursion; None: the fastest there is.
    """

    def __init__(self, *, clock: Clock, audited: bool = True, kernel: Kernel | None = None) -> None:
        self._clock = clock
        self._audited = audited
        self._kernel = kernel

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or the plan does not hold.
        """
        started = self._clock.elapsed()
        scaled = _checked(problem)
        caps = best_billing_caps_kw(scaled, kernel=self._kernel)
        keep = scaled.count if self._audited else KEPT_AHEAD
        worths = worths_of(scaled, caps_kw=caps, keep=keep, kernel=self._kernel)
        if not self._audited:
            bare = BarePlan(problem, scaled, worths=worths, caps_kw=caps, kernel=self._kernel)
            seconds = self._clock.elapsed() - started
            return bare.plan(
                status=PlanStatus.OPTIMAL if is_exact(scaled, worths) else PlanStatus.FEASIBLE,
                made_at=made_at,
                seconds=seconds,
            )
        first = first_decision(scaled, worths, caps)
        paths = roll_out(scaled, worths, caps, first.battery_kw)
        return build_plan(
            problem,
            scaled,
            paths,
            worths,
            method=method_of(scaled),
            status=_judge(scaled, paths, worths, caps, first),
            made_at=made_at,
            seconds=self._clock.elapsed() - started,
        )


def _checked(problem: PlanningProblem) -> ScaledProblem:
    """Return a problem scaled, every number of it looked at: all at once, and one by one only if something is wrong."""
    try:
        with np.errstate(invalid="ignore"):  # an infinite load is refused below, by name
            scaled = scale_problem(problem)
    except Exception:
        check_problem(problem)  # says what is wrong
        raise
    check_problem(problem, arrays_are_sound=scaled.arrays.is_sound(len(problem.grid)))
    return scaled


def _judge(
    scaled: ScaledProblem, paths: Sequence[ScenarioPath], worths: Worths, caps_kw: Floats, first: FirstDecision
) -> PlanStatus:
    """Return the status of a plan whose paths are known: they must cost what the worths promised.

    Where futures change into one another, between the changes.
    """
    if not is_exact(scaled, worths):
        return PlanStatus.FEASIBLE
    promised = first.expected_cost + demand_cost(scaled, caps_kw)
    if scaled.switches is None:
        money = expected_money(scaled, paths)
        more = money.objective + money.penalties - promised
    else:
        more = shortfall(scaled, worths, caps_kw, paths)
    return PlanStatus.OPTIMAL if more <= AGREEMENT * max(1.0, abs(promised)) else PlanStatus.FEASIBLE
