"""Signs and losses: the load convention, held to by numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Automatic, Power
from optimizer.domain.site import grid_power_w, self_consumption_power_w

BATTERY = Battery(
    usable_capacity_wh=10_000,
    max_charge_w=4600,
    max_discharge_w=4600,
    charge_efficiency=0.9,
    discharge_efficiency=0.8,
)


def measurement(**changes: float) -> Measurement:
    fields = {"consumption_w": 500.0, "production_w": 2000.0, "battery_power_w": 1000.0, "soc": 0.5, **changes}
    return Measurement(at=datetime(2026, 1, 1, tzinfo=UTC), elapsed_s=0.0, **fields)  # type: ignore[arg-type]


def test_charging_stores_less_than_it_takes() -> None:
    """1000 W at the terminals fill the store with 900 W at 90 % efficiency."""
    assert BATTERY.stored_power_w(1000) == pytest.approx(900)


def test_discharging_takes_more_than_it_gives() -> None:
    """1000 W at the terminals draw 1250 W from the store at 80 % efficiency."""
    assert BATTERY.stored_power_w(-1000) == pytest.approx(-1250)


@given(st.floats(-5000, 5000))
def test_ac_power_is_the_inverse_of_stored_power(power_w: float) -> None:
    """Going to the store and back gives the same power at the terminals."""
    assert BATTERY.ac_power_w(BATTERY.stored_power_w(power_w)) == pytest.approx(power_w, abs=1e-9)


def test_a_charging_battery_loads_the_grid() -> None:
    """Grid power is load plus battery less sun: + imports."""
    assert grid_power_w(load_w=500, battery_power_w=1000, pv_w=200) == 1300


def test_self_consumption_brings_the_grid_to_zero() -> None:
    """The self-consumption power is what the sun leaves over."""
    power = self_consumption_power_w(load_w=500, pv_w=2000)
    assert power == 1500
    assert grid_power_w(load_w=500, battery_power_w=power, pv_w=2000) == 0


def test_grid_power_follows_from_the_balance_where_it_is_not_reported() -> None:
    """Without a reported value the balance gives the grid power, and no residual is claimed."""
    without = measurement()
    assert without.grid_power_w == -500
    assert without.balance_residual_w is None


def test_a_reported_grid_power_wins_and_shows_its_residual() -> None:
    """A reported value is believed; by how much it misses the balance is there to be judged."""
    reported = measurement(reported_grid_power_w=-470.0)
    assert reported.grid_power_w == -470
    assert reported.balance_residual_w == 30


@pytest.mark.parametrize(
    ("setpoint", "text"),
    [(Power(1500), "charge 1500 W"), (Power(-700), "discharge 700 W"), (Power(0), "idle"), (Automatic(), "automatic")],
)
def test_a_setpoint_reads_as_a_person_would_say_it(setpoint: Power | Automatic, text: str) -> None:
    """Logs and status never make the reader think about signs."""
    assert str(setpoint) == text
