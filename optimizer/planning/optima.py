"""The optimum of one problem by every method there is, for holding them to each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.billing_peak import best_billing_caps_kw, demand_cost
from optimizer.planning.first_interval import first_decision
from optimizer.planning.kernel.choice import Kernel, best_kernel, plain
from optimizer.planning.lp.exclusive import binaries_needed
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.recursion import is_exact, worths_of
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem

MOST_CHECKED = 8000
"""So many intervals of all futures together are solved by the program: 37,600 took it 8 s and 0.4 GB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optima:
    """Optimal costs, penalties of broken rules included [currency]."""

    by_program: float
    by_recursion: float
    by_plain_recursion: float
    """The same in plain Python, whatever the recursion usually runs in."""
    scale: float = 1.0
    """What a difference is to be measured by [currency]."""

    @property
    def differ_by(self) -> float:
        """Largest difference between two of them [currency]; inf where one is not a number."""
        found = (self.by_program, self.by_recursion, self.by_plain_recursion)
        return max(found) - min(found) if all(map(math.isfinite, found)) else math.inf

    def __str__(self) -> str:
        plain_too = "" if self.by_plain_recursion == self.by_recursion else f" ({self.by_plain_recursion:.6f} plain)"
        return (
            f"two methods disagree on the cheapest plan: the recursion finds {self.by_recursion:.6f}{plain_too}, the "
            f"linear program {self.by_program:.6f}"
        )


def both_optima(problem: PlanningProblem, time_limit_s: float) -> Optima | None:
    """Return the optima of a checked problem; None where the recursion is not exact, or the program takes a search.

    Where a long horizon meets many futures, the optima are those of the weightiest futures alone: that shows a mistake
    as well.

    Raises
    ------
    PlanningError
        The solver failed.
    """
    # The program knows no futures that change into one another: without that both must find the same.
    scaled = scale_problem(_of_so_many_futures(problem, MOST_CHECKED // len(problem.grid))).known_to_the_end
    by_recursion = recursion_optimum(scaled, best_kernel())
    if by_recursion is None or binaries_needed(scaled):
        return None
    verdict = solve(build_model(scaled, taste=False).problem, time_limit_s=time_limit_s, binaries=False)
    by_plain = recursion_optimum(scaled, plain)
    if not verdict.proven or by_plain is None:
        return None
    return Optima(
        by_program=verdict.objective,
        by_recursion=by_recursion,
        by_plain_recursion=by_plain,
        scale=max(1.0, abs(verdict.objective), scaled.peak_price_per_kw),
    )


def _of_so_many_futures(problem: PlanningProblem, most: int) -> PlanningProblem:
    if len(problem.scenarios) <= max(1, most):
        return problem
    kept = sorted(problem.scenarios, key=lambda one: -one.weight)[: max(1, most)]
    total = math.fsum(one.weight for one in kept)
    return replace(problem, scenarios=tuple(replace(one, weight=one.weight / total) for one in kept))


def recursion_optimum(scaled: ScaledProblem, kernel: Kernel) -> float | None:
    """Return the optimum that the recursion finds; None where it is only a bound or too dear [currency]."""
    if scaled.peak_price_per_kw and len(scaled.arrays.weights) > 1:
        return None
    caps_kw = best_billing_caps_kw(scaled, kernel=kernel)
    worths = worths_of(scaled, caps_kw=caps_kw, keep=1, kernel=kernel)
    if not is_exact(scaled, worths):
        return None
    return first_decision(scaled, worths, caps_kw).expected_cost + demand_cost(scaled, caps_kw)
