"""The second method: the recursion on the worth of stored energy proves how low the cost can be.

Billing peaks couple the intervals of a month. At the right prices they do not: give each metered interval a price
``lambda >= 0`` on its mean import, adding up to at most the peak price in each billing period, and by weak duality ::

    optimum >= (optimum of the separable problem, import dearer by lambda) - sum of lambda * free peak

with equality at the linear program's own duals. The separable problem is what the recursion solves exactly. So whatever
the program says, its path, billed, lies at or above the optimum and this value at or below it: where the two meet, both
are the optimum.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.backtest.bound.freedom import Freedom
from optimizer.backtest.world import Floats
from optimizer.planning.recursion import worths_of


def lowest_cost(freedom: Freedom, peak_prices: Floats) -> float:
    """Return a cost that no run can be below, fines included [currency].

    Parameters
    ----------
    peak_prices
        A price on the mean import of each metered interval, any values: they are made to fit [currency/kW].
    """
    prices = _fitting(freedom, peak_prices)
    dearer = _dearer_imports(freedom, prices)
    total = freedom.credit - float(prices.sum()) * freedom.free_kw
    for span, extra in zip(freedom.spans, dearer, strict=True):
        arrays = span.scaled.arrays
        scaled = replace(span.scaled, arrays=replace(arrays, buy=arrays.buy + extra))
        total -= float(worths_of(scaled, keep=0).start_values[0])
    return total


def _fitting(freedom: Freedom, prices: Floats) -> Floats:
    """Return prices that are not negative and add up to at most the peak price in each billing period."""
    if not freedom.metered:
        return np.zeros(0)
    fitting: Floats = np.maximum(0.0, prices)
    periods = np.array([one.period for one in freedom.metered])
    sums = np.bincount(periods, weights=fitting, minlength=freedom.periods)
    scale = np.minimum(1.0, freedom.peak_price_per_kw / np.maximum(sums, 1e-300))
    scaled: Floats = fitting * scale[periods]
    return scaled


def _dearer_imports(freedom: Freedom, prices: Floats) -> list[Floats]:
    """Return what import costs more in each interval of each span [currency/kWh]."""
    extras = [np.zeros(span.scaled.count) for span in freedom.spans]
    for one, price in zip(freedom.metered, prices, strict=True):
        if price:
            step_h = freedom.spans[one.span].scaled.step_h
            extras[one.span][one.first : one.first + one.size] += price / one.size / step_h
    return extras
