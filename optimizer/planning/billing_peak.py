"""The billing peak that pays: a search over the one number that couples the intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from optimizer.planning.kernel.choice import Kernel
from optimizer.planning.recursion import worths_of
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
PRECISION_KW = 1e-8


def best_billing_caps_kw(scaled: ScaledProblem, *, kernel: Kernel | None = None) -> Floats:
    """Return the billing peak of least total cost along each future; inf where peaks cost nothing, shape (scenarios,).

    ``F(cap) = peak price (cap - peak so far) + optimum with import above the cap charged at the peak price`` is convex,
    nowhere below the true optimum and equal to it at the best cap: charging every excess costs at least what charging
    the highest does. So a golden-section search finds it, for all futures side by side.
    """
    # The search needs futures that do not depend on one another.
    scaled = scaled.known_to_the_end
    arrays, low = scaled.arrays, scaled.peak_so_far_kw
    lows = np.full(len(arrays.weights), low)
    if not scaled.peak_price_per_kw:
        return np.full_like(lows, np.inf)
    reach_kw = arrays.net_load_kw + arrays.max_charge_kw + (arrays.pv_kw if scaled.curtailable else 0.0)
    highs = np.maximum(low, reach_kw[:, scaled.peak_counted].max(axis=1))

    def totals(caps_kw: Floats) -> Floats:
        worths = worths_of(scaled, caps_kw=caps_kw, keep=0, kernel=kernel)
        return scaled.peak_price_per_kw * (caps_kw - low) - worths.start_values

    pays = totals(lows) > totals(lows + PRECISION_KW)
    caps: Floats = np.where(pays, golden_section(totals, lows, highs), lows) if pays.any() else lows
    return caps


def demand_cost(scaled: ScaledProblem, caps_kw: Floats) -> float:
    """Return what raising the billing peak to each future's cap is expected to cost [currency]."""
    if not scaled.peak_price_per_kw:
        return 0.0
    return scaled.peak_price_per_kw * float(np.dot(scaled.arrays.weights, caps_kw - scaled.peak_so_far_kw))


def golden_section(function: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Return the minimisers of convex functions, side by side, to ``PRECISION_KW``."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while float(np.max(high - low)) > PRECISION_KW:
        falls = at_left > at_right  # the minimiser lies right of ``left``
        low, high = np.where(falls, left, low), np.where(falls, high, right)
        fresh = np.where(falls, low + GOLDEN * (high - low), high - GOLDEN * (high - low))
        at_fresh = function(fresh)
        left, right = np.where(falls, right, fresh), np.where(falls, fresh, left)
        at_left, at_right = np.where(falls, at_right, at_fresh), np.where(falls, at_fresh, at_left)
    return (low + high) / 2.0
