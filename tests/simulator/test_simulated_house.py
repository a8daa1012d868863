"""The house: modes, restarts, care, islands, and a lazy clock that changes nothing about the result."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.profile import HouseProfile, packaged_profile
from optimizer.domain.battery import Battery
from support.simulator import START, make_house


def advance(house: SimulatedHouse, seconds: float) -> None:
    clock = house.clock
    assert isinstance(clock, SimulatedClock)
    clock.advance(seconds)
    house.advance()


def test_automatic_mode_regulates_to_thirty_watts_of_import() -> None:
    """In automatic mode the battery covers the house but for about 30 W, and takes the surplus."""
    for load_w, production_w in ((1500.0, 0.0), (300.0, 2500.0)):
        house = make_house(load_w=load_w, production_w=production_w)
        advance(house, 10)
        assert house.reading().grid_power_w == pytest.approx(30, abs=24)


def test_automatic_mode_answers_a_kettle_within_seconds() -> None:
    """A step of 2 kW is covered by the battery's own regulation three seconds later."""
    recording = HouseProfile(
        start=START, step=timedelta(minutes=1), load_w=[300, 2300, 300], production_w=[0, 0, 0], repeat=False
    )
    house = make_house(recording=recording)
    advance(house, 61)
    assert house.reading().grid_power_w > 1500
    advance(house, 3)
    assert house.reading().grid_power_w == pytest.approx(30, abs=24)


def test_automatic_mode_keeps_the_backup_buffer() -> None:
    """Automatic mode stops discharging at the backup buffer; manual mode goes on to 0."""
    house = make_house(load_w=4000.0, initial_soc=0.3, backup_soc=0.2)
    advance(house, 3600)
    assert house.soc == pytest.approx(0.2, abs=0.01)
    house.set_mode(DeviceMode.MANUAL)
    house.command(-4000.0)
    advance(house, 3600)
    assert house.soc == pytest.approx(0.0, abs=0.01)


def test_manual_mode_without_a_setpoint_rests() -> None:
    """In manual mode with no setpoint the house is not served."""
    house = make_house(mode=DeviceMode.MANUAL, load_w=1000.0)
    advance(house, 60)
    assert house.reading().grid_power_w == pytest.approx(1005, abs=20)


def test_setpoint_is_remembered_across_modes() -> None:
    """Going back to manual applies the old setpoint again."""
    house = make_house(mode=DeviceMode.MANUAL)
    house.command(1500.0)
    house.set_mode(DeviceMode.AUTOMATIC)
    advance(house, 60)
    assert house.battery_power_w < 0
    house.set_mode(DeviceMode.MANUAL)
    advance(house, 10)
    assert house.battery_power_w == pytest.approx(1500, abs=4)


def test_schedule_mode_ignores_commands() -> None:
    """Time-of-use mode acknowledges a setpoint and, with no window, covers the house as before."""
    house = make_house(mode=DeviceMode.TIME_OF_USE, load_w=500.0)
    house.command(3000.0)
    advance(house, 15)
    assert house.battery_power_w == pytest.approx(-470, abs=4)


def test_virtual_power_plant_has_priority() -> None:
    """While a virtual power plant decides, commands wait."""
    house = make_house(mode=DeviceMode.MANUAL)
    house.set_vpp_power(-2000.0)
    house.command(1000.0)
    advance(house, 15)
    assert house.battery_power_w == pytest.approx(-2000, abs=4)
    house.set_vpp_power(None)
    advance(house, 15)
    assert house.battery_power_w == pytest.approx(1000, abs=4)


def test_restart_forgets_the_setpoint_and_keeps_the_mode() -> None:
    """A restart refuses, then answers 502, then is back in the same mode with nothing commanded."""
    house = make_house(mode=DeviceMode.MANUAL)
    house.command(3000.0)
    advance(house, 60)
    house.restart(refusing_s=120, bad_gateway_s=180)
    seen = [house.availability()]
    for seconds in (119, 1, 179, 1):
        advance(house, seconds)
        seen.append(house.availability())
    assert seen == [Availability.REFUSING] * 2 + [Availability.BAD_GATEWAY] * 2 + [Availability.UP]
    assert (house.mode, house.setpoint_w) == (DeviceMode.MANUAL, None)
    assert house.battery_power_w == house.parameters.idle_w


