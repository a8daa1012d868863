"""Exact backward recursion on the worth of stored energy, one future at a time.

Exact for one battery whose cost is separable in time. Two things are approximated, and said so:

- Where a price is negative or crossed so that doing two things at once would pay, the interval's cost is not convex and
  its lower convex hull stands in (`VALUE_RELAXED`).
- A demand charge couples the intervals. Its peak is taken as given (the peak so far or the planned one), and import
  above it is charged in each interval; exact where at most one interval exceeds it, too dear otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.domain.energy_value import EnergyValue
from optimizer.planning.interval_cost import IntervalCost, StoringCost
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps
from optimizer.planning.worth_curve import WorthCurve, linear_worth, mean_worth, simplified

SLOPE_SHARE = 1.0 / 64.0
"""How finely an averaged worth tells slopes apart, as a share of the range of real prices [1]."""


@dataclass(frozen=True, slots=True)
class ScenarioWorth:
    """What stored energy is worth along one future."""

    at_start: WorthCurve
    """At the start of the first interval; less the optimal cost at the energy the plan starts with."""
    ends: tuple[WorthCurve, ...]
    """At the end of each interval, shape (count,)."""
    costs: tuple[StoringCost, ...]
    """What storing costs in each interval, shape (count,)."""

    @property
    def first_relaxed(self) -> int | None:
        """First interval whose cost was replaced by its convex hull."""
        return next((step for step, cost in enumerate(self.costs) if cost.relaxed), None)


def scenario_worth(scaled: ScaledProblem, steps: ScenarioSteps, *, billing_cap_kw: float = math.inf) -> ScenarioWorth:
    """Return the worth of stored energy along one future, from the end backwards."""
    costs = tuple(IntervalCost(scaled, steps, step, billing_cap_kw).storing() for step in range(scaled.count))
    ends: list[WorthCurve] = []
    curve = linear_worth(scaled.terminal_per_kwh, lowest_kwh=scaled.lowest_kwh, highest_kwh=scaled.highest_kwh)
    for cost in reversed(costs):
        if scaled.leaves_band:
            curve = curve.with_band(
                lowest_kwh=scaled.min_kwh, highest_kwh=scaled.max_kwh, price_per_kwh=scaled.penalties.band_per_kwh
            )
        ends.append(curve)
        curve = curve.before(cost.points, standby_kwh=scaled.standby_kwh)
    return ScenarioWorth(curve, tuple(reversed(ends)), costs)


def expected_values(scaled: ScaledProblem, worths: Sequence[ScenarioWorth]) -> tuple[EnergyValue, ...]:
    """Return the expected worth of stored energy at the end of each interval.

    The mean of a few dozen futures has hundreds of segments; those that no price can tell apart are joined.
    """
    weights = [steps.weight for steps in scaled.scenarios]
    means = (mean_worth(curves, weights) for curves in zip(*(worth.ends for worth in worths), strict=True))
    if len(worths) > 1:
        tolerance = SLOPE_SHARE * scaled.price_range
        means = (simplified(curve, tolerance=tolerance) for curve in means)
    fine = scaled.penalties.band_per_kwh
    return tuple(curve.as_energy_value(capacity_kwh=scaled.capacity_kwh, fine_per_kwh=fine) for curve in means)
