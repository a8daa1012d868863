"""What storing costs in every interval of every future, at once: convex, as slopes and widths.

The cost of an interval is piecewise linear in the battery's power, and its slope between two corners follows from the
grid's price there. So the corners of all intervals are laid side by side in arrays and priced together. Where prices
are negative or crossed the cost may not be convex: those few intervals go through :class:`IntervalCost`, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.planning.interval_cost import IntervalCost
from optimizer.planning.scaled_problem import ScaledProblem

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Costs of storing; unused places at the end of an interval's segments have no width."""

    slopes: Floats
    """Cost of one more stored kWh, increasing along the last axis, shape (scenarios, count, k) [currency/kWh]."""
    widths: Floats
    """Energy over which a slope holds, shape (scenarios, count, k) [kWh]."""
    least_kwh: Floats
    """Least energy that can be stored, standing losses aside, shape (scenarios, count) [kWh]."""
    most_kwh: Floats
    """Most energy that can be stored, standing losses aside, shape (scenarios, count) [kWh]."""
    cost_of_most: Floats
    """Cost of storing the most, shape (scenarios, count) [currency]."""
    relaxed: NDArray[np.bool_]
    """Whether the true cost is not convex and lies above in places, shape (scenarios, count)."""


def segments_of(scaled: ScaledProblem, caps_kw: Floats) -> Segments:
    """Return the costs of storing in every interval.

    Parameters
    ----------
    caps_kw
        Import above which the demand charge counts, for each future; inf where there is none, shape (scenarios,).
    """
    arrays, h = scaled.arrays, scaled.step_h
    kinks = _kinks_kw(scaled, caps_kw)
    corners = _corners_kw(scaled, kinks)
    middles = 0.5 * (corners[..., 1:] + corners[..., :-1])
    charging = middles > 0.0
    marginal = _marginal(
        scaled, middles + arrays.net_load_kw[..., None], kinks[-1] if scaled.peak_price_per_kw else None
    )
    per_kw = np.where(charging, h * scaled.charge_efficiency, h / scaled.discharge_efficiency)
    found = Segments(
        slopes=np.where(charging, marginal, marginal - scaled.wear_per_kwh) * (h / per_kw),
        widths=np.diff(corners) * per_kw,
        least_kwh=arrays.max_discharge_kw * (-h / scaled.discharge_efficiency),
        most_kwh=arrays.max_charge_kw * (h * scaled.charge_efficiency),
        cost_of_most=_cost(scaled, arrays.net_load_kw + arrays.max_charge_kw, kinks),
        relaxed=np.zeros(arrays.net_load_kw.shape, dtype=bool),
    )
    for scenario, step in np.argwhere(arrays.may_be_relaxed).tolist():
        _settle_one(scaled, found, scenario, step, float(caps_kw[scenario]))
    return found


def _kinks_kw(scaled: ScaledProblem, caps_kw: Floats) -> list[Floats]:
    """Return the grid powers at which the price changes; the demand charge's last; each fits (scenarios, count)."""
    limits = [0.0]
    if scaled.import_limit_kw is not None:
        limits.append(scaled.import_limit_kw)
    if scaled.export_limit_kw is not None:
        limits.append(-scaled.export_limit_kw)
    kinks: list[Floats] = [np.array([[limit]]) for limit in limits]
    if scaled.peak_price_per_kw:
        kinks.append(np.where(scaled.peak_counted, caps_kw[:, None], np.inf))
    return kinks


def _corners_kw(scaled: ScaledProblem, kinks: Sequence[Floats]) -> Floats:
    """Return the battery powers between which the slope of the cost is constant, increasing along the last axis."""
    arrays = scaled.arrays
    low, high = -arrays.max_discharge_kw, arrays.max_charge_kw
    powers = [np.zeros((1, 1)), *(kink - arrays.net_load_kw for kink in kinks)]
    if scaled.curtailable:
        powers += [kink - arrays.net_load_kw - arrays.pv_kw for kink in kinks]
    corners = np.empty((*low.shape, len(powers) + 2))
    corners[..., 0], corners[..., -1] = low, high
    for place, power in enumerate(powers, start=1):
        np.clip(power, low, high, out=corners[..., place])
    corners.sort(axis=-1)
    return corners


