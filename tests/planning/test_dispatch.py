"""The present weighed against the value of stored energy."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.site import GridConnection
from optimizer.planning.dispatch import Dispatch, dispatch
from optimizer.planning.explanation import explain
from optimizer.planning.present import NEW_FOOTING_GAIN, SWITCHING_GAIN, TIE, Footing, PeakAllowance, Present, Regime
from support.situations import BATTERY, batteries, connections, energy_values, powers, prices, value_of


def weighed(
    *,
    load_w: float = 500.0,
    pv_w: float = 0.0,
    soc: float = 0.5,
    buy: float = 0.30,
    sell: float = 0.08,
    worth: EnergyValue | None = None,
    hours: float = 0.25,
    battery: Battery = BATTERY,
    connection: GridConnection | None = None,
    previous: Footing | None = None,
    peak: PeakAllowance | None = None,
) -> Dispatch:
    present = Present(
        load_w=load_w, pv_w=pv_w, soc=soc, import_price_per_kwh=buy, export_price_per_kwh=sell, hours=hours, peak=peak
    )
    return dispatch(
        present, worth or value_of(0.2), battery=battery, connection=connection or GridConnection(), previous=previous
    )


def money(present: Present, value: EnergyValue, battery: Battery, connection: GridConnection, power_w: float) -> float:
    """Return the cost of a constant power, worked out the long way round."""
    hours = max(present.hours, 1e-3)
    grid_w = present.load_w + power_w - present.pv_w
    price = present.import_price_per_kwh if grid_w >= 0 else present.export_price_per_kwh
    counted_w = grid_w
    if connection.curtailable and connection.max_export_w is not None:
        counted_w = max(grid_w, -connection.max_export_w)
    cost = hours * (price * counted_w + battery.wear_cost_per_kwh * max(0.0, -power_w)) / 1000
    energy_wh = battery.energy_wh(present.soc) + hours * battery.stored_power_w(power_w)
    return cost - value.value(energy_wh)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_constant_power_is_cheaper(data: st.DataObject) -> None:
    """The weighing finds the exact minimum: no power on a fine grid costs less, up to a tie."""
    battery, connection = data.draw(batteries()), data.draw(connections())
    if not connection.curtailable:
        connection = GridConnection(grid_charging=connection.grid_charging, battery_export=connection.battery_export)
    value = data.draw(energy_values(battery))
    soc = data.draw(st.floats(battery.min_soc, battery.max_soc))
    present = Present(
        load_w=data.draw(powers),
        pv_w=data.draw(powers),
        soc=soc,
        import_price_per_kwh=data.draw(prices),
        export_price_per_kwh=data.draw(prices),
        hours=data.draw(st.sampled_from([0.01, 0.1, 0.25, 1.0])),
    )
    assume(connection.max_import_w is None)
    found = dispatch(present, value, battery=battery, connection=connection)
    net_w, energy_wh = present.net_load_w, battery.energy_wh(soc)
    low = max(-battery.max_discharge_w, battery.ac_power_w((battery.min_energy_wh - energy_wh) / present.hours))
    high = min(battery.max_charge_w, battery.ac_power_w((battery.max_energy_wh - energy_wh) / present.hours))
    if not connection.grid_charging:
        high = min(high, max(0.0, -net_w))
    if not connection.battery_export:
        low = max(low, min(0.0, -net_w))
    tried = [low + (high - low) * share / 60 for share in range(61)]
    least = min(money(present, value, battery, connection, power_w) for power_w in tried)
    assert found.cost <= least + TIE + 1e-9


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_power_costs_what_it_says_and_never_more_than_the_alternatives(data: st.DataObject) -> None:
    """Idling and self-consumption are honest counterfactuals: the choice beats both, up to a tie."""
    battery, connection = data.draw(batteries()), data.draw(connections())
    present = Present(
        load_w=data.draw(powers),
        pv_w=data.draw(powers),
        soc=data.draw(st.integers(0, 100)) / 100,
        import_price_per_kwh=data.draw(prices),
        export_price_per_kwh=data.draw(prices),
        hours=0.25,
    )
    found = dispatch(present, data.draw(energy_values(battery)), battery=battery, connection=connection)
    assert found.cost <= min(found.idle_cost, found.self_consumption_cost) + TIE + 1e-9
    assert -battery.max_discharge_w <= found.battery_power_w <= battery.max_charge_w


@pytest.mark.parametrize(
    ("why", "case", "regime", "power_w"),
    [
        ("import costs more than keeping", {"load_w": 1900.0, "buy": 0.42}, Regime.SELF_CONSUMPTION, -1900.0),
        ("keeping is worth more than import", {"load_w": 1900.0, "buy": 0.20}, Regime.STORE_SURPLUS_ONLY, 0.0),
        ("surplus is worth more later", {"pv_w": 3500.0}, Regime.SELF_CONSUMPTION, 3000.0),
        ("feed-in pays more than storing", {"pv_w": 3500.0, "sell": 0.195}, Regime.COVER_HOUSE_ONLY, 0.0),
        ("import is cheap enough to buy", {"buy": 0.10}, Regime.GRID_CHARGE, 4600.0),
        ("feed-in is dear enough to sell", {"buy": 0.5, "sell": 0.4}, Regime.BATTERY_EXPORT, -4600.0),
    ],
)
def test_each_regime_has_its_prices(why: str, case: dict[str, float], regime: Regime, power_w: float) -> None:
    """The prices decide what the battery is there for."""
    found = weighed(**case)  # type: ignore[arg-type]
    assert (found.regime, found.battery_power_w) == (regime, pytest.approx(power_w)), why


def test_a_forbidden_trade_is_not_made() -> None:
    """Without grid charging cheap import only spares the battery."""
    found = weighed(buy=0.05, connection=GridConnection(grid_charging=False))
    assert found.regime is Regime.STORE_SURPLUS_ONLY
    assert found.battery_power_w == 0.0


def test_import_limit_is_held_while_the_energy_is_kept() -> None:
    """Above an import limit the battery covers the excess alone if keeping pays."""
    found = weighed(load_w=6000.0, buy=0.1, worth=value_of(0.3), connection=GridConnection(max_import_w=5000.0))
    assert found.regime is Regime.COVER_PARTLY
    assert found.battery_power_w == pytest.approx(-1000.0)


def test_feed_in_limit_is_held_while_room_is_kept() -> None:
    """Above a feed-in limit the battery stores the excess alone if room is worth keeping."""
    limited = GridConnection(max_export_w=3000.0, curtailable=True)
    found = weighed(load_w=0.0, pv_w=5000.0, worth=value_of(0.05), sell=0.08, connection=limited)
    assert found.regime is Regime.STORE_PARTLY
    assert found.battery_power_w == pytest.approx(2000.0)


def test_a_billing_peak_is_shaved() -> None:
    """What the interval may still import without a new peak is imported, the rest comes from the battery."""
    found = weighed(load_w=6000.0, buy=0.2, worth=value_of(0.3), peak=PeakAllowance(import_w=4000.0, price_per_kwh=400))
    assert found.battery_power_w == pytest.approx(-2000.0)


def test_self_consumption_is_right_only_if_it_stays_right() -> None:
    """Automatic mode is left where the worth bends within reach of the interval."""
    assert weighed(load_w=1000.0, worth=value_of(0.2)).self_consumption
    bends = EnergyValue((0.0, 4900.0, 10_000.0), (0.6, 0.2))
    found = weighed(load_w=1000.0, worth=bends, hours=1.0)
    assert found.regime is Regime.SELF_CONSUMPTION
    assert not found.self_consumption


def test_a_tie_goes_to_the_calmest() -> None:
    """Where covering and keeping cost the same, the battery simply serves the house."""
    assert weighed(buy=0.2 / 0.95, worth=value_of(0.2)).regime is Regime.SELF_CONSUMPTION


@pytest.mark.parametrize("regime", [Regime.SELF_CONSUMPTION, Regime.STORE_SURPLUS_ONLY])
def test_a_regime_is_kept_against_small_change(regime: Regime) -> None:
    """Within an interval a gain of less than a fifth of a cent changes nothing."""
    near = 0.2 / 0.95 + (0.004 if regime is Regime.STORE_SURPLUS_ONLY else -0.004) / 4
    found = weighed(buy=near, previous=Footing(regime=regime))
    assert found.regime is regime


def test_hysteresis_hides_no_better_plan() -> None:
    """A gain beyond the switching gain is taken at once, and a quarter of it when the footing changes."""
    much = 0.2 / 0.95 - (SWITCHING_GAIN * 1.5) / (2.0 * 0.25)
    assert (
        weighed(load_w=2000.0, buy=much, previous=Footing(regime=Regime.SELF_CONSUMPTION)).regime
        is Regime.STORE_SURPLUS_ONLY
    )
    little = 0.2 / 0.95 - (NEW_FOOTING_GAIN * 1.5) / (2.0 * 0.25)
    new = Footing(regime=Regime.SELF_CONSUMPTION, same_interval_and_plan=False)
    assert weighed(load_w=2000.0, buy=little, previous=new).regime is Regime.STORE_SURPLUS_ONLY


def test_the_reason_has_its_numbers() -> None:
    """A person reads power, price, worth and what doing nothing would have cost."""
    told = explain(weighed(load_w=1900.0, buy=0.42, worth=value_of(0.31)))
    assert told == (
        "covers 1.9 kW of the house: import costs 0.42, a stored kWh is worth 0.31 later; "
        "idling would cost 0.04 EUR more in the next 15 min"
    )


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"load_w": 1900.0, "soc": 0.0, "buy": 0.42}, "cannot cover the house, nothing is to be drawn at 0%"),
        (
            {"load_w": 0.0, "pv_w": 1900.0, "soc": 1.0},
            "cannot store the surplus, nothing more is to be charged at 100%",
        ),
    ],
)
def test_an_empty_or_full_battery_claims_no_more_than_it_does(state: dict[str, float], told: str) -> None:
    """At the edge of its band the reason is the edge, not a price."""
    assert explain(weighed(worth=value_of(0.31), **state)).startswith(told)


def test_keeping_energy_that_seems_cheaper_than_the_grid_is_explained() -> None:
    """0.29 is below 0.30, and drawing it would still cost more: the reason says with which losses."""
    told = explain(weighed(buy=0.30, worth=value_of(0.29)))
    assert told.startswith("keeps its energy, would store surplus: import costs 0.30, a stored kWh is worth 0.29 later")
    assert "(0.305 with what drawing it loses and wears)" in told
    assert "loses" not in explain(weighed(buy=0.30, worth=value_of(0.32)))
    assert "loses" not in explain(weighed(buy=0.30, worth=value_of(0.20)))


def test_a_small_power_is_told_in_watts() -> None:
    """Nothing is said to store 0.0 kW."""
    assert explain(weighed(load_w=100.0, pv_w=140.0)).startswith("stores 40 W of surplus")
