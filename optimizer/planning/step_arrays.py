"""All futures of a planning problem side by side, in kilowatts, with the battery's freedom in every interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.row import Row

Floats = NDArray[np.float64]

W_PER_KW = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepArrays:
    """Every array contiguous and of shape (scenarios, count), unless it says otherwise."""

    weights: Floats
    """Probability of each future, shape (scenarios,)."""
    net_load_kw: Floats
    """Load less available PV [kW]."""
    pv_kw: Floats
    buy: Floats
    """Import price [currency/kWh]."""
    sell: Floats
    """Export price [currency/kWh]."""
    max_charge_kw: Floats
    """Largest charging power the battery and the grid-charging rule allow [kW]."""
    max_discharge_kw: Floats
    """Largest discharging power the battery and the export rules allow [kW]."""

    lowest_kw: float
    """Lowest load or PV of all; nan where one is not a number [kW]."""
    lowest_price: float
    """Lowest price of all; nan where one is not a number [currency/kWh]."""
    highest_price: float
    """Highest price of all; nan where one is not a number [currency/kWh]."""

    def is_sound(self, count: int) -> bool:
        """Return whether all arrays have so many intervals and hold what they may: finite numbers, no load below 0."""
        shape = (len(self.weights), count)
        shaped = all(column.shape == shape for column in (self.net_load_kw, self.pv_kw, self.buy, self.sell))
        return shaped and self.lowest_kw >= 0.0 and math.isfinite(self.highest_price - self.lowest_price)

    @property
    def may_be_relaxed(self) -> NDArray[np.bool_]:
        """Where a price is negative or crossed, so that the cost of the interval may not be convex."""
        found: NDArray[np.bool_] = (self.sell > self.buy) | (np.minimum(self.buy, self.sell) < 0.0)
        return found


def step_arrays(problem: PlanningProblem) -> StepArrays:
    """Return the futures of a checked problem."""
    futures, count = problem.scenarios, len(problem.scenarios)
    # Both sides in one array: a plan of one future takes little longer than numpy takes to be called.
    powers_kw = _side_by_side([*(one.load_w for one in futures), *(one.pv_w for one in futures)]) / W_PER_KW
    prices = _prices(problem)
    lowest_kw, highest_kw = float(powers_kw.min()), float(powers_kw.max())
    pv_kw, net_kw = powers_kw[count:], powers_kw[:count] - powers_kw[count:]
    charge_kw, discharge_kw = _max_charge_kw(problem, net_kw), _max_discharge_kw(problem, net_kw, pv_kw)
    if count > 1:
        # One decision for the first interval: all futures get the same freedom in it, and it must suit each.
        charge_kw[:, 0], discharge_kw[:, 0] = charge_kw[:, 0].min(), discharge_kw[:, 0].min()
    return StepArrays(
        weights=np.array([one.weight for one in futures], dtype=float),
        net_load_kw=net_kw,
        pv_kw=pv_kw,
        buy=prices[:count],
        sell=prices[count:],
        max_charge_kw=charge_kw,
        max_discharge_kw=discharge_kw,
        # A difference is finite only where both are.
        lowest_kw=lowest_kw if math.isfinite(highest_kw - lowest_kw) else math.nan,
        lowest_price=float(prices.min()),
        highest_price=float(prices.max()),
    )


def _side_by_side(rows: Sequence[Sequence[float]]) -> Floats:
    """Return many rows of numbers as one array; those that come as rows are taken over in one piece."""
    doubles = [one.doubles for one in rows if isinstance(one, Row)]
    count = len(rows[0])
    if len(doubles) == len(rows) and all(len(one) == count for one in doubles):
        return np.frombuffer(b"".join(doubles)).reshape(-1, count)
    return np.array(rows) + 0.0  # whole numbers become floats, texts are refused


def _prices(problem: PlanningProblem) -> Floats:
    """Return what all futures buy at and, below, what they sell at; what they share is read once."""
    buy = [one.import_price_per_kwh or problem.import_price_per_kwh for one in problem.scenarios]
    sell = [one.export_price_per_kwh or problem.export_price_per_kwh for one in problem.scenarios]
    if all(row is buy[0] for row in buy) and all(row is sell[0] for row in sell):
        shared = _side_by_side([buy[0], sell[0]])
        return shared if len(buy) == 1 else shared.repeat(len(buy), axis=0)
    return _side_by_side([*buy, *sell])


def _max_charge_kw(problem: PlanningProblem, net_kw: Floats) -> Floats:
    """Return the largest charging power: within the import limit, and within the surplus without grid charging.

    Never less than what standby takes: the device feeds its own standing loss whatever it is told, and this keeps the
    energy recursion feasible.
    """
    battery, connection = problem.battery, problem.connection
    trickle = battery.standby_w / battery.charge_efficiency / W_PER_KW
    limit = battery.max_charge_w / W_PER_KW
    headroom_w = connection.max_import_w if connection.grid_charging else 0.0
    if headroom_w is None:
        return np.full_like(net_kw, max(trickle, limit))
    powers: Floats = np.clip(headroom_w / W_PER_KW - net_kw, trickle, max(trickle, limit))
    return powers


def _max_discharge_kw(problem: PlanningProblem, net_kw: Floats, pv_kw: Floats) -> Floats:
    """Return the largest discharging power: within the export limit, and within the need without battery export.

    Curtailed PV makes room for the battery. Where PV alone exceeds the limit the bound is 0: discharging never pays
    there, and without the bound the program would charge and discharge at once to burn the excess.
    """
    connection, limit = problem.connection, problem.battery.max_discharge_w / W_PER_KW
    if not connection.battery_export:
        need: Floats = np.clip(net_kw, 0.0, limit)
        return need
    if connection.max_export_w is None:
        return np.full_like(net_kw, limit)
    freed_kw = pv_kw if connection.curtailable else 0.0
    powers: Floats = np.clip(connection.max_export_w / W_PER_KW + net_kw + freed_kw, 0.0, limit)
    return powers
