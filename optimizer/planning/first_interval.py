"""The decision that all futures share: the power of the first interval, weighed against the expected worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.planning.interval_cost import IntervalCost, battery_kw, stored_kwh
from optimizer.planning.kernel.port import Pieces, Worths
from optimizer.planning.kernel.segments import Segments, segments_of
from optimizer.planning.recursion import expected_worth
from optimizer.planning.rollout import WorthLookup, best_power, best_stored
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import WorthCurve, mean_worth


@dataclass(frozen=True, slots=True)
class FirstDecision:
    """What is done in the first interval."""

    battery_kw: float
    """+ charging [kW]."""
    expected_cost: float
    """Expected cost from here to the end less the worth of what is left; penalties of broken rules and the demand
    charge above each future's own billing peak included [currency]."""
    worth: WorthCurve
    """Expected worth of the energy at its end."""


def first_decision(scaled: ScaledProblem, worths: Worths, caps_kw: Floats) -> FirstDecision:
    """Return the power of least expected cost; among equals the one that leaves the grid alone."""
    worth = expected_worth(scaled, worths, 0)
    segments = segments_of(first_only(scaled), caps_kw)
    if segments.relaxed.any():
        return _by_trying(scaled, worth, caps_kw)
    cost = _expected_cost(scaled, segments)
    before_kwh = scaled.start_kwh - scaled.standby_kwh
    least, most = best_stored(worth.segments, worth.lowest_kwh - before_kwh, cost.segments, cost.lowest_kwh)
    calmest = stored_kwh(scaled, -_weighted_median(scaled.arrays.net_load_kw[:, 0], scaled.arrays.weights))
    stored = min(max(calmest, least), most)
    return FirstDecision(battery_kw(scaled, stored), -cost.value(stored) - worth.value(before_kwh + stored), worth)


def first_only(scaled: ScaledProblem) -> ScaledProblem:
    """Return the problem of the first interval alone."""
    arrays = scaled.arrays
    first = replace(
        arrays,
        net_load_kw=arrays.net_load_kw[:, :1],
        pv_kw=arrays.pv_kw[:, :1],
        buy=arrays.buy[:, :1],
        sell=arrays.sell[:, :1],
        max_charge_kw=arrays.max_charge_kw[:, :1],
        max_discharge_kw=arrays.max_discharge_kw[:, :1],
    )
    return replace(scaled, count=1, arrays=first, peak_counts=scaled.peak_counts[:1])


def _expected_cost(scaled: ScaledProblem, segments: Segments) -> WorthCurve:
    """Return the negative of the expected cost over the energy stored, concave.

    All futures have the same bounds in the first interval, so their curves cover the same energies.
    """
    slopes, widths = segments.slopes[:, 0], segments.widths[:, 0]
    used = widths > 0.0
    used[:, 0] |= ~used.any(axis=1)  # a battery that can do nothing still has one piece
    cost_of_least = segments.cost_of_most[:, 0] - (slopes * widths).sum(axis=1)
    pieces = Pieces(-slopes[used], widths[used], used.sum(axis=1), -cost_of_least)
    return mean_worth(float(segments.least_kwh[0, 0]), pieces, scaled.arrays.weights)


def _by_trying(scaled: ScaledProblem, worth: WorthCurve, caps_kw: Floats) -> FirstDecision:
    """Try every corner of cost and worth, where the cost is not convex."""
    weights = scaled.arrays.weights.tolist()
    costs = [IntervalCost(scaled, one, 0, cap) for one, cap in zip(scaled.scenarios, caps_kw.tolist(), strict=True)]
    lookup = WorthLookup.of(worth)
    power = best_power(costs, weights, lookup, scaled.start_kwh)
    cost = sum(weight * one.cost(power) for weight, one in zip(weights, costs, strict=True))
    after_kwh = scaled.start_kwh + stored_kwh(scaled, power) - scaled.standby_kwh
    return FirstDecision(power, cost - lookup.value(after_kwh), worth)


def _weighted_median(figures: Floats, weights: Floats) -> float:
    """Return the figure from which the others are least far away in the mean."""
    order = np.argsort(figures)
    half = 0.5 * float(weights.sum())
    return float(figures[order][np.searchsorted(np.cumsum(weights[order]), half)])
