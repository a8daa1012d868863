"""Exact backward recursion on the worth of stored energy, and its mean over all futures.

Exact for one battery whose cost is separable in time. Three things are approximated, and said so:

- Where a price is negative or crossed so that doing two things at once would pay, the interval's cost is not convex and
  its lower convex hull stands in (`VALUE_RELAXED`).
- Where futures change into one another, neighbouring slopes of a mean worth are joined where no price tells them apart.
- A demand charge couples the intervals. Its peak is taken as given (the peak so far or the planned one), and import
  above it is charged in each interval; exact where at most one interval exceeds it, too dear otherwise.
"""

from __future__ import annotations

import numpy as np

from optimizer.domain.energy_value import EnergyValue
from optimizer.planning.kernel.choice import Kernel, best_kernel
from optimizer.planning.kernel.port import Worths
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import WorthCurve, mean_worth, simplified

SLOPE_SHARE = 1.0 / 64.0
"""How finely an averaged worth tells slopes apart, as a share of the range of real prices [1]."""


def worths_of(
    scaled: ScaledProblem, *, caps_kw: Floats | None = None, keep: int | None = None, kernel: Kernel | None = None
) -> Worths:
    """Return what stored energy is worth along each future, from the end backwards.

    Parameters
    ----------
    caps_kw
        Import above which the demand charge counts, for each future; None: there is none, shape (scenarios,).
    keep
        At the ends of how many intervals, from the first on, the worth will be asked for; None: of all.
    kernel
        Which form of the recursion; None: the fastest there is.
    """
    caps = np.full(len(scaled.arrays.weights), np.inf) if caps_kw is None else caps_kw
    return (kernel or best_kernel())(scaled, caps, keep=scaled.count if keep is None else min(keep, scaled.count))


def is_exact(scaled: ScaledProblem, worths: Worths) -> bool:
    """Return whether the recursion finds the true optimum.

    Not where an interval's cost was made convex, and not for billing peaks that several futures share. The best peak of
    one future is searched for, which needs its cost to be convex in the peak: no price may be negative or crossed.
    """
    if worths.first_relaxed is not None:
        return False
    if not scaled.peak_price_per_kw:
        return True
    return len(scaled.arrays.weights) == 1 and not scaled.arrays.may_be_relaxed.any()


def method_of(scaled: ScaledProblem) -> str:
    """Return what a plan of the recursion says about how it was made."""
    return "recursion" if scaled.switches is None else "switching recursion"


def expected_worth(scaled: ScaledProblem, worths: Worths, step: int) -> WorthCurve:
    """Return the expected worth of stored energy at the end of an interval."""
    if len(scaled.arrays.weights) == 1:
        return worths.end_curve(0, step)
    return mean_worth(scaled.lowest_kwh, worths.end_pieces(step), scaled.arrays.weights)


def expected_value(scaled: ScaledProblem, worths: Worths, step: int) -> EnergyValue:
    """Return the expected worth at the end of an interval as it is handed out."""
    return handed_out(scaled, expected_worth(scaled, worths, step))


def handed_out(scaled: ScaledProblem, curve: WorthCurve) -> EnergyValue:
    """Return an expected worth as the domain's record.

    The mean of a few dozen futures has hundreds of segments; those that no price can tell apart are joined.
    """
    if len(scaled.arrays.weights) > 1:
        curve = simplified(curve, tolerance=SLOPE_SHARE * scaled.price_range)
    return curve.as_energy_value(capacity_kwh=scaled.capacity_kwh, fine_per_kwh=scaled.penalties.band_per_kwh)
