"""What breaking a rule costs inside the optimisation, so that no problem is ever infeasible.

The tiers are scaled from the largest real price: leaving the state-of-charge band for one interval costs more than any
trade can earn, and exceeding a limit of the connection costs more than staying outside the band to the end. They steer
the optimum and appear in no reported figure.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.planning_problem import PlanningProblem

SMALLEST_SCALE_PER_KWH = 0.01
"""Where all prices are zero, rules still need a weight [currency/kWh]."""

BAND_TIER = 4.0
"""Times the largest price: a full cycle between a price and its negative, losses included, earns less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalties:
    """Prices of broken rules, all positive."""

    band_per_kwh: float
    """Per kWh outside the state-of-charge band, at the end of each interval [currency/kWh]."""
    limit_per_kwh: float
    """Per kWh above the import or export limit [currency/kWh]."""

    @classmethod
    def of(cls, problem: PlanningProblem, *, highest_price: float) -> Penalties:
        """Return penalties that no price of the problem can outweigh.

        Parameters
        ----------
        highest_price
            The price of the greatest magnitude [currency/kWh].
        """
        battery = problem.battery
        scale = max(
            SMALLEST_SCALE_PER_KWH, highest_price, abs(problem.terminal_value_per_kwh), battery.wear_cost_per_kwh
        )
        band = BAND_TIER * scale
        return cls(band_per_kwh=band, limit_per_kwh=2.0 * band * (len(problem.grid) + 1))
