"""The house first: surplus into the battery, battery into the house.

Asks for no plan. With ``keep_room_for_noon`` it is planned with prices that know nothing but the feed-in limit: then
surplus below the limit is left to the grid in the morning as long as the plan says that noon will fill the battery.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import self_consumption_wish, weigh, wish_of
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.site import GridConnection

IMPORT_PER_KWH, EXPORT_PER_KWH = 0.30, 0.08
"""Stand-ins for money [currency/kWh]: importing costs more than feeding in pays, so own energy is used first."""


class SelfConsumptionParameters(BaseModel):
    """Settings of plain self-consumption."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_room_for_noon: bool = Field(
        default=False,
        description="Whether to charge later in the morning where the feed-in limit would waste the noon sun.",
    )


class SelfConsumption:
    """Cover the house from sun and battery, store what is left."""

    Parameters: ClassVar[type[BaseModel]] = SelfConsumptionParameters
    description: ClassVar[str] = "The house first: store surplus, cover the house; any tariff, no plan needed."

    def __init__(self, parameters: SelfConsumptionParameters) -> None:
        self._parameters = parameters

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Plan only for a feed-in limit, at prices that are the same all day."""
        if not self._parameters.keep_room_for_noon or problem.connection.max_export_w is None:
            return None
        return replace(
            problem,
            connection=_no_trade(problem.connection),
            import_price_per_kwh=(IMPORT_PER_KWH,) * len(problem.grid),
            export_price_per_kwh=(EXPORT_PER_KWH,) * len(problem.grid),
            terminal_value_per_kwh=IMPORT_PER_KWH * problem.battery.discharge_efficiency * 0.98,
            demand_charge=None,
            scenarios=tuple(
                replace(one, import_price_per_kwh=None, export_price_per_kwh=None) for one in problem.scenarios
            ),
        )

    def decide(self, situation: Situation) -> Wish:
        """Follow the house; leave surplus to the grid while noon will fill the battery anyway."""
        plain = self_consumption_wish(situation, "self-consumption: the house first, surplus into the battery")
        value = situation.energy_value
        if value is None or not self._parameters.keep_room_for_noon:
            return plain
        site = replace(situation.site, connection=_no_trade(situation.site.connection))
        weighed = weigh(replace(situation, site=site), value, IMPORT_PER_KWH, EXPORT_PER_KWH)
        # What the limit would waste right now is stored in any case: it is certain, the noon to come is not.
        limit_w, surplus_w = situation.site.connection.max_export_w, plain.battery_power_w
        stores_w = max(weighed.battery_power_w, 0.0 if limit_w is None else surplus_w - limit_w)
        if not 0 <= stores_w < surplus_w:
            return plain
        reason = (
            f"keeps room for noon: stores {stores_w / 1000:.1f} of {surplus_w / 1000:.1f} kW of surplus; the noon sun "
            "fills the battery, and the limit would waste the rest"
        )
        return replace(wish_of(weighed, situation), battery_power_w=stores_w, reason=reason)


def _no_trade(connection: GridConnection) -> GridConnection:
    return replace(connection, grid_charging=False, battery_export=False)
