"""What strategies share: the present weighed against a plan, and the wish to fall back to."""

from __future__ import annotations

from optimizer.control.strategy import Situation, Wish
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.site import self_consumption_power_w
from optimizer.planning.dispatch import Dispatch, dispatch
from optimizer.planning.explanation import explain
from optimizer.planning.present import Footing, PeakAllowance, Present, Regime


def self_consumption_wish(situation: Situation, reason: str) -> Wish:
    """Return the wish for plain self-consumption: right where nothing better is known."""
    measurement = situation.measurement
    return Wish(
        battery_power_w=self_consumption_power_w(load_w=measurement.consumption_w, pv_w=measurement.production_w),
        reason=reason,
        self_consumption=True,
        regime=Regime.SELF_CONSUMPTION,
    )


def wish_by_worth(situation: Situation) -> Wish:
    """Return the wish that costs least over the rest of the interval, given what stored energy is worth.

    Self-consumption where there is no plan or no price to weigh.
    """
    value = situation.energy_value
    if value is None:
        return self_consumption_wish(situation, f"{situation.without_plan}: self-consumption")
    if situation.import_price_per_kwh is None or situation.export_price_per_kwh is None:
        return self_consumption_wish(situation, "the price of this interval is not known: self-consumption")
    return wish_of(weigh(situation, value, situation.import_price_per_kwh, situation.export_price_per_kwh), situation)


def weigh(situation: Situation, value: EnergyValue, import_price: float, export_price: float) -> Dispatch:
    """Weigh the present of a situation at given prices [currency/kWh]."""
    measurement = situation.measurement
    present = Present(
        load_w=measurement.consumption_w,
        pv_w=measurement.production_w,
        soc=measurement.soc,
        import_price_per_kwh=import_price,
        export_price_per_kwh=export_price,
        hours=situation.remaining_h,
        discharge_allowed=measurement.discharge_allowed is not False,
        reserve_soc=measurement.backup_soc or 0.0,
        peak=peak_allowance(situation),
    )
    return dispatch(
        present,
        value,
        battery=situation.battery,
        connection=situation.site.connection,
        previous=footing(situation),
    )


def wish_of(weighed: Dispatch, situation: Situation) -> Wish:
    """Return a weighing as a wish."""
    discharging = weighed.battery_power_w < 0
    return Wish(
        battery_power_w=weighed.battery_power_w,
        reason=explain(weighed, currency=situation.site.currency),
        self_consumption=weighed.self_consumption,
        energy_value_per_kwh=weighed.loss_per_kwh if discharging else weighed.gain_per_kwh,
        regime=weighed.regime,
    )


def footing(situation: Situation) -> Footing | None:
    """Return what the weighing before came to, where it was one."""
    previous = situation.previous
    if previous is None or previous.wish.regime not in set(Regime):
        return None
    return Footing(
        regime=Regime(previous.wish.regime),
        self_consumption=previous.wish.self_consumption,
        same_interval_and_plan=previous.stands_on_the_same(situation),
    )


def allowed_import_w(situation: Situation, limit_w: float) -> float:
    """Return the import that brings the mean of the meter's interval to a limit, given what it has counted so far [W].

    Never below zero: what a meter has counted cannot be taken back.
    """
    total_h, passed_h = situation.meter_interval.hours, situation.metered_h
    spent = situation.mean_import_w * passed_h
    return max(0.0, (limit_w * total_h - spent) / max(total_h - passed_h, 1.0 / 60.0))


def peak_allowance(situation: Situation) -> PeakAllowance | None:
    """Return what the rest of the meter's interval may import before it costs a higher billing peak."""
    charge = situation.demand_charge
    if charge is None or charge.price_per_kw <= 0:
        return None
    # A peak that the plan pays for in any case costs nothing more when it is reached now.
    planned_w = 0.0 if situation.plan is None else situation.plan.billing_peak_w
    return PeakAllowance(
        import_w=allowed_import_w(situation, max(charge.peak_so_far_w, planned_w)),
        price_per_kwh=charge.price_per_kw / situation.meter_interval.hours,
    )
