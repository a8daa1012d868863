"""Keep grid import, and if wanted export, under a limit.

Above the limit the battery covers the rest. Below it the plan, made with the limit, says what stored energy is worth
in the futures to come, their peaks included; the present is weighed against that, so that energy which no peak needs
serves the house, and energy for peaks is bought where it is cheap, under a second threshold. A fixed reserve stays out
of it: it is there for peaks that no forecast saw. Without a plan to trust the reserve is kept, the rest serves the
house, and the grid refills the reserve only where a threshold for that is set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import allowed_import_w, self_consumption_wish, wish_by_worth
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.site import GridConnection
from optimizer.planning.present import Regime

SERVE_AGAIN = 0.03
"""Share of the capacity above the reserve at which serving the house begins again, so that a sunny spell between two
clouds does not make it come and go [1]."""

SHAVE, KEEP, RECHARGE = "shave_import", "keep_reserve", "recharge"
"""Regimes in which what the reserve holds is not there for the house."""


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
    """The thresholds in force for the rest of this interval."""

    limit_w: float
    """Threshold itself [W]."""
    import_w: float
    """What may still be imported so that the mean of the interval stays under it; inf while no import counts [W]."""
    recharge_w: float
    """Import up to which to recharge; 0: from surplus alone, inf: as fast as can be [W]."""
    reserve_wh: float
    """Energy kept for peaks that no forecast saw [Wh]."""
    spare_wh: float
    """Energy above it that may serve the house [Wh]."""


class PeakShaving:
    """Cut the peaks, keep what they need, refill below."""

    Parameters: ClassVar[type[BaseModel]] = PeakShavingParameters
    description: ClassVar[str] = "Keep grid import (and export) under a limit, with a reserve for the peaks to come."

    def __init__(self, parameters: PeakShavingParameters) -> None:
        self._parameters = parameters

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Plan with the limits as limits of the connection; they are soft there, and flagged where they must break."""
        return replace(problem, connection=self._limited(problem.connection, self._parameters.import_limit_w))

    def decide(self, situation: Situation) -> Wish:
        """Shave what exceeds a limit, recharge below the second threshold, serve the house from what is left over."""
        over_export = self._shave_export(situation)
        if over_export is not None:
            return over_export
        levels = self._levels(situation)
        if levels is None:
            return self_consumption_wish(situation, "no import limit and no demand charge: self-consumption")
        lacking = _lacking(situation)
        if lacking is not None:
            return _kept(situation, levels, self_consumption_wish(situation, f"self-consumption: {lacking}"))
        return _kept(situation, levels, self._by_worth(situation, levels))

    def _by_worth(self, situation: Situation, levels: _Levels) -> Wish:
        """Return what costs least, with what may still be imported as the connection's limit where one is set."""
        import_w = None if self._parameters.import_limit_w is None else levels.import_w
        connection = self._limited(situation.site.connection, import_w)
        return wish_by_worth(replace(situation, site=replace(situation.site, connection=connection)))

    def _limited(self, connection: GridConnection, import_w: float | None) -> GridConnection:
        return replace(
            connection,
            max_import_w=_lower(connection.max_import_w, import_w),
            max_export_w=_lower(connection.max_export_w, self._parameters.export_limit_w),
        )

    def _levels(self, situation: Situation) -> _Levels | None:
        limit_w = self._limit_w(situation)
        if limit_w is None:
            return None
        counts_now = self._parameters.import_limit_w is not None or situation.demand_charge is not None
        import_w = allowed_import_w(situation, limit_w) if counts_now else math.inf
        recharge_w = min(self._recharge_w(situation, limit_w, counts=counts_now), import_w)
        battery = situation.battery
        reserve_wh = min(battery.max_energy_wh, battery.energy_wh(max(self._parameters.reserve_soc, battery.min_soc)))
        spare_wh = battery.energy_wh(situation.measurement.soc) - reserve_wh
        serves = self._parameters.use_surplus_reserve and spare_wh > _margin_wh(situation)
        return _Levels(limit_w, import_w, recharge_w, reserve_wh, spare_wh if serves else min(spare_wh, 0.0))

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

    def _shave_export(self, situation: Situation) -> Wish | None:
        limit_w, surplus_w = self._parameters.export_limit_w, -situation.measurement.net_load_w
        if limit_w is None or surplus_w <= limit_w:
            return None
        reason = f"stores all of {surplus_w / 1000:.1f} kW: export is to stay under {limit_w / 1000:.1f} kW"
        return Wish(battery_power_w=surplus_w, reason=reason, regime="shave_export")


