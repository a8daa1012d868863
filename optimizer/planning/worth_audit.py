"""The audit of paths whose futures change into one another: they must cost what the worths of energy promised.

Between two switches a future goes its own way, so what its worth loses there must be what its path costs. Over a
switch nothing can be held to: the worth counts on changes that a future's own path, shown as if it came true, does not
make.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from optimizer.planning.interval_cost import IntervalCost
from optimizer.planning.kernel.port import Worths
from optimizer.planning.paths import ScenarioPath
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats


def shortfall(scaled: ScaledProblem, worths: Worths, caps_kw: Floats, paths: Sequence[ScenarioPath]) -> float:
    """Return by how much the paths are expected to cost more than promised between the switches [currency].

    For a stretch between two switches, ``a`` its first interval and ``b`` its last::

        W_a(E_a) = W_b(E_b) - sum of costs from a + 1 to b - sum of fines from a to b - 1

    Parameters
    ----------
    worths
        Kept at the ends of all intervals.
    """
    starts = scaled.switches.starts if scaled.switches is not None else ()
    stretches = list(pairwise((0, *starts, scaled.count)))
    weights = scaled.arrays.weights.tolist()
    return math.fsum(
        weight * abs(_missing(scaled, worths, (number, path, cap), stretch))
        for number, (weight, path, cap) in enumerate(zip(weights, paths, caps_kw.tolist(), strict=True))
        for stretch in stretches
    )


def _missing(
    scaled: ScaledProblem, worths: Worths, future: tuple[int, ScenarioPath, float], stretch: tuple[int, int]
) -> float:
    number, path, cap_kw = future
    first, last = stretch[0], stretch[1] - 1
    steps = scaled.scenarios[number]
    costs = math.fsum(
        IntervalCost(scaled, steps, step, cap_kw).grid_cost(path.grid_kw[step])
        + scaled.step_h * scaled.wear_per_kwh * max(0.0, -path.battery_kw[step])
        for step in range(first + 1, last + 1)
    )
    fines = math.fsum(_fine(scaled, path.energy_kwh[step]) for step in range(first, last))
    before, after = (worths.end_curve(number, step).value(path.energy_kwh[step]) for step in (first, last))
    return before - (after - costs - fines)


def _fine(scaled: ScaledProblem, energy_kwh: float) -> float:
    return scaled.penalties.band_per_kwh * max(0.0, scaled.min_kwh - energy_kwh, energy_kwh - scaled.max_kwh)