def _marginal(scaled: ScaledProblem, before_kw: Floats, caps_kw: Floats | None) -> Floats:
    """Return what one more kWh taken from the grid costs, curtailed at its best [currency/kWh]."""
    marginal = _grid_price(scaled, before_kw, caps_kw)
    if not scaled.curtailable:
        return marginal
    # Curtail while that pays: nothing where the price is positive, all where it still is negative with all curtailed.
    curtailed = _grid_price(scaled, before_kw + scaled.arrays.pv_kw[..., None], caps_kw)
    settled: Floats = np.maximum(marginal, 0.0) + np.minimum(curtailed, 0.0)
    return settled


def _grid_price(scaled: ScaledProblem, grid_kw: Floats, caps_kw: Floats | None) -> Floats:
    arrays, penalty = scaled.arrays, scaled.penalties.limit_per_kwh
    price: Floats = np.where(grid_kw > 0.0, arrays.buy[..., None], arrays.sell[..., None])
    if scaled.import_limit_kw is not None:
        price = price + penalty * (grid_kw > scaled.import_limit_kw)
    if scaled.export_limit_kw is not None:
        price = price - penalty * (-grid_kw > scaled.export_limit_kw)
    if caps_kw is not None:
        price = price + scaled.peak_price_per_kw / scaled.step_h * (grid_kw > caps_kw[..., None])
    return price


def _cost(scaled: ScaledProblem, before_kw: Floats, kinks: Sequence[Floats]) -> Floats:
    """Return the cost of a grid power, curtailed at its best; convex in it or not [currency]."""
    cap_kw = kinks[-1] if scaled.peak_price_per_kw else None
    cost = _grid_cost(scaled, before_kw, cap_kw)
    if scaled.curtailable:
        highest_kw = before_kw + scaled.arrays.pv_kw
        for kink in (highest_kw, *kinks):
            # Curtailing to a kink: the best of all choices lies at one of them, or at nothing, or at everything.
            cost = np.minimum(cost, _grid_cost(scaled, np.clip(kink, before_kw, highest_kw), cap_kw))
    return cost


def _grid_cost(scaled: ScaledProblem, grid_kw: Floats, cap_kw: Floats | None) -> Floats:
    arrays, h, penalty = scaled.arrays, scaled.step_h, scaled.penalties.limit_per_kwh
    cost: Floats = h * grid_kw * np.where(grid_kw > 0.0, arrays.buy, arrays.sell)
    if scaled.import_limit_kw is not None:
        cost = cost + h * penalty * np.maximum(0.0, grid_kw - scaled.import_limit_kw)
    if scaled.export_limit_kw is not None:
        cost = cost + h * penalty * np.maximum(0.0, -grid_kw - scaled.export_limit_kw)
    if cap_kw is not None:
        cost = cost + scaled.peak_price_per_kw * np.maximum(0.0, grid_kw - cap_kw)
    return cost


def _settle_one(scaled: ScaledProblem, found: Segments, scenario: int, step: int, cap_kw: float) -> None:
    """Put an interval in place whose cost may not be convex: its lower hull."""
    storing = IntervalCost(scaled, scaled.scenarios[scenario], step, cap_kw).storing()
    stored, costs = np.array(storing.points).T
    count = len(stored) - 1
    widths = np.diff(stored)
    found.widths[scenario, step] = 0.0
    found.widths[scenario, step, :count] = widths
    found.slopes[scenario, step] = 0.0
    found.slopes[scenario, step, :count] = np.diff(costs) / widths
    found.cost_of_most[scenario, step] = costs[-1]
    found.relaxed[scenario, step] = storing.relaxed
