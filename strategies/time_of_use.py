"""Least cost over the tariff, static or dynamic, wear included.

The plan says what a stored kilowatt-hour is worth at the end of this interval; the present is weighed against it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import wish_by_worth
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.site import GridConnection


class TimeOfUseParameters(BaseModel):
    """Settings of least cost over the tariff."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid_charging: bool = Field(
        default=True,
        description="Whether to charge from the grid when it is cheap; the connection must allow it as well.",
    )
    battery_export: bool = Field(
        default=True,
        description="Whether to sell from the battery when it pays; the connection must allow it as well.",
    )


class TimeOfUse:
    """Buy when it is cheap, use or sell when it is dear."""

    Parameters: ClassVar[type[BaseModel]] = TimeOfUseParameters
    description: ClassVar[str] = (
        "Least cost over a static or dynamic tariff, with wear and grid charging where allowed."
    )

    def __init__(self, parameters: TimeOfUseParameters) -> None:
        self._parameters = parameters

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Plan the home's own problem, with the trades that are wanted."""
        return replace(problem, connection=self._restricted(problem.connection))

    def decide(self, situation: Situation) -> Wish:
        """Do what costs least until the interval ends, the worth of the energy left included."""
        site = replace(situation.site, connection=self._restricted(situation.site.connection))
        return wish_by_worth(replace(situation, site=site))

    def _restricted(self, connection: GridConnection) -> GridConnection:
        return replace(
            connection,
            grid_charging=connection.grid_charging and self._parameters.grid_charging,
            battery_export=connection.battery_export and self._parameters.battery_export,
        )
