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
    replaces import, the rest only pushes sun into the grid. In the mean over the futures::

        saves = 0.98 * eta_d * (mean import price - wear),  frees = mean export price / eta_c
        value = max(0, u * saves + (1 - u) * min(frees, saves))

    So a home in winter keeps what a later hour needs, and a summer home with sun to spare hoards nothing. Prices are
    the means over the last day, import weighted by deficit, export by surplus. The second part never counts more than
    the first: energy that could be sold for more than it saves is sold within the horizon. Sun stored now that only
    pushes later sun into the grid loses nothing, as it takes the room that would be filled later: so ``frees`` counts
    in full, and surplus is stored as plain self-consumption does, for the dull day that no future shows.
    """
    first = max(0, len(grid) - max(1, LAST // grid.step))
    weights = np.array([one.weight for one in scenarios])
    net_w = (
        np.array([one.load_w for one in scenarios])[:, first:] - np.array([one.pv_w for one in scenarios])[:, first:]
    )
    deficits_wh, surpluses_wh = grid.step_h * np.maximum(0.0, net_w), grid.step_h * np.maximum(0.0, -net_w)
    deficit_wh, surplus_wh = deficits_wh.sum(axis=1), surpluses_wh.sum(axis=1)
    # A future that lacks nothing uses nothing stored; its share and prices are those of nothing, 0.
    lacks, spares = np.maximum(deficit_wh, 1e-9), np.maximum(surplus_wh, 1e-9)
    days = (len(grid) - first) * grid.step_h / 24.0
    refilled_wh = np.minimum(surplus_wh * battery.charge_efficiency, battery.usable_capacity_wh * max(1.0, days))
    unmet = np.maximum(0.0, 1.0 - refilled_wh * battery.discharge_efficiency / lacks)
    bought = deficits_wh @ np.array(import_price_per_kwh[first:]) / lacks
    saves = np.where(
        deficit_wh > 0.0, PATIENCE * battery.discharge_efficiency * (bought - battery.wear_cost_per_kwh), 0.0
    )
    frees = surpluses_wh @ np.array(export_price_per_kwh[first:]) / spares / battery.charge_efficiency
    return max(0.0, float(weights @ (unmet * saves + (1.0 - unmet) * np.minimum(frees, saves))))
