"""Keep grid import, and if wanted export, under a limit.

Above the limit the battery covers the rest; below a second threshold it charges again; in between it covers the house
only as far as the plan says that the stored energy is not needed for a peak to come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import allowed_import_w, self_consumption_wish
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario

SERVE_AGAIN = 0.03
"""Share of the capacity above the reserve at which serving the house begins again, so that a sunny spell between two
clouds does not make it come and go [1]."""


class PeakShavingParameters(BaseModel):
    """Settings of peak shaving."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    import_limit_w: float | None = Field(
        default=None,
        gt=0,
        description="Mean import of an interval to stay under [W]; absent: the billing peak paid for so far, "
        "where there is a demand charge.",
    )
    export_limit_w: float | None = Field(
        default=None, ge=0, description="Export to stay under by charging [W]; absent: no limit."
    )
    recharge_below_w: float | None = Field(
        default=None,
        ge=0,
        description="Import up to which the battery is refilled from the grid for the peaks to come [W]; "
        "absent: 80 % of the import limit.",
    )
    reserve_soc: float = Field(
        default=0.2, ge=0, le=1, description="Least state of charge kept for peaks that no forecast saw [0..1]."
    )
    use_surplus_reserve: bool = Field(
        default=True, description="Whether energy that no peak will need covers the house as well."
    )

    @model_validator(mode="after")
    def _recharge_under_the_limit(self) -> PeakShavingParameters:
        limit, recharge = self.import_limit_w, self.recharge_below_w
        if limit is not None and recharge is not None and recharge >= limit:
            msg = f"recharge_below_w ({recharge:g}) must be lower than import_limit_w ({limit:g})"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class _Levels:
    """The two thresholds in force for the rest of this interval."""

    limit_w: float
    """Threshold itself [W]."""
    import_w: float
    """What may still be imported so that the mean of the interval stays under it [W]."""
    recharge_w: float
    """Import up to which to recharge [W]."""
    reserve_wh: float
    """Energy to keep for peaks [Wh]."""


