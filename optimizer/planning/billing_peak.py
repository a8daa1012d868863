"""The billing peak that pays: a search over the one number that couples the intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

from optimizer.planning.recursion import scenario_worth
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
PRECISION_KW = 1e-6


def best_billing_cap_kw(scaled: ScaledProblem, steps: ScenarioSteps) -> float:
    """Return the billing peak of least total cost along one future; inf where peaks cost nothing [kW].

    ``F(cap) = peak price (cap - peak so far) + optimum with import above the cap charged at the peak price`` is convex,
    nowhere below the true optimum and equal to it at the best cap: charging every excess costs at least what charging
    the highest does. So a golden-section search finds it.
    """
    if not scaled.peak_price_per_kw:
        return math.inf
    low = scaled.peak_so_far_kw
    reach = zip(scaled.peak_counts, steps.net_load_kw, steps.max_charge_kw, steps.pv_kw, strict=True)
    high = max(
        low, *(net + charge + (pv if scaled.curtailable else 0.0) for counts, net, charge, pv in reach if counts)
    )

    def total(cap_kw: float) -> float:
        worth = scenario_worth(scaled, steps, billing_cap_kw=cap_kw)
        return scaled.peak_price_per_kw * (cap_kw - low) - worth.at_start.value(scaled.start_kwh)

    return golden_section(total, low, high) if total(low) > total(low + PRECISION_KW) else low


def golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the minimiser of a convex function, to ``PRECISION_KW``."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > PRECISION_KW:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2.0
