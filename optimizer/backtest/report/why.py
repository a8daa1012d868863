"""Why a run saved what it saved: the difference of two bills, taken apart without a remainder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.backtest.backtest import Result, Run
from optimizer.backtest.report.months import joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What a run bought and sold."""

    bought_kwh: float
    paid: float
    """For energy alone [currency]."""
    sold_kwh: float
    earned: float

    @property
    def mean_paid(self) -> float:
        """Mean price of what was bought; 0 where nothing was [currency/kWh]."""
        return self.paid / self.bought_kwh if self.bought_kwh else 0.0

    @property
    def mean_earned(self) -> float:
        """Mean price of what was sold; 0 where nothing was [currency/kWh]."""
        return self.earned / self.sold_kwh if self.sold_kwh else 0.0


def traded(result: Result, run: Run) -> Traded:
    """Return what a run bought and sold over all spans."""
    grid_kwh = joined(run, "grid_w") * result.period.step.total_seconds() / 3600.0 / 1000.0
    buy, sell = (np.concatenate([getattr(span, side) for span in result.period.spans]) for side in ("buy", "sell"))
    bought, sold = np.maximum(0.0, grid_kwh), np.maximum(0.0, -grid_kwh)
    return Traded(
        bought_kwh=float(bought.sum()),
        paid=float((bought * buy).sum()),
        sold_kwh=float(sold.sum()),
        earned=float((sold * sell).sum()),
    )


def reasons(result: Result, run: Run, against: Run) -> list[tuple[str, float]]:
    """Return the parts of a run's saving against another; they add up to it [currency].

    Buying less is counted at the other's mean price, and buying at another price for what is still bought: so both
    parts together are the difference of what was paid. Likewise for selling.
    """
    own, other = traded(result, run), traded(result, against)
    parts = [
        ("bought less", (other.bought_kwh - own.bought_kwh) * other.mean_paid),
        ("bought cheaper", own.bought_kwh * (other.mean_paid - own.mean_paid)),
        ("sold less", (own.sold_kwh - other.sold_kwh) * other.mean_earned),
        ("sold dearer", own.sold_kwh * (own.mean_earned - other.mean_earned)),
        ("lower peaks", against.bill.demand_cost - run.bill.demand_cost),
        ("wear", against.bill.wear_cost - run.bill.wear_cost),
        ("energy left", run.bill.stored_energy_credit - against.bill.stored_energy_credit),
    ]
    return [(name, value) for name, value in parts if abs(value) >= 0.005]
