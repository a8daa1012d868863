"""What each of the three strategies that ship is for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.control.registry import create_strategy
from optimizer.control.strategy import Previous, Situation, Strategy
from optimizer.control.weighing import self_consumption_wish
from optimizer.domain.plan import Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.site import GridConnection, Site
from optimizer.planning.lp_planner import LinearProgramPlanner
from support.situations import SITE, START, STEP, plan_of, situation_of, situations, value_of


def site_with(**limits: object) -> Site:
    return Site(timezone=ZoneInfo("Europe/Berlin"), connection=GridConnection(**limits))  # type: ignore[arg-type]


# -- self_consumption ------------------------------------------------------------------------------------------------


def test_self_consumption_follows_the_house() -> None:
    """Surplus in, deficit out, and the battery's own mode may do it."""
    wish = create_strategy("self_consumption", {}).decide(situation_of(load_w=700.0, pv_w=2000.0))
    assert (wish.battery_power_w, wish.self_consumption) == (1300.0, True)


def test_room_is_kept_for_noon_under_a_feed_in_limit() -> None:
    """A morning's surplus is left to the grid where noon would be cut off; at noon the excess is stored."""
    strategy = create_strategy("self_consumption", {"keep_room_for_noon": True})
    limited = site_with(max_export_w=3000.0, curtailable=True)
    plan = make_plan_for(strategy, [2500.0] * 8 + [8000.0] * 12 + [1000.0] * 8, limited)
    morning = strategy.decide(situation_of(load_w=300.0, pv_w=2500.0, plan=plan, site=limited))
    assert morning.battery_power_w == pytest.approx(0.0)
    assert "keeps room for noon" in morning.reason
    assert not morning.self_consumption
    above = strategy.decide(situation_of(load_w=300.0, pv_w=5300.0, plan=plan, site=limited))
    assert above.battery_power_w == pytest.approx(2000.0)
    night = strategy.decide(situation_of(load_w=900.0, plan=plan, site=limited))
    assert night.battery_power_w == -900.0


def test_no_room_is_kept_where_noon_does_not_fill_the_battery() -> None:
    """A dull day is stored as it comes."""
    strategy = create_strategy("self_consumption", {"keep_room_for_noon": True})
    limited = site_with(max_export_w=3000.0, curtailable=True)
    plan = make_plan_for(strategy, [800.0] * 12 + [0.0] * 16, limited)
    wish = strategy.decide(situation_of(load_w=300.0, pv_w=800.0, plan=plan, site=limited))
    assert wish.battery_power_w == 500.0
    assert wish.self_consumption


def make_plan_for(strategy, pv_w: list[float], site: Site):  # type: ignore[no-untyped-def]
    base = plan_of(value_of(0.1), count=len(pv_w), load_w=[300.0] * len(pv_w)).problem
    scenario = replace(base.scenarios[0], pv_w=tuple(pv_w))
    problem: PlanningProblem = replace(base, scenarios=(scenario,), connection=site.connection)
    planner = LinearProgramPlanner(clock=SimulatedClock(START))
    return planner.plan(strategy.shape(problem), made_at=START)


# -- time_of_use -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "buy", "worth", "power_w"),
    [("cheap: charge", 0.10, 0.20, 4600.0), ("dear: cover", 0.40, 0.20, -500.0), ("neither: hold", 0.205, 0.20, 0.0)],
)
def test_time_of_use_weighs_price_and_worth(why: str, buy: float, worth: float, power_w: float) -> None:
    """Buy low, use high, else wait."""
    wish = create_strategy("time_of_use", {}).decide(situation_of(buy=buy, plan=plan_of(value_of(worth))))
    assert wish.battery_power_w == pytest.approx(power_w), why
    assert wish.energy_value_per_kwh == worth


def test_time_of_use_makes_only_the_trades_that_are_wanted() -> None:
    """A switch of its own forbids grid charging even where the connection allows it, in plan and in action."""
    strategy = create_strategy("time_of_use", {"grid_charging": False})
    plan = plan_of(value_of(0.2))
    shaped = strategy.shape(plan.problem)
    assert shaped is not None
    assert not shaped.connection.grid_charging
    assert strategy.decide(situation_of(buy=0.05, plan=plan)).battery_power_w == 0.0


def test_time_of_use_knows_the_demand_charge() -> None:
    """Import above the peak already paid for is dearer than any energy."""
    charge = DemandCharge(price_per_kw=100.0, peak_so_far_w=4000.0)
    situation = situation_of(load_w=6000.0, buy=0.205, plan=plan_of(value_of(0.2)), demand_charge=charge)
    assert create_strategy("time_of_use", {}).decide(situation).battery_power_w == pytest.approx(-2000.0)


