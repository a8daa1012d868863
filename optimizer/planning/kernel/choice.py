"""Which form of the recursion runs: compiled where that is possible, plain Python where not."""

from __future__ import annotations

from typing import Protocol

from optimizer.planning.kernel.plain import ListWorths
from optimizer.planning.kernel.port import Worths
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats


class Kernel(Protocol):
    """One form of the recursion."""

    def __call__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
        """Return the worths along all futures, kept at the ends of the first ``keep`` intervals."""
        ...


def best_kernel() -> Kernel:
    """Return the fastest form of the recursion that works here."""
    return ListWorths
