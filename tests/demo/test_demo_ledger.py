"""The bill of one simulated home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.clock import SimulatedClock
from optimizer.demo.ledger import Ledger
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.profile import constant_profile
from optimizer.domain.battery import Battery
from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import TariffError

START = datetime(2026, 1, 1, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=5000, max_discharge_w=5000)
HALF_HOURS = TimeGrid(start=START, step=timedelta(minutes=30), count=2)


def a_house(*, load_w: float = 0.0, production_w: float = 0.0) -> SimulatedHouse:
    return SimulatedHouse(
        clock=SimulatedClock(START),
        battery=BATTERY,
        recording=constant_profile(START, load_w=load_w, production_w=production_w),
        mode=DeviceMode.MANUAL,
        parameters=BatteryParameters(
            battery=BATTERY, standby_w=0.0, idle_w=0.0, fixed_loss_w=0.0, error_w=0.0, dead_time_s=0.0
        ),
    )


def prices(*import_prices: float | None) -> Prices:
    return Prices(grid=HALF_HOURS, import_per_kwh=import_prices, export_per_kwh=(0.08, 0.08))


def test_each_part_is_billed_at_the_price_of_its_own_interval() -> None:
    """One look over two prices bills each half hour at its own."""
    ledger = Ledger(a_house(load_w=1000.0), battery=None, prices=prices(0.20, 0.40))
    ledger.settle(START + timedelta(hours=1))
    assert ledger.account().energy_cost == pytest.approx(0.5 * 0.20 + 0.5 * 0.40)


def test_looking_more_often_changes_nothing() -> None:
    """The bill does not depend on when it is asked for."""
    ledger = Ledger(a_house(load_w=1000.0), battery=None, prices=prices(0.20, 0.40))
    for minute in range(0, 61, 7):
        ledger.settle(START + timedelta(minutes=minute))
    ledger.settle(START + timedelta(hours=1))
    assert ledger.account().energy_cost == pytest.approx(0.30)


def test_export_earns() -> None:
    """What is fed in is paid at the export price."""
    ledger = Ledger(a_house(production_w=2000.0), battery=None, prices=prices(0.20, 0.40))
    ledger.settle(START + timedelta(hours=1))
    assert ledger.account().energy_cost == pytest.approx(-2.0 * 0.08)


def test_charging_from_the_grid_costs_now_and_is_credited_as_stored() -> None:
    """An hour of charging is paid, and its stored part credited at the mean price and the way out."""
    house = a_house()
    house.command(1000.0)
    ledger = Ledger(house, battery=BATTERY, prices=prices(0.20, 0.40))
    ledger.settle(START + timedelta(hours=1))
    account = ledger.account()
    assert account.energy_cost == pytest.approx(0.30, rel=2e-3)
    assert account.stored_energy_credit == pytest.approx(0.95 * 0.30 * 0.95, rel=2e-3)


def test_what_lies_after_the_period_is_not_billed() -> None:
    """The bill ends with the last price."""
    ledger = Ledger(a_house(load_w=1000.0), battery=None, prices=prices(0.20, 0.40))
    ledger.settle(START + timedelta(hours=5))
    assert ledger.account().imported_kwh == pytest.approx(1.0)


def test_an_unknown_price_is_refused() -> None:
    """A missing price is not a price of 0."""
    with pytest.raises(TariffError, match="00:30 UTC"):
        Ledger(a_house(), battery=None, prices=prices(0.20, None))
