# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - the compiler wants arrays by position, and one loop without calls back
"""The backward recursion for the compiler: the arithmetic of :mod:`plain` and :mod:`interval_cost` on scalars.

Written apart from both, so that a mistake in one does not repeat here; the tests hold all of them to each other and to
the linear program. The worth of stored energy lies in the middle of a buffer, slopes falling from the lowest energy to
the highest, so that both of its ends can be cut without moving anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.planning.kernel.jit import jit
from optimizer.planning.step_arrays import Floats

NARROWEST = 1e-9
"""Less energy [kWh] or power [kW] than this is rounding."""
NOISE = 1e-9
"""Cost differences below this are rounding [currency]."""
MOST_CORNERS = 12
"""Bounds, idling, and four kinks of the grid's price with nothing or everything curtailed."""


class Facts(NamedTuple):
    """What holds in every interval; a limit that is not there is inf."""

    step_h: float
    charged_kwh: float
    """Energy stored in an interval per kW of charging [kWh/kW]."""
    discharged_kwh: float
    """Energy drawn in an interval per kW of discharging [kWh/kW]."""
    bought_kwh: float
    """AC energy to be bought per kWh stored [1]."""
    discharge_efficiency: float
    wear_per_kwh: float
    standby_kwh: float
    import_limit_kw: float
    export_limit_kw: float
    curtailable: bool
    limit_per_kwh: float
    band_per_kwh: float
    terminal_per_kwh: float
    peak_price_per_kw: float
    lowest_kwh: float
    highest_kwh: float
    min_kwh: float
    max_kwh: float
    start_kwh: float


class Interval(NamedTuple):
    """One interval of one future."""

    net_load_kw: float
    pv_kw: float
    buy: float
    sell: float
    max_charge_kw: float
    max_discharge_kw: float
    cap_kw: float
    """Import above which the demand charge counts; inf where it does not."""


@jit
def grid_price(facts: Facts, it: Interval, grid_kw: float) -> float:
    """Return what one more kWh taken from the grid costs [currency/kWh]."""
    price = it.buy if grid_kw > 0.0 else it.sell
    if grid_kw > facts.import_limit_kw:
        price += facts.limit_per_kwh
    if -grid_kw > facts.export_limit_kw:
        price -= facts.limit_per_kwh
    if grid_kw > it.cap_kw:
        price += facts.peak_price_per_kw / facts.step_h
    return price


@jit
def grid_cost(facts: Facts, it: Interval, grid_kw: float) -> float:
    """Return what a grid power costs over the interval [currency]."""
    cost = facts.step_h * grid_kw * (it.buy if grid_kw > 0.0 else it.sell)
    if grid_kw > facts.import_limit_kw:
        cost += facts.step_h * facts.limit_per_kwh * (grid_kw - facts.import_limit_kw)
    if -grid_kw > facts.export_limit_kw:
        cost += facts.step_h * facts.limit_per_kwh * (-grid_kw - facts.export_limit_kw)
    if grid_kw > it.cap_kw:
        cost += facts.peak_price_per_kw * (grid_kw - it.cap_kw)
    return cost


@jit
def settled_cost(facts: Facts, it: Interval, power_kw: float) -> float:
    """Return the cost of a battery power, curtailed at its best: at a kink, not at all, or all of it [currency]."""
    before = it.net_load_kw + power_kw
    cost = grid_cost(facts, it, before)
    if facts.curtailable and it.pv_kw > 0.0:
        after = before + it.pv_kw
        cost = min(cost, grid_cost(facts, it, after))
        for kink in (0.0, facts.import_limit_kw, -facts.export_limit_kw, it.cap_kw):
            if before < kink < after:
                cost = min(cost, grid_cost(facts, it, kink))
    return cost + facts.step_h * facts.wear_per_kwh * max(0.0, -power_kw)


@jit
def find_corners(facts: Facts, it: Interval, corners: Floats) -> int:
    """Write the battery powers at which the slope of the cost may change, increasing; return how many."""
    low, high = -it.max_discharge_kw, it.max_charge_kw
    corners[0] = low
    count = 1
    for kink in (0.0, facts.import_limit_kw, -facts.export_limit_kw, it.cap_kw):
        for curtailed in range(2 if facts.curtailable and it.pv_kw > 0.0 else 1):
            count = add_corner(corners, count, kink - it.net_load_kw - curtailed * it.pv_kw, low, high)
    count = add_corner(corners, count, 0.0, low, high)
    if high > corners[count - 1] + NARROWEST:
        corners[count] = high
        count += 1
    return count