def test_nightly_restart_comes_every_night_by_local_time() -> None:
    """02:49 in Berlin is 00:49 UTC in summer; it happens to the minute, however seldom anybody looks."""
    house = make_house(mode=DeviceMode.MANUAL, nightly_restart=NightlyRestart(at=time(2, 49)))
    restarts = []
    for _ in range(2 * 24 * 60):
        before = house.availability()
        advance(house, 60)
        if before is Availability.UP and house.availability() is Availability.REFUSING:
            restarts.append(house.now.strftime("%H:%M"))
    assert restarts == ["00:49", "00:49"]


def test_setpoint_given_before_an_unobserved_restart_is_lost() -> None:
    """A restart that nobody saw ends the command at its own instant, not when somebody looks."""
    house = make_house(mode=DeviceMode.MANUAL, nightly_restart=NightlyRestart(at=time(12, 30)), initial_soc=0.0)
    house.command(1000.0)
    advance(house, 7200)
    assert house.totals.stored_wh == pytest.approx((0.95 * 1000 - house.parameters.fixed_loss_w) / 2, rel=0.01)


def test_battery_care_charges_full_and_forbids_discharge() -> None:
    """Long without being full, the unit charges itself from the grid whatever is commanded, then lets go."""
    house = make_house(mode=DeviceMode.MANUAL, initial_soc=0.9, battery_care_after_days=1)
    house.command(-100.0)
    advance(house, 86_400 + 60)
    reading = house.reading()
    assert reading.battery_power_w > 1000
    assert not reading.discharge_allowed
    assert "Full Charge Request" in reading.reasons
    advance(house, 6 * 3600)
    assert house.reading().discharge_allowed
    assert house.soc > 0.9


def test_off_the_grid_the_house_lives_on_sun_and_battery() -> None:
    """Without a grid nothing is imported or exported, commands do nothing, and an empty battery means darkness."""
    house = make_house(mode=DeviceMode.MANUAL, load_w=2000.0, initial_soc=0.1)
    house.command(4000.0)
    house.set_on_grid(False)
    advance(house, 600)
    assert house.reading().grid_power_w == 0
    assert house.battery_power_w == -2000
    advance(house, 3600)
    assert house.reading().consumption_w == 0
    assert house.totals.unserved_wh > 1000
    assert house.totals.imported_wh == 0


def test_standby_eats_into_the_reserve_and_is_refilled() -> None:
    """An empty battery loses charge below USOC 0; before half of the reserve is gone it charges a little by itself."""
    house = make_house(mode=DeviceMode.MANUAL, initial_soc=0.0)
    lowest = 0.0
    for _ in range(48):
        advance(house, 3600)
        lowest = min(lowest, house.soc)
        assert house.reading().user_soc >= 0
    assert -0.035 < lowest < -0.02
    assert house.totals.charged_wh > 300


def test_consumption_average_is_the_mean_of_a_minute() -> None:
    """Half a minute into a new load the average stands in the middle."""
    recording = HouseProfile(
        start=START, step=timedelta(minutes=10), load_w=[100, 1100], production_w=[0, 0], repeat=False
    )
    house = make_house(recording=recording)
    advance(house, 630)
    assert house.reading().consumption_average_w == pytest.approx(600, abs=1)


@settings(max_examples=25, deadline=None)
@given(
    looks=st.lists(st.floats(0.1, 3000), min_size=1, max_size=30),
    command_w=st.floats(-5000, 5000),
    mode=st.sampled_from([DeviceMode.MANUAL, DeviceMode.AUTOMATIC]),
)
def test_energy_balance_closes_however_often_one_looks(looks: list[float], command_w: float, mode: DeviceMode) -> None:
    """Import + PV + discharge = load + export + charge, and the cells hold what went in less what went out."""
    clock = SimulatedClock(datetime(2016, 4, 20, 6, tzinfo=UTC))
    house = make_house(clock=clock, recording=packaged_profile(variability_seed=3), mode=mode)
    house.command(command_w)
    for seconds in looks:
        advance(house, seconds)
        totals = house.totals
        supply = totals.imported_wh + totals.production_wh + totals.discharged_wh
        assert supply == pytest.approx(totals.load_wh + totals.exported_wh + totals.charged_wh, abs=1e-6)
        assert house.state.energy_wh == pytest.approx(5000 + totals.stored_wh - totals.standby_wh, abs=1e-6)