class PeakShaving:
    """Cut the peaks, keep what they need, refill below."""

    Parameters: ClassVar[type[BaseModel]] = PeakShavingParameters
    description: ClassVar[str] = "Keep grid import (and export) under a limit, with a reserve for the peaks to come."

    def __init__(self, parameters: PeakShavingParameters) -> None:
        self._parameters = parameters

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Plan with the limits as limits of the connection; they are soft there, and flagged where they must break."""
        limits = replace(
            problem.connection,
            max_import_w=_lower(problem.connection.max_import_w, self._parameters.import_limit_w),
            max_export_w=_lower(problem.connection.max_export_w, self._parameters.export_limit_w),
        )
        return replace(problem, connection=limits)

    def decide(self, situation: Situation) -> Wish:
        """Shave what exceeds a limit, recharge below the second threshold, serve the house from what is left over."""
        over_export = self._shave_export(situation)
        if over_export is not None:
            return over_export
        levels = self._levels(situation)
        if levels is None:
            return self_consumption_wish(situation, "no import limit and no demand charge: self-consumption")
        net_w = situation.measurement.net_load_w
        spare_wh = situation.battery.energy_wh(situation.measurement.soc) - levels.reserve_wh
        if self._parameters.use_surplus_reserve and spare_wh > _margin_wh(situation):
            return _serve(situation, levels, automatic=spare_wh > _reach_wh(situation))
        if net_w > levels.import_w:
            return _shave_import(net_w, levels)
        return self._recharge(situation, net_w, levels) if spare_wh < 0 else _keep(net_w, levels)

    def _levels(self, situation: Situation) -> _Levels | None:
        limit_w = self._limit_w(situation)
        if limit_w is None:
            return None
        recharge_w = self._parameters.recharge_below_w
        recharge_w = 0.8 * limit_w if recharge_w is None else min(recharge_w, limit_w)
        import_w = allowed_import_w(situation, limit_w)
        return _Levels(limit_w, import_w, min(recharge_w, import_w), self._reserve_wh(situation, limit_w, recharge_w))

    def _limit_w(self, situation: Situation) -> float | None:
        if self._parameters.import_limit_w is not None:
            return self._parameters.import_limit_w
        charge, plan = situation.demand_charge, situation.plan
        if charge is None or charge.price_per_kw <= 0:
            return None
        # A period that has just begun has no peak yet: then the plan says which peak is worth paying for.
        return max(charge.peak_so_far_w, 0.0 if plan is None else plan.peak_import_w)

    def _reserve_wh(self, situation: Situation, limit_w: float, recharge_w: float) -> float:
        """Return the energy to keep: what the worst forecast peaks ask for, at least the fixed reserve [Wh]."""
        battery = situation.battery
        least = battery.energy_wh(max(self._parameters.reserve_soc, battery.min_soc))
        plan, index = situation.plan, situation.plan_index
        if plan is None or index is None:
            return battery.max_energy_wh
        needs = [_needed_wh(one, index + 1, situation, limit_w, recharge_w) for one in plan.problem.scenarios]
        return min(battery.max_energy_wh, max(least, battery.min_energy_wh + max(needs)))

    def _recharge(self, situation: Situation, net_w: float, levels: _Levels) -> Wish:
        power_w = max(0.0, levels.recharge_w - net_w)
        if not situation.site.connection.grid_charging:
            power_w = max(0.0, -net_w)
        reason = (
            f"recharges with {power_w / 1000:.1f} kW under {levels.recharge_w / 1000:.1f} kW of import: "
            f"{levels.reserve_wh / 1000:.1f} kWh are to be kept for peaks"
        )
        return Wish(battery_power_w=power_w, reason=reason, regime="recharge")

    def _shave_export(self, situation: Situation) -> Wish | None:
        limit_w, surplus_w = self._parameters.export_limit_w, -situation.measurement.net_load_w
        if limit_w is None or surplus_w <= limit_w:
            return None
        reason = f"stores all of {surplus_w / 1000:.1f} kW: export is to stay under {limit_w / 1000:.1f} kW"
        return Wish(battery_power_w=surplus_w, reason=reason, regime="shave_export")


def _shave_import(net_w: float, levels: _Levels) -> Wish:
    power_w = levels.import_w - net_w
    reason = (
        f"shaves {-power_w / 1000:.1f} kW: the house draws {net_w / 1000:.1f} kW, {levels.import_w / 1000:.1f} kW may "
        f"still be imported for a mean of {levels.limit_w / 1000:.1f} kW"
    )
    return Wish(battery_power_w=power_w, reason=reason, regime="shave_import")


def _serve(situation: Situation, levels: _Levels, *, automatic: bool) -> Wish:
    reason = f"self-consumption: {levels.reserve_wh / 1000:.1f} kWh kept for peaks are there"
    return replace(self_consumption_wish(situation, reason), self_consumption=automatic)


def _keep(net_w: float, levels: _Levels) -> Wish:
    reason = f"holds {levels.reserve_wh / 1000:.1f} kWh for peaks over {levels.limit_w / 1000:.1f} kW, adds surplus"
    return Wish(battery_power_w=max(0.0, -net_w), reason=reason, regime="keep_reserve")


def _margin_wh(situation: Situation) -> float:
    """Return what must lie above the reserve: nothing to go on serving the house, a little to begin again [Wh]."""
    previous = situation.previous
    serving = previous is not None and previous.wish.regime == "self_consumption"
    return 0.0 if serving else SERVE_AGAIN * situation.battery.usable_capacity_wh


def _reach_wh(situation: Situation) -> float:
    """Return what the battery can give until the interval ends [Wh]."""
    battery = situation.battery
    return -battery.stored_power_w(-battery.max_discharge_w) * situation.remaining_h


def _needed_wh(scenario: Scenario, first: int, situation: Situation, limit_w: float, recharge_w: float) -> float:
    """Return the energy that must be in the battery so that no forecast peak breaks the limit [Wh].

    Backwards from the end: a peak adds what it takes, an interval with headroom takes off what it can refill.
    """
    battery, plan = situation.battery, situation.plan
    hours = situation.interval.hours if plan is None else plan.grid.step_h
    needed = 0.0
    for load_w, pv_w in zip(reversed(scenario.load_w[first:]), reversed(scenario.pv_w[first:]), strict=True):
        net_w = load_w - pv_w
        ceiling_w = recharge_w if situation.site.connection.grid_charging else 0.0
        if net_w > limit_w:
            needed -= hours * battery.stored_power_w(-min(net_w - limit_w, battery.max_discharge_w))
        elif net_w < ceiling_w:
            needed -= hours * battery.stored_power_w(min(ceiling_w - net_w, battery.max_charge_w))
        needed = max(0.0, needed)
    return needed


def _lower(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