@jit
def add_corner(corners: Floats, count: int, power: float, low: float, high: float) -> int:
    """Put a power in its place among the corners, if it lies within the bounds and is not there yet."""
    if not low + NARROWEST < power < high - NARROWEST:
        return count
    place = count
    while power < corners[place - 1]:
        place -= 1
    if power - corners[place - 1] <= NARROWEST or (place < count and corners[place] - power <= NARROWEST):
        return count
    for index in range(count, place, -1):
        corners[index] = corners[index - 1]
    corners[place] = power
    return count + 1


@jit
def stored_kwh(facts: Facts, power_kw: float) -> float:
    """Return the energy a power brings into the store, standing losses aside [kWh]."""
    return power_kw * (facts.charged_kwh if power_kw > 0.0 else facts.discharged_kwh)


@jit
def price_corners(facts: Facts, it: Interval, corners: Floats, count: int, slopes: Floats, widths: Floats) -> int:
    """Write slopes and widths of a convex cost, straight from the prices; return how many."""
    stored = stored_kwh(facts, corners[0])
    for index in range(count - 1):
        middle, before = 0.5 * (corners[index] + corners[index + 1]), stored
        price = grid_price(facts, it, it.net_load_kw + middle)
        if facts.curtailable:
            curtailed = grid_price(facts, it, it.net_load_kw + middle + it.pv_kw)
            price = max(price, 0.0) + min(curtailed, 0.0)
        if middle > 0.0:
            slopes[index] = price * facts.bought_kwh
        else:
            slopes[index] = (price - facts.wear_per_kwh) * facts.discharge_efficiency
        stored = stored_kwh(facts, corners[index + 1])
        widths[index] = stored - before
    return count - 1


@jit
def hull_corners(
    facts: Facts, it: Interval, corners: Floats, count: int, slopes: Floats, widths: Floats
) -> tuple[int, bool]:
    """Write slopes and widths of the largest convex cost below the true one; return how many, and if it lies below."""
    stored, costs = np.empty(count), np.empty(count)
    kept, relaxed = 0, facts.curtailable and it.sell > it.buy
    for index in range(count):
        here, cost = stored_kwh(facts, corners[index]), settled_cost(facts, it, corners[index])
        while kept >= 2:
            share = (stored[kept - 1] - stored[kept - 2]) / (here - stored[kept - 2])
            excess = costs[kept - 1] - (costs[kept - 2] + share * (cost - costs[kept - 2]))
            if excess < 0.0:
                break
            relaxed = relaxed or excess > NOISE
            kept -= 1
        stored[kept], costs[kept] = here, cost
        kept += 1
    for index in range(kept - 1):
        widths[index] = stored[index + 1] - stored[index]
        slopes[index] = (costs[index + 1] - costs[index]) / widths[index]
    return kept - 1, relaxed


@jit
def widened(slopes: Floats, widths: Floats, first: int, end: int) -> tuple[Floats, Floats, int, int]:
    """Return the pieces in the middle of a buffer with room on either side."""
    count = end - first
    size = max(4 * count, 128)
    start = (size - count) // 2
    wide_slopes, wide_widths = np.empty(size), np.empty(size)
    wide_slopes[start : start + count] = slopes[first:end]
    wide_widths[start : start + count] = widths[first:end]
    return wide_slopes, wide_widths, start, start + count


@jit
def merge(slopes: Floats, widths: Floats, first: int, end: int, slope: float, width: float) -> int:
    """Put a piece in its place; return the new end. The buffer must have room."""
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if slopes[middle] > slope:
            low = middle + 1
        else:
            high = middle
    if low < end and slopes[low] == slope:
        widths[low] += width
        return end
    for index in range(end, low, -1):
        slopes[index], widths[index] = slopes[index - 1], widths[index - 1]
    slopes[low], widths[low] = slope, width
    return end + 1


@jit
def fine(facts: Facts, slopes: Floats, widths: Floats, first: int, end: int) -> tuple[Floats, Floats, int, int]:
    """Return the pieces with each kWh outside the band fined."""
    fined_slopes, fined_widths = np.empty(3 * (end - first)), np.empty(3 * (end - first))
    count, left = 0, facts.lowest_kwh
    for index in range(first, end):
        right = left + widths[index]
        below = max(0.0, min(right, facts.min_kwh) - left)
        above = max(0.0, right - max(left, facts.max_kwh))
        within = widths[index] - below - above
        for sign, width in ((1.0, below), (0.0, within), (-1.0, above)):
            if width > NARROWEST:
                fined_slopes[count] = slopes[index] + sign * facts.band_per_kwh
                fined_widths[count] = width
                count += 1
        left = right
    return widened(fined_slopes, fined_widths, 0, count)