def test_a_peak_that_the_plan_pays_for_anyhow_is_not_avoided_now() -> None:
    """At the start of a billing period nothing is paid for yet: what the plan cannot avoid later is free already."""
    charge = DemandCharge(price_per_kw=100.0, peak_so_far_w=1000.0)
    plan = plan_of(value_of(0.2), load_w=[500.0] + [4000.0] * 7)
    plan = replace(plan, problem=replace(plan.problem, demand_charge=charge))
    strategy = create_strategy("time_of_use", {})
    below = situation_of(load_w=3500.0, buy=0.205, plan=plan, demand_charge=charge)
    assert strategy.decide(below).battery_power_w == 0.0
    above = situation_of(load_w=4500.0, buy=0.205, plan=plan, demand_charge=charge)
    assert strategy.decide(above).battery_power_w == pytest.approx(-500.0)


# -- peak_shaving ----------------------------------------------------------------------------------------------------

LIMIT = {"import_limit_w": 3000.0, "recharge_below_w": 1500.0}
CUT_ONLY = LIMIT | {"use_surplus_reserve": False}
CALM = plan_of(value_of(0.2), load_w=[500.0] * 8)
PEAKS = plan_of(value_of(0.2), load_w=[500.0] + [2000.0] * 3 + [7000.0] * 4)


def test_a_peak_is_cut_at_the_limit() -> None:
    """The battery covers what exceeds the limit, not more."""
    wish = create_strategy("peak_shaving", CUT_ONLY).decide(situation_of(load_w=5000.0, plan=CALM))
    assert wish.battery_power_w == pytest.approx(-2000.0)


def test_the_mean_of_the_quarter_hour_counts() -> None:
    """What was imported too much at first is made up for, what was saved may be used."""
    strategy = create_strategy("peak_shaving", CUT_ONLY)
    over = situation_of(load_w=3000.0, plan=CALM, into_interval_s=450.0, mean_import_w=4000.0)
    assert strategy.decide(over).battery_power_w == pytest.approx(-1000.0)
    under = situation_of(load_w=5000.0, plan=CALM, into_interval_s=450.0, mean_import_w=2000.0)
    assert strategy.decide(under).battery_power_w == pytest.approx(-1000.0)


def test_energy_for_forecast_peaks_is_kept_and_bought() -> None:
    """An hour of 4 kW above the limit asks for more than is there: recharge below the second threshold."""
    strategy = create_strategy("peak_shaving", LIMIT)
    wish = strategy.decide(situation_of(load_w=500.0, soc=0.3, plan=planned(strategy, PEAKS, soc=0.3)))
    assert wish.battery_power_w == pytest.approx(1000.0)
    assert "for peaks over 3.0 kW" in wish.reason
    enough = strategy.decide(situation_of(load_w=500.0, soc=0.42, plan=planned(strategy, PEAKS, soc=0.42)))
    assert 0.0 <= enough.battery_power_w < 100.0
    plenty = strategy.decide(situation_of(load_w=500.0, soc=0.9, plan=planned(strategy, PEAKS, soc=0.9)))
    assert plenty.battery_power_w == pytest.approx(-500.0)


def test_what_is_worth_more_than_its_price_is_not_spent_on_the_house() -> None:
    """Energy above the fixed reserve waits for a dearer hour as it does under any plan."""
    wish = create_strategy("peak_shaving", LIMIT).decide(situation_of(buy=0.1, soc=0.9, plan=plan_of(value_of(0.2))))
    assert wish.battery_power_w >= 0.0


def test_recharging_respects_a_home_that_must_not_charge_from_the_grid() -> None:
    """Then only the sun refills the reserve."""
    site, strategy = site_with(grid_charging=False), create_strategy("peak_shaving", LIMIT)
    plan = planned(strategy, PEAKS, soc=0.3, connection=site.connection)
    assert strategy.decide(situation_of(load_w=500.0, soc=0.3, plan=plan, site=site)).battery_power_w == 0.0
    assert strategy.decide(situation_of(load_w=500.0, soc=0.1, plan=plan, site=site)).battery_power_w == 0.0


def test_energy_that_no_peak_needs_covers_the_house() -> None:
    """Above the reserve the battery serves the house, unless that is switched off."""
    situation = situation_of(load_w=800.0, soc=0.9, plan=CALM)
    wish = create_strategy("peak_shaving", LIMIT).decide(situation)
    assert (wish.battery_power_w, wish.self_consumption) == (-800.0, True)
    assert (
        create_strategy("peak_shaving", LIMIT | {"use_surplus_reserve": False}).decide(situation).battery_power_w == 0
    )


