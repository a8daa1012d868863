"""Keep grid import, and if wanted export, under a limit.

Above the limit the battery covers the rest; below a second threshold it charges again; in between it covers the house
only as far as the plan says that the stored energy is not needed for a peak to come. Without a plan to trust the fixed
reserve is kept, the rest serves the house, and the grid refills the reserve only where a threshold for that is set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import allowed_import_w, self_consumption_wish
from optimizer.domain.battery import Battery
from optimizer.domain.plan import Plan
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
        "absent: 80 % of the import limit, freely while import does not count, and not at all without a plan.",
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
    """What may still be imported so that the mean of the interval stays under it; inf while no import counts [W]."""
    recharge_w: float
    """Import up to which to recharge; 0: from surplus alone, inf: as fast as can be [W]."""
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
        counts_now = self._parameters.import_limit_w is not None or situation.demand_charge is not None
        import_w = allowed_import_w(situation, limit_w) if counts_now else math.inf
        recharge_w = min(self._recharge_w(situation, limit_w, counts=counts_now), import_w)
        return _Levels(limit_w, import_w, recharge_w, self._reserve_wh(situation, limit_w))

    def _limit_w(self, situation: Situation) -> float | None:
        if self._parameters.import_limit_w is not None:
            return self._parameters.import_limit_w
        plan = situation.plan
        # Between two time windows of a demand charge the plan alone knows that there is one.
        charge = situation.demand_charge or (None if plan is None else plan.problem.demand_charge)
        if charge is None or charge.price_per_kw <= 0:
            return None
        # A period that has just begun has no peak yet: then the plan says which peak is worth paying for.
        return max(charge.peak_so_far_w, 0.0 if plan is None else plan.billing_peak_w)

    def _recharge_w(self, situation: Situation, limit_w: float, *, counts: bool) -> float:
        """Return the import up to which to recharge in an interval whose import counts, or does not [W]."""
        configured = self._parameters.recharge_below_w
        if not situation.site.connection.grid_charging or (configured is None and situation.plan_index is None):
            return 0.0
        if not counts:
            return math.inf if configured is None else configured
        return 0.8 * limit_w if configured is None else min(configured, limit_w)

    def _reserve_wh(self, situation: Situation, limit_w: float) -> float:
        """Return the energy to keep: what the worst forecast peaks ask for, at least the fixed reserve [Wh]."""
        battery, plan, index = situation.battery, situation.plan, situation.plan_index
        least = battery.energy_wh(max(self._parameters.reserve_soc, battery.min_soc))
        if plan is None or index is None:
            return min(battery.max_energy_wh, least)
        needed = battery.min_energy_wh + self._needed_wh(situation, plan, index + 1, limit_w)
        return min(battery.max_energy_wh, max(least, needed))

    def _needed_wh(self, situation: Situation, plan: Plan, first: int, limit_w: float) -> float:
        """Return the energy that must be in the battery so that no forecast peak breaks the limit [Wh]."""
        ceilings_w = {counts: self._recharge_w(situation, limit_w, counts=counts) for counts in (True, False)}
        course = [
            (limit_w if counts else math.inf, ceilings_w[counts]) for counts in self._counted(plan.problem)[first:]
        ]
        hours, battery = plan.grid.step_h, situation.battery
        return max(_needed_wh(one, course, hours, battery) for one in plan.problem.scenarios)

    def _counted(self, problem: PlanningProblem) -> tuple[bool, ...]:
        """Return in which intervals import must stay under the limit, shape (count,)."""
        charge = problem.demand_charge
        if self._parameters.import_limit_w is not None or charge is None or charge.counts is None:
            return (True,) * len(problem.grid)
        return charge.counts

    def _recharge(self, situation: Situation, net_w: float, levels: _Levels) -> Wish:
        power_w = max(0.0, -net_w, min(levels.recharge_w - net_w, situation.battery.max_charge_w))
        under = f" under {levels.recharge_w / 1000:.1f} kW of import" if math.isfinite(levels.recharge_w) else ""
        how = f"recharges with {power_w / 1000:.1f} kW{under}" if power_w else "holds"
        reason = f"{how}: {levels.reserve_wh / 1000:.1f} kWh are to be kept for peaks"
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


def _needed_wh(scenario: Scenario, course: Sequence[tuple[float, float]], hours: float, battery: Battery) -> float:
    """Return what one future asks for, given limit and recharging threshold of each interval up to the end [Wh, W].

    Backwards from the end: a peak adds what it takes, an interval with headroom takes off what it can refill.
    """
    first, needed = len(scenario.load_w) - len(course), 0.0
    steps = list(zip(course, scenario.load_w[first:], scenario.pv_w[first:], strict=True))
    for (limit_w, ceiling_w), load_w, pv_w in reversed(steps):
        net_w = load_w - pv_w
        if net_w > limit_w:
            needed -= hours * battery.stored_power_w(-min(net_w - limit_w, battery.max_discharge_w))
        elif net_w < ceiling_w:
            needed -= hours * battery.stored_power_w(min(ceiling_w - net_w, battery.max_charge_w))
        needed = max(0.0, needed)
    return needed


def _lower(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
