"""What a kilowatt-hour left at the end of the horizon is worth: a value, not a target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from optimizer.domain.battery import Battery
from optimizer.domain.scenario import Scenario
from optimizer.domain.time_grid import TimeGrid

LAST = timedelta(hours=24)
"""The last day of the horizon stands for the day after it."""
PATIENCE = 0.98
"""A use today is certain, one after the horizon is not: equal prices are not waited for [1]."""


def terminal_value_per_kwh(
    grid: TimeGrid,
    battery: Battery,
    scenarios: Sequence[Scenario],
    import_price_per_kwh: Sequence[float],
    export_price_per_kwh: Sequence[float],
) -> float:
    """Return the worth of one stored kWh at the end of the grid [currency/kWh].

    The home can use stored energy only for what its own sun does not refill: with the deficit ``D`` of the last day
    and the surplus ``S`` that day brings, the share ``u = 1 - min(eta_c * S, capacity) * eta_d / D`` of a further kWh
    replaces import, the rest only pushes sun into the grid::

        value = 0.98 * max(0, u * eta_d * (mean import price - wear) + (1 - u) * mean export price / eta_c)

    So a home in winter keeps what a later hour needs, and a summer home with sun to spare hoards nothing. Prices are
    the means over the last day, import weighted by deficit, export by surplus. The second part never counts more than
    the first: energy that could be sold for more than it saves is sold within the horizon.
    """
    first = max(0, len(grid) - max(1, LAST // grid.step))
    weights = np.array([one.weight for one in scenarios])
    net_w = np.array([one.load_w[first:] for one in scenarios]) - np.array([one.pv_w[first:] for one in scenarios])
    deficits_wh = grid.step_h * np.dot(weights, np.maximum(0.0, net_w))
    surpluses_wh = grid.step_h * np.dot(weights, np.maximum(0.0, -net_w))
    deficit_wh, surplus_wh = float(deficits_wh.sum()), float(surpluses_wh.sum())
    deficit_cost = float(np.dot(deficits_wh, import_price_per_kwh[first:]))
    surplus_gain = float(np.dot(surpluses_wh, export_price_per_kwh[first:]))
    if deficit_wh <= 0.0:
        return 0.0
    days = (len(grid) - first) * grid.step_h / 24.0
    refilled_wh = min(surplus_wh * battery.charge_efficiency, battery.usable_capacity_wh * max(1.0, days))
    unmet = max(0.0, 1.0 - refilled_wh * battery.discharge_efficiency / deficit_wh)
    saves = battery.discharge_efficiency * (deficit_cost / deficit_wh - battery.wear_cost_per_kwh)
    frees = surplus_gain / surplus_wh / battery.charge_efficiency if surplus_wh > 0 else 0.0
    return PATIENCE * max(0.0, unmet * saves + (1.0 - unmet) * min(frees, saves))
