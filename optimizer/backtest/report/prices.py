"""At which prices a run charged and discharged."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.backtest.backtest import Result, Run
from optimizer.backtest.report.months import joined, rounded
from optimizer.backtest.world import Floats

MOST_CLASSES = 14


def by_price(result: Result, run: Run) -> dict[str, Any]:
    """Return the energy charged and discharged by class of the import price [kWh].

    A tariff of few levels has a class a level, any other classes of equal width.
    """
    buy = np.concatenate([span.buy for span in result.period.spans])
    power_kwh = joined(run, "battery_w") * result.period.step.total_seconds() / 3600.0 / 1000.0
    levels, places = np.unique(np.round(buy, 4), return_inverse=True)
    if len(levels) > MOST_CLASSES:
        low, high = np.quantile(buy, [0.005, 0.995])
        edges = np.linspace(low, high, MOST_CLASSES + 1)
        places = np.clip(np.searchsorted(edges, buy, side="right") - 1, 0, MOST_CLASSES - 1)
        levels = (edges[:-1] + edges[1:]) / 2.0

    def sums(values: Floats) -> list[float]:
        return rounded(np.bincount(places, weights=np.maximum(0.0, values), minlength=len(levels)).astype(float), 1)

    return {"price": rounded(levels, 4), "charged": sums(power_kwh), "discharged": sums(-power_kwh)}