@jit
def worth_at(slopes: Floats, widths: Floats, first: int, end: int, kwh: float) -> float:
    """Return the worth of an energy above the lowest one, compared with the lowest [currency]."""
    worth = 0.0
    for index in range(first, end):
        reached = min(kwh, widths[index])
        worth += float(slopes[index]) * reached
        kwh -= reached
    return worth


@jit
def backward(
    facts: Facts,
    columns: tuple[Floats, Floats, Floats, Floats, Floats, Floats],
    counts_for_peak: NDArray[np.bool_],
    caps_kw: Floats,
    keep: int,
) -> tuple[Floats, int, Floats, NDArray[np.int64], Floats, Floats]:
    """Return the worths of all futures.

    Parameters
    ----------
    columns
        Net load, PV, import price, export price, largest charging and discharging power, each of shape
        (scenarios, count).

    Returns
    -------
    tuple
        Worth at the start, shape (scenarios,); first relaxed interval or -1; worth of the lowest energy at the kept
        ends, shape (scenarios, keep); where the pieces of each end begin and how many there are, shape
        (scenarios, keep, 2); slopes and widths of all of them.
    """
    net_load, pv, buy, sell, max_charge, max_discharge = columns
    futures, steps = net_load.shape
    start_values, first_relaxed = np.empty(futures), steps
    lowest_worths, places = np.empty((futures, keep)), np.empty((futures, keep, 2), dtype=np.int64)
    kept_slopes, kept_widths, used = np.empty(64 * futures * keep + 64), np.empty(64 * futures * keep + 64), 0
    corners, cost_slopes, cost_widths = np.empty(MOST_CORNERS), np.empty(MOST_CORNERS), np.empty(MOST_CORNERS)
    fines = facts.start_kwh < facts.min_kwh or facts.start_kwh > facts.max_kwh
    for future in range(futures):
        slopes, widths = np.empty(256), np.empty(256)
        first, end = 128, 129
        slopes[first], widths[first] = facts.terminal_per_kwh, facts.highest_kwh - facts.lowest_kwh
        worth = facts.terminal_per_kwh * facts.lowest_kwh
        for step in range(steps - 1, -1, -1):
            if fines:
                slopes, widths, first, end = fine(facts, slopes, widths, first, end)
                worth -= facts.band_per_kwh * max(0.0, facts.min_kwh - facts.lowest_kwh)
            if step < keep:
                count = end - first
                if used + count > len(kept_slopes):
                    kept_slopes = np.concatenate((kept_slopes, np.empty(len(kept_slopes) + count)))
                    kept_widths = np.concatenate((kept_widths, np.empty(len(kept_widths) + count)))
                kept_slopes[used : used + count] = slopes[first:end]
                kept_widths[used : used + count] = widths[first:end]
                places[future, step, 0], places[future, step, 1] = used, count
                lowest_worths[future, step] = worth
                used += count
            it = Interval(
                net_load[future, step],
                pv[future, step],
                buy[future, step],
                sell[future, step],
                max_charge[future, step],
                max_discharge[future, step],
                caps_kw[future] if counts_for_peak[step] else np.inf,
            )
            # What storing costs: convex at ordinary prices, its lower hull at negative or crossed ones.
            count = find_corners(facts, it, corners)
            if it.sell > it.buy or min(it.buy, it.sell) < 0.0:
                pieces, relaxed = hull_corners(facts, it, corners, count, cost_slopes, cost_widths)
                if relaxed:
                    first_relaxed = min(first_relaxed, step)
            else:
                pieces = price_corners(facts, it, corners, count, cost_slopes, cost_widths)
            # An energy that is there need not be bought: the interval's slopes are worths like any other.
            if end + MOST_CORNERS > len(slopes):
                slopes, widths, first, end = widened(slopes, widths, first, end)
            for piece in range(pieces):
                end = merge(slopes, widths, first, end, cost_slopes[piece], cost_widths[piece])
            # Cut off what lies outside the reachable energies, on the left and on the right.
            cut = stored_kwh(facts, it.max_charge_kw) - facts.standby_kwh
            while first < end - 1 and cut >= widths[first] - NARROWEST:
                worth += slopes[first] * widths[first]
                cut -= widths[first]
                first += 1
            worth += slopes[first] * cut - settled_cost(facts, it, it.max_charge_kw)
            widths[first] -= cut
            cut = facts.standby_kwh - stored_kwh(facts, -it.max_discharge_kw)
            while end - 1 > first and cut >= widths[end - 1] - NARROWEST:
                cut -= widths[end - 1]
                end -= 1
            widths[end - 1] -= cut
        start_values[future] = worth + worth_at(slopes, widths, first, end, facts.start_kwh - facts.lowest_kwh)
    if first_relaxed == steps:
        first_relaxed = -1
    return start_values, first_relaxed, lowest_worths, places, kept_slopes, kept_widths
