"""The fast planner: backward for the worth of stored energy, forward for the path, no solver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from optimizer.clock import Clock
from optimizer.domain.plan import Plan, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.billing_peak import best_billing_cap_kw
from optimizer.planning.paths import ScenarioPath, expected_money
from optimizer.planning.plan_building import build_plan
from optimizer.planning.problem_check import check_problem
from optimizer.planning.recursion import ScenarioWorth, scenario_worth
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem

AGREEMENT = 1e-4
"""The path must cost what the recursion promised, to this [currency]."""


class RecursionPlanner:
    """Plans with the exact recursion alone.

    As good as the linear program for one battery. With negative or crossed prices, or with a demand charge and several
    futures, its plan is sound but not proven optimal, and says so in its status.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def plan(self, problem: PlanningProblem, *, made_at: datetime) -> Plan:
        """Return a plan that the independent checker has accepted.

        Raises
        ------
        PlanningError
            The problem is malformed (which array, which index, what is wrong), or the plan does not hold.
        """
        started = self._clock.elapsed()
        check_problem(problem)
        scaled = scale_problem(problem)
        caps = [best_billing_cap_kw(scaled, steps) for steps in scaled.scenarios]
        worths = [
            scenario_worth(scaled, steps, billing_cap_kw=cap) for steps, cap in zip(scaled.scenarios, caps, strict=True)
        ]
        paths = roll_out(scaled, worths, caps)
        return build_plan(
            problem,
            scaled,
            paths,
            worths,
            method="recursion",
            status=_judge(scaled, paths, worths, caps),
            made_at=made_at,
            seconds=self._clock.elapsed() - started,
        )


def _judge(
    scaled: ScaledProblem, paths: Sequence[ScenarioPath], worths: Sequence[ScenarioWorth], caps_kw: Sequence[float]
) -> PlanStatus:
    if any(worth.first_relaxed is not None for worth in worths) or (scaled.peak_price_per_kw and len(paths) > 1):
        return PlanStatus.FEASIBLE
    if len(paths) > 1:
        return PlanStatus.OPTIMAL
    money = expected_money(scaled, paths)
    promised = -worths[0].at_start.value(scaled.start_kwh)
    if scaled.peak_price_per_kw:
        promised += scaled.peak_price_per_kw * (caps_kw[0] - scaled.peak_so_far_kw)
    agrees = money.objective + money.penalties <= promised + AGREEMENT * max(1.0, abs(promised))
    return PlanStatus.OPTIMAL if agrees else PlanStatus.FEASIBLE
