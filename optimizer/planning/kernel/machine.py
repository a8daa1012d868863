# ruff: noqa: PLR0917 - the compiler wants arrays by position
"""The backward recursion for the compiler: the arithmetic of :mod:`plain` and :mod:`interval_cost` on scalars.

Written apart from both, so that a mistake in one does not repeat here; the tests hold all of them to each other and to
the linear program. The worth of stored energy lies in the middle of a row, slopes falling from the lowest energy to the
highest, so that both of its ends can be cut without moving anything, and a piece put in by moving the shorter side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.planning.kernel.jit import inlined, jit
from optimizer.planning.step_arrays import Floats

NARROWEST = 1e-9
"""Less energy [kWh] or power [kW] than this is rounding."""
NOISE = 1e-9
"""Cost differences below this are rounding [currency]."""
MOST_CORNERS = 12
"""Bounds, idling, and four kinks of the grid's price with nothing or everything curtailed."""
ROOM = 512
"""Pieces a row has room for at first."""


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


class Switches(NamedTuple):
    """Where the futures change into one another."""

    starts: NDArray[np.int64]
    """The intervals that a switch goes before, increasing."""
    share: float
    weights: Floats
    """Probability of each future, shape (scenarios,)."""
    join_per_kwh: float
    """Slopes closer than this are joined; 0: none are [currency/kWh]."""
    join_share: float
    """The same as a share of the steepest [1]."""


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


class Future(NamedTuple):
    """All intervals of one future; every array has shape (count,)."""

    net_load_kw: Floats
    pv_kw: Floats
    buy: Floats
    sell: Floats
    max_charge_kw: Floats
    max_discharge_kw: Floats
    counts_for_peak: NDArray[np.bool_]
    cap_kw: float


class Pieces(NamedTuple):
    """The worths of all futures at one instant, end to end."""

    slopes: Floats
    widths: Floats
    counts: NDArray[np.int64]
    """How many pieces each future has, shape (scenarios,)."""
    at_lowest: Floats
    """Worth of the lowest energy, shape (scenarios,) [currency]."""


class Kept(NamedTuple):
    """The worths at the ends of the first intervals, as they are found."""

    lowest_worths: Floats
    """Worth of the lowest energy, shape (scenarios, keep) [currency]."""
    places: NDArray[np.int64]
    """Where the pieces of each end begin and how many there are, shape (scenarios, keep, 2)."""
    slopes: Floats
    """All of them, end to end, and room for more."""
    widths: Floats
    used: int


@inlined
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


@inlined
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


@inlined
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


@inlined
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


@inlined
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


@inlined
def stored_kwh(facts: Facts, power_kw: float) -> float:
    """Return the energy a power brings into the store, standing losses aside [kWh]."""
    return power_kw * (facts.charged_kwh if power_kw > 0.0 else facts.discharged_kwh)


@inlined
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


@inlined
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


@inlined
def insert(slopes: Floats, widths: Floats, first: int, end: int, slope: float, width: float) -> tuple[int, int]:
    """Put a piece in its place; return where the pieces begin and end now. There must be room on either side."""
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if slopes[middle] > slope:
            low = middle + 1
        else:
            high = middle
    if low < end and slopes[low] == slope:
        widths[low] += width
        return first, end
    if low - first < end - low:
        for index in range(first, low):
            slopes[index - 1], widths[index - 1] = slopes[index], widths[index]
        slopes[low - 1], widths[low - 1] = slope, width
        return first - 1, end
    for index in range(end, low, -1):
        slopes[index], widths[index] = slopes[index - 1], widths[index - 1]
    slopes[low], widths[low] = slope, width
    return first, end + 1


