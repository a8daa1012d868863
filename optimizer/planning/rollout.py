"""From the worth of stored energy forward to a path: in each interval the power whose cost and worth weigh best."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from optimizer.planning.interval_cost import IntervalCost, StoringCost, battery_kw, stored_kwh
from optimizer.planning.paths import ScenarioPath, path_along
from optimizer.planning.recursion import ScenarioWorth
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps
from optimizer.planning.worth_curve import WorthCurve, mean_worth

TIE = 1e-9
"""Choices this close are equal; the one that leaves the grid alone is taken [currency]."""

SAME_SLOPE = 1e-9
"""Worth and price this close are equal, likewise [currency/kWh]."""


@dataclass(frozen=True, slots=True)
class WorthLookup:
    """A worth curve with its breakpoints added up, for many questions."""

    energies: tuple[float, ...]
    worths: tuple[float, ...]
    slopes: tuple[float, ...]

    @classmethod
    def of(cls, curve: WorthCurve) -> WorthLookup:
        """Return the lookup of a curve."""
        energies = tuple(accumulate((width for _, width in curve.segments), initial=curve.lowest_kwh))
        worths = tuple(accumulate((slope * width for slope, width in curve.segments), initial=curve.at_lowest))
        return cls(energies, worths, tuple(slope for slope, _ in curve.segments))

    def value(self, energy_kwh: float) -> float:
        """Return the worth of an energy [currency]."""
        index = min(max(bisect_right(self.energies, energy_kwh) - 1, 0), len(self.slopes) - 1)
        return self.worths[index] + self.slopes[index] * (energy_kwh - self.energies[index])


def roll_out(
    scaled: ScaledProblem, worths: Sequence[ScenarioWorth], billing_caps_kw: Sequence[float]
) -> list[ScenarioPath]:
    """Return each future's path: the first interval decided once for all, on the expected worth."""
    cases = list(zip(scaled.scenarios, worths, billing_caps_kw, strict=True))
    weights = [steps.weight for steps in scaled.scenarios]
    first_costs = [IntervalCost(scaled, steps, 0, cap) for steps, _, cap in cases]
    expected = WorthLookup.of(mean_worth([worth.ends[0] for worth in worths], weights))
    first_kw = best_power(first_costs, weights, expected, scaled.start_kwh)
    return [_along(scaled, steps, worth, cap, first_kw) for steps, worth, cap in cases]


def _along(
    scaled: ScaledProblem, steps: ScenarioSteps, worth: ScenarioWorth, billing_cap_kw: float, first_kw: float
) -> ScenarioPath:
    energies: list[float] = []
    curtailed: list[float] = []
    held, power = scaled.start_kwh, first_kw
    for step, (curve, storing) in enumerate(zip(worth.ends, worth.costs, strict=True)):
        cost = IntervalCost(scaled, steps, step, billing_cap_kw)
        if step and storing.relaxed:
            power = best_power([cost], [1.0], WorthLookup.of(curve), held)
        elif step:
            power = _greedy_power(scaled, steps.net_load_kw[step], storing, curve, held)
        held = held + stored_kwh(scaled, power) - scaled.standby_kwh
        energies.append(held)
        curtailed.append(cost.settle(power)[1] if scaled.curtailable else 0.0)
    return path_along(scaled, steps, energies, curtailed)


def _greedy_power(
    scaled: ScaledProblem, net_load_kw: float, storing: StoringCost, curve: WorthCurve, held_kwh: float
) -> float:
    """Return what :func:`best_power` does for one future whose cost is convex, from the slopes alone [kW]."""
    least, most = best_stored(curve, storing, held_kwh - scaled.standby_kwh)
    return battery_kw(scaled, min(max(stored_kwh(scaled, -net_load_kw), least), most))


def best_stored(curve: WorthCurve, storing: StoringCost, before_kwh: float) -> tuple[float, float]:
    """Return the least and the most energy to store so that worth less cost is greatest [kWh].

    Both are concave: from the least that can be stored, go on while one more kWh is worth more than it costs; where it
    is worth as much, all choices are equally good.
    """
    points = storing.points
    place = max(points[0][0], curve.lowest_kwh - before_kwh)
    least = most = place
    segments = iter(curve.segments)
    worth_slope, width = next(segments)
    worth_end = curve.lowest_kwh + width - before_kwh
    for (left, left_cost), (right, right_cost) in pairwise(points):
        price = (right_cost - left_cost) / (right - left)
        while place < right:
            while worth_end <= place:
                following = next(segments, None)
                if following is None:
                    return least, most
                worth_slope, width = following
                worth_end += width
            gain = worth_slope - price
            if gain < -SAME_SLOPE:
                return least, most
            place = min(right, worth_end)
            most = place
            if gain > SAME_SLOPE:
                least = place
    return least, most


def best_power(costs: Sequence[IntervalCost], weights: Sequence[float], worth: WorthLookup, held_kwh: float) -> float:
    """Return the power that maximises ``V(E + stored - standby) - expected cost``.

    Both are piecewise linear, so the maximum lies at a breakpoint of one of them [kW].
    """
    scaled, best, best_key = costs[0].scaled, 0.0, (-float("inf"), 0.0)
    for power in _candidates(costs, worth, held_kwh):
        gain = worth.value(held_kwh + stored_kwh(scaled, power) - scaled.standby_kwh)
        gain -= sum(weight * cost.cost(power) for cost, weight in zip(costs, weights, strict=True))
        exchange = sum(
            weight * abs(cost.steps.net_load_kw[cost.step] + power) for cost, weight in zip(costs, weights, strict=True)
        )
        if gain > best_key[0] + TIE or (gain > best_key[0] - TIE and exchange < best_key[1]):
            best, best_key = power, (gain, exchange)
    return best


def _candidates(costs: Sequence[IntervalCost], worth: WorthLookup, held_kwh: float) -> list[float]:
    scaled, steps, step = costs[0].scaled, costs[0].steps, costs[0].step
    before = held_kwh - scaled.standby_kwh
    lowest = max(-steps.max_discharge_kw[step], battery_kw(scaled, worth.energies[0] - before))
    highest = min(steps.max_charge_kw[step], battery_kw(scaled, worth.energies[-1] - before))
    powers = {power for cost in costs for power in cost.powers()}
    powers.update(battery_kw(scaled, energy - before) for energy in worth.energies)
    return sorted({lowest, highest, *(power for power in powers if lowest < power < highest)})