def test_serving_begins_above_the_reserve_and_ends_at_it() -> None:
    """At the edge of the reserve the strategy does not change its mind with every percent."""
    strategy = create_strategy("peak_shaving", LIMIT | {"reserve_soc": 0.2})
    at_edge = situation_of(load_w=800.0, soc=0.21, plan=CALM)
    assert strategy.decide(at_edge).battery_power_w == 0.0
    serving = Previous(wish=self_consumption_wish(at_edge, ""), interval=at_edge.interval, plan_made_at=CALM.made_at)
    assert strategy.decide(replace(at_edge, previous=serving)).battery_power_w == pytest.approx(-380.0)
    sunny = strategy.decide(situation_of(load_w=800.0, pv_w=1000.0, soc=0.2, plan=CALM))
    assert sunny.battery_power_w == pytest.approx(200.0)


@pytest.mark.parametrize("plan", [CALM, None], ids=["with a plan", "without"])
def test_an_interval_does_not_run_through_the_reserve(plan: Plan | None) -> None:
    """However long the interval: the house is served with what the spare energy gives until its end, no more."""
    strategy = create_strategy("peak_shaving", {"import_limit_w": 9000.0, "reserve_soc": 0.2})
    situation = situation_of(load_w=4000.0, soc=0.25, plan=plan)
    wish = strategy.decide(situation)
    left_wh = situation.battery.energy_wh(0.25) + situation.battery.stored_power_w(wish.battery_power_w) * 0.25
    assert left_wh == pytest.approx(situation.battery.energy_wh(0.2))
    assert not wish.self_consumption
    hour = replace(situation, interval=replace(situation.interval, end=START + 4 * STEP), remaining_h=1.0)
    assert strategy.decide(hour).battery_power_w == pytest.approx(wish.battery_power_w / 4.0)


def test_the_reserve_is_refilled_as_far_as_it_lacks() -> None:
    """Grid energy for the fixed reserve fills it by the end of the interval, and not beyond."""
    strategy = create_strategy("peak_shaving", {"import_limit_w": 9000.0, "reserve_soc": 0.2})
    wish = strategy.decide(situation_of(load_w=500.0, soc=0.19, plan=CALM))
    assert wish.battery_power_w == pytest.approx(400.0 / 0.95)
    sunny = strategy.decide(situation_of(load_w=500.0, pv_w=2000.0, soc=0.19, plan=CALM))
    assert sunny.battery_power_w == pytest.approx(1500.0)


def test_the_demand_charge_gives_the_threshold() -> None:
    """Without a fixed limit the peak already paid for is the limit."""
    charge = DemandCharge(price_per_kw=100.0, peak_so_far_w=4500.0)
    situation = situation_of(load_w=6000.0, soc=0.2, plan=CALM, demand_charge=charge)
    assert create_strategy("peak_shaving", {}).decide(situation).battery_power_w == pytest.approx(-1500.0)


def test_without_a_plan_the_house_is_served_above_the_fixed_reserve() -> None:
    """A planner that fails for an hour costs no energy: what lies above the reserve covers the house as ever."""
    wish = create_strategy("peak_shaving", {"import_limit_w": 3000.0}).decide(situation_of(load_w=800.0, soc=0.5))
    assert (wish.battery_power_w, wish.self_consumption) == (-800.0, True)


@pytest.mark.parametrize(
    ("why", "load_w", "pv_w", "parameters", "power_w"),
    [
        ("a peak is cut", 5000.0, 0.0, {}, -2000.0),
        ("below it the reserve is held, never bought", 800.0, 0.0, {}, 0.0),
        ("surplus refills it", 800.0, 2000.0, {}, 1200.0),
        ("the grid does so where a threshold for that is set", 800.0, 0.0, {"recharge_below_w": 1500.0}, 700.0),
        ("and not above that", 1800.0, 0.0, {"recharge_below_w": 1500.0}, 0.0),
    ],
)
def test_without_a_plan_the_fixed_reserve_is_kept_for_peaks(
    why: str, load_w: float, pv_w: float, parameters: dict[str, float], power_w: float
) -> None:
    """Below the reserve, and nothing known of what is to come."""
    strategy = create_strategy("peak_shaving", {"import_limit_w": 3000.0} | parameters)
    wish = strategy.decide(situation_of(load_w=load_w, pv_w=pv_w, soc=0.15))
    assert wish.battery_power_w == pytest.approx(power_w), why