def test_looking_more_often_changes_nothing_about_the_day() -> None:
    """A day seen every ten seconds and one seen every quarter hour end alike."""
    ends = []
    for interval_s in (10, 900):
        clock = SimulatedClock(datetime(2016, 4, 20, tzinfo=UTC))
        house = make_house(clock=clock, recording=packaged_profile())
        for _ in range(86_400 // interval_s):
            advance(house, interval_s)
        ends.append((house.state.energy_wh, house.totals.imported_wh, house.totals.exported_wh))
    assert ends[0] == pytest.approx(ends[1], abs=5)


def test_wall_clock_steps_move_neither_sun_nor_cells() -> None:
    """When the wall clock is set, the house goes on by elapsed time."""
    house = make_house()
    clock = house.clock
    assert isinstance(clock, SimulatedClock)
    clock.step_wall_clock(-7200)
    advance(house, 60)
    assert house.now == START + timedelta(seconds=60)


def test_events_happen_at_their_instant() -> None:
    """A scheduled act happens at its own time in the middle of a long step, in order."""
    house = make_house()
    seen: list[tuple[str, datetime]] = []
    for name, seconds in (("second", 90.5), ("first", 30.25)):
        house.schedule(START + timedelta(seconds=seconds), lambda name=name: seen.append((name, house.now)))  # type: ignore[misc]
    advance(house, 3600)
    assert [(name, (at - START).total_seconds()) for name, at in seen] == [("first", 30.25), ("second", 90.5)]


def test_spring_and_autumn_clock_changes_show_in_local_time() -> None:
    """Local time skips an hour in spring, repeats one in autumn, and says nothing about it."""
    for start, expected in (
        (datetime(2016, 3, 27, 0, 59, 59, tzinfo=UTC), ["01:59:59", "03:00:00"]),
        (datetime(2016, 10, 30, 0, 59, 59, tzinfo=UTC), ["02:59:59", "02:00:00"]),
    ):
        house = make_house(clock=SimulatedClock(start))
        seen = [house.reading().local_time.strftime("%H:%M:%S")]
        advance(house, 1)
        seen.append(house.reading().local_time.strftime("%H:%M:%S"))
        assert seen == expected
        assert house.reading().local_time.tzinfo is None


def test_dead_time_can_be_long() -> None:
    """A unit may take half a minute to follow."""
    battery = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600)
    slow = BatteryParameters(battery=battery, dead_time_s=30.0)
    house = make_house(mode=DeviceMode.MANUAL, parameters=slow)
    house.command(2000.0)
    advance(house, 29)
    assert house.battery_power_w < 10
    advance(house, 5)
    assert house.battery_power_w == pytest.approx(2000, abs=4)


def test_integrals_match_the_recording() -> None:
    """Over a day the house consumes and the roof yields exactly what was recorded."""
    profile = packaged_profile(variability_seed=5)
    house = make_house(clock=SimulatedClock(profile.start), recording=profile)
    advance(house, 86_400)
    assert house.totals.load_wh == pytest.approx(float(np.sum(profile.load_w[:24])), rel=1e-9)
    assert house.totals.production_wh == pytest.approx(float(np.sum(profile.production_w[:24])), rel=1e-9)


def test_full_battery_rests_until_it_has_lost_a_little() -> None:
    """At full the battery takes nothing more although told to, and says that its own management holds it."""
    house = make_house(mode=DeviceMode.MANUAL, initial_soc=1.0)
    house.command(2000.0)
    advance(house, 600)
    assert house.battery_power_w == house.parameters.idle_w
    assert house.reading().reasons == ("BMS",)


def test_quiet_hours_cost_few_steps() -> None:
    """Hours in which nothing moves are crossed in steps of a minute."""
    house = make_house()
    advance(house, 3600)
    steps = 0
    moved = house._world._step

    def counted(*arguments: Any) -> None:
        nonlocal steps
        steps += 1
        moved(*arguments)

    house._world._step = counted  # type: ignore[method-assign]
    advance(house, 6 * 3600)
    assert steps <= 6 * 60 + 10