def _lacking(situation: Situation) -> str | None:
    """Return what is missing to weigh a step by the worth of stored energy; None: nothing."""
    if situation.energy_value is None:
        return situation.without_plan
    if None in (situation.import_price_per_kwh, situation.export_price_per_kwh):
        return "no price is known"
    return None


def _kept(situation: Situation, levels: _Levels, wish: Wish) -> Wish:
    """Return a wish held to the levels: the reserve is for peaks alone, recharging stays under its threshold."""
    net_w, battery = situation.measurement.net_load_w, situation.battery
    hours = max(situation.remaining_h, 1.0 / 60.0)
    refill_w = min(levels.recharge_w - net_w, battery.max_charge_w)
    missing_w = max(-net_w, min(refill_w, battery.ac_power_w(-levels.spare_wh / hours)))
    if levels.spare_wh < 0 and missing_w > max(0.0, wish.battery_power_w):
        return _recharge(missing_w, levels) if missing_w > -net_w else _keep(net_w, levels)
    over_w = max(0.0, net_w - levels.import_w)
    spare_w = -battery.ac_power_w(-max(0.0, levels.spare_wh) / hours)
    power_w = min(max(wish.battery_power_w, -max(over_w, spare_w)), max(0.0, -net_w, refill_w))
    if power_w == wish.battery_power_w:
        return replace(wish, self_consumption=wish.self_consumption and levels.spare_wh > _reach_wh(situation))
    if power_w > 0:
        return _recharge(power_w, levels) if power_w > -net_w else _keep(net_w, levels)
    if over_w > spare_w:
        return _shave_import(net_w, levels)
    return _serve_partly(power_w, levels) if power_w < 0 else _keep(net_w, levels)


def _recharge(power_w: float, levels: _Levels) -> Wish:
    under = f" under {levels.recharge_w / 1000:.1f} kW of import" if math.isfinite(levels.recharge_w) else ""
    reason = f"recharges with {power_w / 1000:.1f} kW{under}, for peaks over {levels.limit_w / 1000:.1f} kW"
    return Wish(battery_power_w=power_w, reason=reason, regime=RECHARGE)


def _shave_import(net_w: float, levels: _Levels) -> Wish:
    power_w = levels.import_w - net_w
    reason = (
        f"shaves {-power_w / 1000:.1f} kW: the house draws {net_w / 1000:.1f} kW, {levels.import_w / 1000:.1f} kW may "
        f"still be imported for a mean of {levels.limit_w / 1000:.1f} kW"
    )
    return Wish(battery_power_w=power_w, reason=reason, regime=SHAVE)


def _serve_partly(power_w: float, levels: _Levels) -> Wish:
    reason = f"serves the house with {-power_w / 1000:.1f} kW: that leaves {levels.reserve_wh / 1000:.1f} kWh for peaks"
    return Wish(battery_power_w=power_w, reason=reason, regime=Regime.COVER_PARTLY)


def _keep(net_w: float, levels: _Levels) -> Wish:
    reason = f"keeps {levels.reserve_wh / 1000:.1f} kWh for peaks over {levels.limit_w / 1000:.1f} kW, adds surplus"
    return Wish(battery_power_w=max(0.0, -net_w), reason=reason, regime=KEEP)


def _margin_wh(situation: Situation) -> float:
    """Return what must lie above the reserve: nothing to go on serving the house, a little to begin again [Wh]."""
    previous = situation.previous
    serving = previous is not None and previous.wish.regime not in (SHAVE, KEEP, RECHARGE)
    return 0.0 if serving else SERVE_AGAIN * situation.battery.usable_capacity_wh


def _reach_wh(situation: Situation) -> float:
    """Return what the battery can give until the interval ends [Wh]."""
    battery = situation.battery
    return -battery.stored_power_w(-battery.max_discharge_w) * situation.remaining_h


def _lower(one: float | None, other: float | None) -> float | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)