@given(situations(), st.sampled_from([None, 2000.0, 20_000.0]))
def test_without_a_plan_peak_shaving_is_never_worse_than_self_consumption(
    situation: Situation, limit_w: float | None
) -> None:
    """Whatever the home: nothing is ever bought, and never does it import above the limit for it."""
    at_the_start = replace(situation.measurement, at=situation.interval.start)
    blind = replace(situation, plan=None, mean_import_w=0.0, remaining_h=0.25, measurement=at_the_start)
    strategy = create_strategy("peak_shaving", {"import_limit_w": limit_w, "reserve_soc": 0.0})
    wish, net_w = strategy.decide(blind), blind.measurement.net_load_w
    spare = blind.measurement.soc - blind.battery.min_soc
    charge = blind.demand_charge
    paid_w = None if charge is None or not charge.price_per_kw else charge.peak_so_far_w
    threshold_w = limit_w if limit_w is not None else paid_w
    assert wish.battery_power_w <= max(0.0, -net_w) + 1e-6
    if spare > 0.031:
        lasting_w = -blind.battery.ac_power_w(-blind.battery.energy_wh(spare) / blind.remaining_h)
        over_w = net_w if threshold_w is None else max(0.0, net_w - threshold_w)
        assert wish.battery_power_w == pytest.approx(max(-net_w, -max(lasting_w, over_w)))
    if limit_w is not None:
        assert net_w + wish.battery_power_w <= max(limit_w, 0.0) + 1e-6


WINDOW = DemandCharge(price_per_kw=100.0, peak_so_far_w=1000.0, counts=(False,) * 4 + (True,) * 4)


def test_energy_is_kept_and_bought_for_the_demand_window_to_come() -> None:
    """Before the window import does not count: the reserve refills as fast as it can, and only as far as it lacks."""
    evening = planned(create_strategy("peak_shaving", {}), windowed_plan(PEAKS), soc=0.1)
    assert evening.billing_peak_w == pytest.approx(2400.0, abs=1.0)
    before = situation_of(load_w=500.0, soc=0.1, plan=evening)
    assert create_strategy("peak_shaving", {}).decide(before).battery_power_w == pytest.approx(1000.0 / 0.25 / 0.95)
    assert create_strategy("peak_shaving", {}).decide(replace(before, plan=CALM)).self_consumption
    later = situation_of(load_w=500.0, soc=0.3, plan=evening)
    assert create_strategy("peak_shaving", {"reserve_soc": 0.1}).decide(later).battery_power_w == 0.0
    configured = create_strategy("peak_shaving", {"recharge_below_w": 1500.0}).decide(before)
    assert configured.battery_power_w == pytest.approx(1000.0)


def test_a_peak_outside_the_demand_windows_asks_for_no_reserve() -> None:
    """What the meter does not bill is not shaved: the battery serves the house down to the fixed reserve."""
    early = windowed_plan(plan_of(value_of(0.2), load_w=[500.0] + [7000.0] * 3 + [500.0] * 4))
    wish = create_strategy("peak_shaving", {}).decide(situation_of(load_w=6000.0, soc=0.4, plan=early))
    assert (wish.battery_power_w, wish.regime) == (-4600.0, "self_consumption")
    reserve = create_strategy("peak_shaving", {}).decide(situation_of(load_w=6000.0, soc=0.2, plan=early))
    assert reserve.battery_power_w == 0.0


def planned(strategy: Strategy, plan: Plan, **changes: Any) -> Plan:
    """Plan the problem of another plan, as this strategy shapes it."""
    changes["initial_soc"] = changes.pop("soc")
    shaped = strategy.shape(replace(plan.problem, **changes))
    assert shaped is not None
    return LinearProgramPlanner(clock=SimulatedClock(START)).plan(shaped, made_at=START)


def windowed_plan(plan: Plan) -> Plan:
    return replace(plan, problem=replace(plan.problem, demand_charge=WINDOW))


def test_export_is_shaved_by_charging() -> None:
    """Where export is to stay under a limit, surplus above it goes into the battery."""
    wish = create_strategy("peak_shaving", {"export_limit_w": 2000.0}).decide(situation_of(load_w=0.0, pv_w=6000.0))
    assert wish.battery_power_w == 6000.0


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    """A second threshold above the first would charge into the peak."""
    with pytest.raises(ValueError, match="must be lower than import_limit_w"):
        create_strategy("peak_shaving", {"import_limit_w": 2000.0, "recharge_below_w": 2500.0})


def test_it_is_planned_with_its_limits() -> None:
    """The planner keeps the limits as those of the connection, the stricter one each."""
    strategy = create_strategy("peak_shaving", LIMIT | {"export_limit_w": 0.0})
    shaped = strategy.shape(replace(CALM.problem, connection=GridConnection(max_import_w=2500.0)))
    assert shaped is not None
    assert (shaped.connection.max_import_w, shaped.connection.max_export_w) == (2500.0, 0.0)
    assert SITE.connection.max_import_w is None
    assert shaped.grid.step == STEP
