"""From the worth of stored energy forward to a path: in each interval the power whose cost and worth weigh best."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from optimizer.planning.interval_cost import IntervalCost, battery_kw, stored_kwh
from optimizer.planning.kernel.port import Worths
from optimizer.planning.kernel.segments import Segments, segments_of
from optimizer.planning.paths import ScenarioPath, path_along
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import Segment, WorthCurve

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


def roll_out(scaled: ScaledProblem, worths: Worths, caps_kw: Floats, first_kw: float) -> list[ScenarioPath]:
    """Return each future's path from the power of the first interval on, which is decided once for all.

    Parameters
    ----------
    worths
        Kept at the ends of all intervals.
    caps_kw
        Import above which the demand charge counts, for each future, shape (scenarios,).
    """
    segments = segments_of(scaled, caps_kw)
    return [
        _along(scaled, _Future(scaled, worths, segments, number, float(cap)), first_kw)
        for number, cap in enumerate(caps_kw)
    ]


class _Future:
    """One future made ready for a walk through its intervals."""

    def __init__(
        self, scaled: ScaledProblem, worths: Worths, segments: Segments, number: int, billing_cap_kw: float
    ) -> None:
        self.steps = scaled.scenarios[number]
        self._scaled, self._worths, self._number, self._cap_kw = scaled, worths, number, billing_cap_kw
        self._slopes, self._widths = segments.slopes[number].tolist(), segments.widths[number].tolist()
        self._least_kwh = segments.least_kwh[number].tolist()
        self._relaxed = segments.relaxed[number].tolist()

    def cost(self, step: int) -> IntervalCost:
        """Return the cost of an interval."""
        return IntervalCost(self._scaled, self.steps, step, self._cap_kw)

    def best_kw(self, step: int, held_kwh: float) -> float:
        """Return the best power of an interval, given the energy at its start [kW]."""
        scaled, curve = self._scaled, self._worths.end_curve(self._number, step)
        if self._relaxed[step]:
            return best_power([self.cost(step)], [1.0], WorthLookup.of(curve), held_kwh)
        start_kwh = curve.lowest_kwh - held_kwh + scaled.standby_kwh
        prices = list(zip(self._slopes[step], self._widths[step], strict=True))
        falling = [(-slope, width) for slope, width in prices]
        least, most = best_stored(curve.segments, start_kwh, falling, self._least_kwh[step])
        return battery_kw(scaled, min(max(stored_kwh(scaled, -self.steps.net_load_kw[step]), least), most))


def _along(scaled: ScaledProblem, future: _Future, first_kw: float) -> ScenarioPath:
    energies: list[float] = []
    curtailed: list[float] = []
    held, power = scaled.start_kwh, first_kw
    for step in range(scaled.count):
        if step:
            power = future.best_kw(step, held)
        held = held + stored_kwh(scaled, power) - scaled.standby_kwh
        energies.append(held)
        curtailed.append(future.cost(step).settle(power)[1] if scaled.curtailable else 0.0)
    return path_along(scaled, future.steps, energies, curtailed)


def best_stored(
    worth: Sequence[Segment], worth_from_kwh: float, cost: Sequence[Segment], cost_from_kwh: float
) -> tuple[float, float]:
    """Return the least and the most energy to store so that worth less cost is greatest [kWh].

    Both are concave: from the least that can be stored, go on while one more kWh is worth more than it costs; where it
    is worth as much, all choices are equally good.

    Parameters
    ----------
    worth, cost
        Slopes and widths of the worth afterwards and of the negative cost, both over the energy stored; nothing can be
        stored beyond the end of either.
    worth_from_kwh, cost_from_kwh
        The stored energies at which they begin.
    """
    least = most = place = max(worth_from_kwh, cost_from_kwh)
    gains, worth_end, gain = iter(worth), worth_from_kwh, 0.0
    right = cost_from_kwh
    for fall, width in cost:
        right += width
        while place < right:
            while worth_end <= place:
                following = next(gains, None)
                if following is None:
                    return least, most
                gain = following[0]
                worth_end += following[1]
            surplus = gain + fall
            if surplus < -SAME_SLOPE:
                return least, most
            place = most = min(right, worth_end)
            if surplus > SAME_SLOPE:
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