@jit
def advance(
    facts: Facts,
    future: Future,
    since: int,
    until: int,
    slopes: Floats,
    widths: Floats,
    first: int,
    end: int,
    worth: float,
) -> tuple[int, int, float, int]:
    """Go back from the start of interval ``until`` to the start of interval ``since``; the rows change in place.

    Returns
    -------
    tuple
        Where the pieces begin and end now, the worth of the lowest energy, and the first relaxed interval or -1.
    """
    corners, cost_slopes, cost_widths = np.empty(MOST_CORNERS), np.empty(MOST_CORNERS), np.empty(MOST_CORNERS)
    first_relaxed = -1
    for step in range(until - 1, since - 1, -1):
        it = Interval(
            future.net_load_kw[step],
            future.pv_kw[step],
            future.buy[step],
            future.sell[step],
            future.max_charge_kw[step],
            future.max_discharge_kw[step],
            future.cap_kw if future.counts_for_peak[step] else np.inf,
        )
        # What storing costs: convex at ordinary prices, its lower hull at negative or crossed ones.
        count = find_corners(facts, it, corners)
        if it.sell > it.buy or min(it.buy, it.sell) < 0.0:
            pieces, relaxed = hull_corners(facts, it, corners, count, cost_slopes, cost_widths)
            if relaxed:
                first_relaxed = step
        else:
            pieces = price_corners(facts, it, corners, count, cost_slopes, cost_widths)
        # An energy that is there need not be bought: the interval's slopes are worths like any other.
        for piece in range(pieces):
            first, end = insert(slopes, widths, first, end, cost_slopes[piece], cost_widths[piece])
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
    return first, end, worth, first_relaxed


@jit
def fine(facts: Facts, slopes: Floats, widths: Floats) -> tuple[Floats, Floats]:
    """Return the pieces with each kWh outside the band fined."""
    fined_slopes, fined_widths = np.empty(3 * len(slopes)), np.empty(3 * len(slopes))
    count, left = 0, facts.lowest_kwh
    for index in range(len(slopes)):
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
    return fined_slopes[:count], fined_widths[:count]


@jit
def in_the_middle(slopes: Floats, widths: Floats) -> tuple[Floats, Floats, int]:
    """Return rows with the pieces in the middle, room for as many and more on either side, and where they begin."""
    count = len(slopes)
    start = max(ROOM, count)
    row_slopes, row_widths = np.empty(2 * start + count), np.empty(2 * start + count)
    row_slopes[start : start + count] = slopes
    row_widths[start : start + count] = widths
    return row_slopes, row_widths, start


@jit
def put(shelf: Floats, used: int, pieces: Floats) -> Floats:
    """Return the shelf with figures behind those that are on it; a longer one if it is full."""
    needed = used + len(pieces)
    if needed > len(shelf):
        longer = np.empty(2 * needed)
        longer[:used] = shelf[:used]
        shelf = longer
    shelf[used:needed] = pieces
    return shelf


@jit
def keep_end(kept: Kept, number: int, step: int, slopes: Floats, widths: Floats, worth: float) -> Kept:
    """Return what is kept with the worth of one future at the end of an interval."""
    kept.places[number, step, 0], kept.places[number, step, 1] = kept.used, len(slopes)
    kept.lowest_worths[number, step] = worth
    return Kept(
        kept.lowest_worths,
        kept.places,
        put(kept.slopes, kept.used, slopes),
        put(kept.widths, kept.used, widths),
        kept.used + len(slopes),
    )


@jit
def back_through(
    facts: Facts, future: Future, number: int, since: int, until: int, pieces: tuple[Floats, Floats, float], kept: Kept
) -> tuple[Floats, Floats, float, int, Kept]:
    """Go back from the start of interval ``until`` to the start of ``since``, keeping and fining on the way.

    Returns
    -------
    tuple
        Slopes, widths, the worth of the lowest energy, the first relaxed interval or -1, and what is kept.
    """
    slopes, widths, first = in_the_middle(pieces[0], pieces[1])
    end, worth, first_relaxed, keep = first + len(pieces[0]), pieces[2], -1, kept.places.shape[1]
    fines = facts.start_kwh < facts.min_kwh or facts.start_kwh > facts.max_kwh
    while until > since:
        if fines:
            fined_slopes, fined_widths = fine(facts, slopes[first:end], widths[first:end])
            slopes, widths, first = in_the_middle(fined_slopes, fined_widths)
            end = first + len(fined_slopes)
            worth -= facts.band_per_kwh * max(0.0, facts.min_kwh - facts.lowest_kwh)
        if until <= keep:
            kept = keep_end(kept, number, until - 1, slopes[first:end], widths[first:end], worth)
        room = min(first, len(slopes) - end) // MOST_CORNERS
        if room < 1:
            count = end - first
            slopes, widths, first = in_the_middle(slopes[first:end], widths[first:end])
            end, room = first + count, ROOM // MOST_CORNERS
        # As many intervals in one go as nothing is to be done between, and as there is room for.
        back = until - 1 if fines or until <= keep else max(since, keep, until - room)
        first, end, worth, relaxed = advance(facts, future, back, until, slopes, widths, first, end, worth)
        first_relaxed = relaxed if relaxed >= 0 else first_relaxed
        until = back
    return slopes[first:end], widths[first:end], worth, first_relaxed, kept


