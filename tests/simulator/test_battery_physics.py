"""The battery's physics: energy is conserved, limits hold, commands take their time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import BatteryState, Order, step
from support.simulator import BATTERY

PARAMETERS = BatteryParameters(battery=BATTERY, fixed_loss_w=0.0)
EXACT = replace(PARAMETERS, error_w=0.0)

orders = st.lists(
    st.tuples(st.floats(-9000, 9000), st.sampled_from([0.0, 1.0, 3.0, 30.0]), st.integers(1, 400)),
    min_size=1,
    max_size=8,
)


def run(state: BatteryState, order: Order, seconds: int, parameters: BatteryParameters = EXACT) -> list[BatteryState]:
    """Return the state after every second."""
    states = []
    for _ in range(seconds):
        state = step(state, order, parameters, 1.0)
        states.append(state)
    return states


@settings(max_examples=60, deadline=None)
@given(soc=st.floats(0, 1), script=orders, fixed_loss_w=st.sampled_from([0.0, 30.0]))
def test_energy_is_conserved_and_limits_hold(
    soc: float, script: list[tuple[float, float, int]], fixed_loss_w: float
) -> None:
    """Stored change is eta * in - out / eta - standby; powers and charge stay within the battery, whatever is asked."""
    parameters = replace(PARAMETERS, fixed_loss_w=fixed_loss_w)
    state = BatteryState(energy_wh=soc * BATTERY.usable_capacity_wh)
    for power_w, dead_time_s, seconds in script:
        for _ in range(seconds // 10 + 1):
            before, state = state, step(state, Order(power_w, dead_time_s), parameters, 10.0)
            change_wh = state.energy_wh - before.energy_wh
            assert change_wh == pytest.approx((state.stored_w - parameters.standby_w) / 360, abs=1e-6) or (
                state.energy_wh == pytest.approx(parameters.capacity_wh - parameters.full_capacity_wh)
            )
            if not fixed_loss_w and abs(state.mean_power_w) > parameters.idle_w:
                assert state.stored_w == pytest.approx(BATTERY.stored_power_w(state.mean_power_w), rel=1e-6, abs=1e-6)
            assert -BATTERY.max_discharge_w - 1e-9 <= state.power_w <= BATTERY.max_charge_w + 1e-9
            assert -BATTERY.max_discharge_w - 1e-9 <= state.mean_power_w <= BATTERY.max_charge_w + 1e-9
            assert state.energy_wh <= parameters.capacity_wh + 1e-6
            assert parameters.relative_soc(state.soc(parameters)) >= 0


def test_power_is_reached_after_dead_time_and_ramp() -> None:
    """Nothing moves for 3 s; then 1500 W/s; then the power stands."""
    powers = [state.power_w for state in run(BatteryState(energy_wh=5000, power_w=5), Order(3005.0, 3.0), 7)]
    assert powers == pytest.approx([5, 5, 5, 1505, 3005, 3005, 3005])


def test_later_command_replaces_one_not_yet_heard() -> None:
    """Two commands within the dead time are heard one after the other, each after its own."""
    states = run(BatteryState(energy_wh=5000, power_w=5), Order(1000.0, 3.0), 1)
    states += run(states[-1], Order(-1000.0, 3.0), 7)
    assert [state.target_w for state in states] == [0, 0, 0, 1000, -1000, -1000, -1000, -1000]
    assert states[-1].power_w == pytest.approx(-1000)


def test_battery_s_own_decision_overtakes_a_slow_command() -> None:
    """A decision with a shorter way makes the slower one that it replaces void."""
    states = run(BatteryState(energy_wh=5000, power_w=5), Order(3000.0, 10.0), 1)
    states += run(states[-1], Order(0.0, 1.0), 20)
    assert max(state.power_w for state in states) == pytest.approx(5)


def test_charging_weakens_near_full_and_stops() -> None:
    """The taper is linear from 93 %; the battery fills, rests at full and does not charge again until 99 %."""
    states = run(BatteryState(energy_wh=9000.0), Order(4600.0), 2500)
    at_97 = next(state for state in states if state.energy_wh > 9700)
    assert at_97.power_w == pytest.approx(4600 * 0.03 / 0.07, rel=0.01)
    assert states[-1].full
    assert states[-1].power_w == EXACT.idle_w
    assert max(state.energy_wh for state in states) == pytest.approx(10_000)


def test_taper_can_be_switched_off() -> None:
    """Without a taper the battery charges at full power until it is full."""
    without = replace(EXACT, taper_from_soc=None)
    states = run(BatteryState(energy_wh=9900.0), Order(4600.0), 60, without)
    assert states[-1].power_w == 4600


def test_discharge_stops_at_the_floor() -> None:
    """Discharging ends at user state of charge 0, and at a higher floor where there is one."""
    for floor_soc in (0.0, 0.1):
        start = BatteryState(energy_wh=floor_soc * 10_000 + 50)
        states = run(start, Order(-4600.0, floor_soc=floor_soc), 120)
        assert min(state.energy_wh for state in states[:60]) >= floor_soc * 10_000 - 1
        assert states[-1].empty
        assert states[-1].power_w == EXACT.idle_w


def test_idle_draws_from_the_grid_and_standby_from_the_cells() -> None:
    """An idle hour costs 25 Wh of charge and 5 Wh of grid energy, which is not stored."""
    state = step(BatteryState(energy_wh=5000, power_w=5), Order(0.0), EXACT, 3600.0)
    assert state.energy_wh == pytest.approx(4975)
    assert state.mean_power_w == pytest.approx(5)


def test_fixed_loss_makes_small_powers_inefficient() -> None:
    """With a fixed loss, 200 W are stored far less efficiently than 2000 W."""
    lossy = replace(EXACT, fixed_loss_w=30.0)
    shares = [run(BatteryState(energy_wh=5000), Order(w), 60, lossy)[-1].stored_w / w for w in (200.0, 2000.0)]
    assert shares == pytest.approx([0.80, 0.935])


@given(seed=st.integers(0, 1000), power_w=st.floats(-4000, 4000).filter(lambda value: abs(value) > 50))
def test_error_is_small_and_the_same_for_the_same_seed(seed: int, power_w: float) -> None:
    """What is delivered differs from what is asked by a few watts, and repeats."""
    parameters = replace(PARAMETERS, seed=seed)
    first, second = (run(BatteryState(energy_wh=5000), Order(power_w), 10, parameters)[-1] for _ in range(2))
    assert first == second
    assert abs(first.power_w - power_w) <= parameters.error_w


def test_relative_state_of_charge_fits_recorded_pairs() -> None:
    """USOC 0 is RSOC 7, USOC 100 is RSOC 100, as recorded payloads have it for r = 7 %."""
    assert [round(100 * PARAMETERS.relative_soc(soc)) for soc in (0.0, 0.49, 1.0)] == [7, 53, 100]
