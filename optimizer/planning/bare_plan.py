"""A plan for control alone: what stored energy is worth; its path is worked out only if somebody asks."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from optimizer.domain.deferred import Deferred
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.plan import Plan, PlanStatus, PlanStep
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.billing_peak import demand_cost
from optimizer.planning.checker import value_faults
from optimizer.planning.first_interval import FirstDecision, first_decision, first_only
from optimizer.planning.flags import relaxed_flag, start_flag
from optimizer.planning.kernel.choice import Kernel
from optimizer.planning.kernel.port import Worths
from optimizer.planning.plan_building import expected_steps, require_sound
from optimizer.planning.recursion import expected_worth, handed_out, method_of, worths_of
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats


class BarePlan:
    """Works out the parts of a plan from the recursion's worths.

    Parameters
    ----------
    problem, scaled
        What was planned.
    worths
        Kept for the first intervals at least; the recursion runs once more where others are asked for.
    caps_kw
        Billing peaks of the futures.
    kernel
        Which form of the recursion; None: the fastest there is.
    """

    def __init__(
        self,
        problem: PlanningProblem,
        scaled: ScaledProblem,
        *,
        worths: Worths,
        caps_kw: Floats,
        kernel: Kernel | None = None,
    ) -> None:
        self._problem, self._scaled, self._worths = problem, scaled, worths
        self._caps_kw, self._kernel = caps_kw, kernel
        self.values = Deferred(scaled.count, self._value)
        self._steps: tuple[PlanStep, ...] | None = None

    def plan(self, *, status: PlanStatus, made_at: datetime, seconds: float) -> Plan:
        """Return the plan."""
        problem, worths = self._problem, self._worths
        flags = (start_flag(problem), relaxed_flag(worths.first_relaxed))
        return Plan(
            made_at=made_at,
            problem=problem,
            status=status,
            method=method_of(self._scaled),
            objective=self._expected_cost() + demand_cost(self._scaled, self._caps_kw),
            energy_cost=None,
            steps=Deferred(self._scaled.count, self._step),
            values=self.values,
            flags=tuple(flag for flag in flags if flag is not None),
            seconds=seconds,
        )

    @cached_property
    def _first(self) -> FirstDecision:
        return first_decision(self._scaled, self._worths, self._caps_kw)

    def _expected_cost(self) -> float:
        """Return the optimal cost: of one future the worth at its start tells, several share their first decision."""
        starts, relaxed = self._worths.start_values, self._worths.first_relaxed
        return -float(starts[0]) if len(starts) == 1 and relaxed != 0 else self._first.expected_cost

    def _value(self, step: int) -> EnergyValue:
        shared = step == 0 and len(self._worths.start_values) > 1
        curve = self._first.worth if shared else expected_worth(self._scaled, self._reaching(step), step)
        value = handed_out(self._scaled, curve)
        require_sound([f"interval {step}: {fault}" for fault in value_faults(value, self._problem.battery)])
        return value

    def _reaching(self, step: int) -> Worths:
        """Return worths kept up to an interval."""
        if step >= self._worths.kept:
            self._worths = worths_of(self._scaled, caps_kw=self._caps_kw, kernel=self._kernel)
        return self._worths

    def _step(self, step: int) -> PlanStep:
        return self._first_step() if step == 0 and self._steps is None else self._all_steps()[step]

    def _first_step(self) -> PlanStep:
        """Return the first step: it needs no look at the others."""
        return self._steps_of(first_only(self._scaled))[0]

    def _all_steps(self) -> tuple[PlanStep, ...]:
        if self._steps is None:
            self._steps = self._steps_of(self._scaled)
        return self._steps

    def _steps_of(self, scaled: ScaledProblem) -> tuple[PlanStep, ...]:
        worths = self._reaching(scaled.count - 1)
        paths = roll_out(scaled, worths, self._caps_kw, self._first.battery_kw)
        return expected_steps(self._problem, scaled, paths, self.values)