@jit
def worth_at(slopes: Floats, widths: Floats, kwh: float) -> float:
    """Return the worth of an energy above the lowest one, compared with the lowest [currency]."""
    worth = 0.0
    for index in range(len(slopes)):
        reached = min(kwh, widths[index])
        worth += float(slopes[index]) * reached
        kwh -= reached
    return worth


@jit
def mean_of(pieces: Pieces, weights: Floats) -> tuple[Floats, Floats]:
    """Return slopes and widths of the expected worth: every step of a slope, weighted, at its energy."""
    total, futures = len(pieces.slopes), len(pieces.counts)
    places, drops, steepest, at, last = np.empty(total), np.empty(total), 0.0, 0, 0.0
    for future in range(futures):
        steepest += weights[future] * pieces.slopes[at]
        energy, count = 0.0, pieces.counts[future]
        for index in range(at, at + count):
            energy += pieces.widths[index]
            fall = pieces.slopes[index] - pieces.slopes[index + 1] if index + 1 < at + count else 0.0
            places[index], drops[index] = energy, weights[future] * fall
        last, at = max(last, energy), at + count
    order = in_order(places, last)
    slopes, widths, count, before = np.empty(total), np.empty(total), 0, 0.0
    for index in order:
        if places[index] > before:
            slopes[count], widths[count] = steepest, places[index] - before
            before, count = places[index], count + 1
        steepest -= drops[index]
    return slopes[:count], widths[:count]


@jit
def in_order(places: Floats, highest: float) -> NDArray[np.int64]:
    """Return the order of energies between 0 and the highest: thrown into as many bins, then sorted where they lie."""
    total = len(places)
    bins, starts = np.empty(total, dtype=np.int64), np.zeros(total + 1, dtype=np.int64)
    for index in range(total):
        bins[index] = min(int(places[index] / highest * total), total - 1)
        starts[bins[index] + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(total, dtype=np.int64)
    for index in range(total):
        order[starts[bins[index]]] = index
        starts[bins[index]] += 1
    for index in range(1, total):
        moved, place = order[index], index
        while place > 0 and places[order[place - 1]] > places[moved]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = moved
    return order


@jit
def join(slopes: Floats, widths: Floats, switches: Switches) -> int:
    """Join neighbours whose slopes hardly differ, each to its chord, in place; return how many are left."""
    if switches.join_per_kwh <= 0.0:
        return len(slopes)
    joined, first = 0, 0
    while first < len(slopes):
        lowest = slopes[first] - max(switches.join_per_kwh, switches.join_share * abs(slopes[first]))
        width, worth = 0.0, 0.0
        while first < len(slopes) and slopes[first] >= lowest:
            width += widths[first]
            worth += slopes[first] * widths[first]
            first += 1
        slopes[joined], widths[joined] = worth / width, width
        joined += 1
    return joined


@jit
def blend(
    slopes: Floats, widths: Floats, mean_slopes: Floats, mean_widths: Floats, share: float
) -> tuple[Floats, Floats]:
    """Return the pieces of ``(1 - share) * own worth + share * mean worth``."""
    own_last, mean_last = len(slopes) - 1, len(mean_slopes) - 1
    blended, wide, count = np.empty(own_last + mean_last + 2), np.empty(own_last + mean_last + 2), 0
    own, mean, before, own_end, mean_end = 0, 0, 0.0, widths[0], mean_widths[0]
    while True:
        end = min(own_end, mean_end)
        width, slope = end - before, (1.0 - share) * slopes[own] + share * mean_slopes[mean]
        before = end
        if count > 0 and width <= NARROWEST:
            wide[count - 1] += width
        elif count > 0 and wide[count - 1] <= NARROWEST:
            blended[count - 1], wide[count - 1] = slope, wide[count - 1] + width
        else:
            blended[count], wide[count] = slope, width
            count += 1
        # Both end at the same energy, but for rounding: the shorter goes on as it was.
        if own_end <= end:
            own, own_end = (own + 1, own_end + widths[own + 1]) if own < own_last else (own, np.inf)
        if mean_end <= end:
            mean, mean_end = (mean + 1, mean_end + mean_widths[mean + 1]) if mean < mean_last else (mean, np.inf)
        if own_end == np.inf and mean_end == np.inf:
            return blended[:count], wide[:count]


@jit
def switched(pieces: Pieces, switches: Switches) -> Pieces:
    """Return the worths before the futures change into one another, given those after."""
    mean_slopes, mean_widths = mean_of(pieces, switches.weights)
    left = join(mean_slopes, mean_widths, switches)
    mean_slopes, mean_widths = mean_slopes[:left], mean_widths[:left]
    futures = len(pieces.counts)
    most = len(pieces.slopes) + futures * left
    slopes, widths, counts = np.empty(most), np.empty(most), np.empty(futures, dtype=np.int64)
    at, used = 0, 0
    for future in range(futures):
        end = at + pieces.counts[future]
        own, wide = blend(pieces.slopes[at:end], pieces.widths[at:end], mean_slopes, mean_widths, switches.share)
        counts[future] = join(own, wide, switches)
        slopes[used : used + counts[future]] = own[: counts[future]]
        widths[used : used + counts[future]] = wide[: counts[future]]
        at, used = end, used + counts[future]
    mean_at_lowest = np.sum(switches.weights * pieces.at_lowest)
    at_lowest = (1.0 - switches.share) * pieces.at_lowest + switches.share * mean_at_lowest
    return Pieces(slopes[:used], widths[:used], counts, at_lowest)


@jit
def backward(
    facts: Facts,
    columns: tuple[Floats, Floats, Floats, Floats, Floats, Floats],
    counts_for_peak: NDArray[np.bool_],
    caps_kw: Floats,
    switches: Switches,
    keep: int,
) -> tuple[Floats, int, Kept]:
    """Return the worths of all futures.

    Parameters
    ----------
    columns
        Net load, PV, import price, export price, largest charging and discharging power, each of shape
        (scenarios, count).

    Returns
    -------
    tuple
        Worth at the start, shape (scenarios,); first relaxed interval or -1; what is kept.
    """
    net_load, pv, buy, sell, max_charge, max_discharge = columns
    futures, steps = net_load.shape
    start_values, first_relaxed = np.empty(futures), steps
    places, shelf = np.empty((futures, keep, 2), dtype=np.int64), 32 * futures * keep
    kept = Kept(np.empty((futures, keep)), places, np.empty(shelf), np.empty(shelf), 0)
    pieces = Pieces(
        np.full(futures, facts.terminal_per_kwh),
        np.full(futures, facts.highest_kwh - facts.lowest_kwh),
        np.ones(futures, dtype=np.int64),
        np.full(futures, facts.terminal_per_kwh * facts.lowest_kwh),
    )
    until = steps
    for number in range(len(switches.starts), -1, -1):
        since = switches.starts[number - 1] if number > 0 else 0
        room = 64 * futures
        slopes, widths, used, at = np.empty(room), np.empty(room), 0, 0
        counts, at_lowest = np.empty(futures, dtype=np.int64), np.empty(futures)
        for one in range(futures):
            future = Future(
                net_load[one],
                pv[one],
                buy[one],
                sell[one],
                max_charge[one],
                max_discharge[one],
                counts_for_peak,
                caps_kw[one],
            )
            end = at + pieces.counts[one]
            later = (pieces.slopes[at:end], pieces.widths[at:end], pieces.at_lowest[one])
            own, wide, at_lowest[one], relaxed, kept = back_through(facts, future, one, since, until, later, kept)
            if relaxed >= 0:
                first_relaxed = min(first_relaxed, relaxed)
            slopes, widths, counts[one] = put(slopes, used, own), put(widths, used, wide), len(own)
            at, used = end, used + len(own)
        pieces, until = Pieces(slopes[:used], widths[:used], counts, at_lowest), since
        if since > 0:
            pieces = switched(pieces, switches)
    at = 0
    for one in range(futures):
        end = at + pieces.counts[one]
        own, wide = pieces.slopes[at:end], pieces.widths[at:end]
        start_values[one] = pieces.at_lowest[one] + worth_at(own, wide, facts.start_kwh - facts.lowest_kwh)
        at = end
    return start_values, first_relaxed if first_relaxed < steps else -1, kept
