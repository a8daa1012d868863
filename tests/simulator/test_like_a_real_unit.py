"""What public sources report of real units, each seen from outside over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.models import Model, unit_size
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.profile import HouseProfile
from optimizer.domain.battery import Battery
from optimizer.simulator.fault import Fault, FaultKind
from support.simulator import BATTERY, START, RunningSimulator, make_house, running_simulator


def energy_wh(simulator: RunningSimulator) -> int:
    return int(simulator.status()["RemainingCapacity_Wh"])


def run_for(simulator: RunningSimulator, hours: float, watts: int) -> float:
    """Command a power, + charging, for some hours; return the energy that Pac shows, + charging [Wh]."""
    simulator.put(f"/api/v1/setpoint/{'charge' if watts >= 0 else 'discharge'}/{abs(watts)}")
    seen_wh = 0.0
    for _ in range(round(60 * hours)):
        simulator.clock.advance(60)
        seen_wh -= simulator.status()["Pac_total_W"] / 60
    return seen_wh


# -- modes and commands ------------------------------------------------------------------------------------------------


def test_automatic_mode_takes_a_setpoint_for_twenty_seconds() -> None:
    """In mode 2 a command acts within seconds and is overwritten about 20 s after it came, not before, not later."""
    with running_simulator(mode=DeviceMode.AUTOMATIC) as simulator:
        simulator.put("/api/v1/setpoint/charge/2000")
        powers = []
        for _ in range(15):
            simulator.clock.advance(2)
            powers.append(simulator.status()["Pac_total_W"])
    obeyed = [2 * (index + 1) for index, watts in enumerate(powers) if watts < -1900]
    assert obeyed[0] <= 6
    assert 18 <= obeyed[-1] <= 24
    assert powers[-1] == pytest.approx(370, abs=5)


@pytest.mark.parametrize("mode", [DeviceMode.TIME_OF_USE, DeviceMode.BACKUP])
def test_modes_of_others_ignore_setpoints(mode: DeviceMode) -> None:
    """Modes 10 and 7 acknowledge a setpoint with code 0 and go on as before."""
    with running_simulator(mode=mode) as simulator:
        simulator.clock.advance(30)
        before = simulator.status()["Pac_total_W"]
        assert simulator.put("/api/v1/setpoint/charge/3000").json == {"ReturnCode": "0"}
        simulator.clock.advance(10)
        assert simulator.status()["Pac_total_W"] == pytest.approx(before, abs=5)


def test_backup_mode_keeps_what_it_has() -> None:
    """Mode 7 stores surplus and discharges nothing while the grid is there."""
    for production_w, watts in ((0.0, -5), (1400.0, -1000)):
        with running_simulator(mode=DeviceMode.BACKUP, load_w=400.0, production_w=production_w) as simulator:
            simulator.clock.advance(60)
            assert simulator.status()["Pac_total_W"] == pytest.approx(watts, abs=5)


def test_virtual_power_plant_lets_nobody_change_the_mode() -> None:
    """V2 refuses with 403; V1 answers the mode that stands."""
    plant = Fault(name="plant", kind=FaultKind.VPP, parameters={"power_w": -500})
    with running_simulator(faults=[plant]) as simulator:
        answer = simulator.request("PUT", "/api/v2/configurations", face="v2", body="EM_OperatingMode=2")
        assert (answer.status, answer.json) == (403, {"error": "VPP has priority"})
        assert simulator.get("/api/setting?EM_OperatingMode=2").json == {"EM_OperatingMode": "1"}
        assert simulator.status()["OperatingMode"] == "1"


def test_charge_and_discharge_are_one_signed_setpoint() -> None:
    """A charge replaces a discharge and a zero of either kind ends both."""
    with running_simulator() as simulator:
        for path, watts in (("charge/1500", -1500), ("discharge/900", 900), ("charge/0", -5), ("charge/700", -700)):
            simulator.put(f"/api/v1/setpoint/{path}")
            simulator.clock.advance(15)
            assert simulator.status()["Pac_total_W"] == pytest.approx(watts, abs=5)
        simulator.put("/api/v1/setpoint/discharge/0")
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == -5


def test_setpoint_outlives_a_change_of_mode() -> None:
    """Back in manual mode the old setpoint acts again."""
    with running_simulator() as simulator:
        simulator.put("/api/v1/setpoint/charge/1500")
        simulator.get("/api/setting?EM_OperatingMode=2")
        simulator.clock.advance(60)
        assert simulator.status()["Pac_total_W"] > 0
        simulator.get("/api/setting?EM_OperatingMode=1")
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-1500, abs=5)


def test_night_takes_the_setpoint_and_leaves_the_mode() -> None:
    """At the configured local time the unit refuses, answers 502 with HTML, and is back in manual with nothing."""
    night = NightlyRestart(at=time(12, 30), refusing_s=60, bad_gateway_s=60)
    with running_simulator(make_house(mode=DeviceMode.MANUAL, nightly_restart=night)) as simulator:
        simulator.put("/api/v1/setpoint/charge/1000")
        simulator.clock.advance(30 * 60 + 1)
        with pytest.raises(ConnectionRefusedError):
            simulator.get()
        simulator.clock.advance(60)
        answer = simulator.get()
        assert (answer.status, b"<html>" in answer.body) == (502, True)
        simulator.clock.advance(60)
        status = simulator.status()
        assert (status["OperatingMode"], status["Pac_total_W"]) == ("1", -5)


# -- how the power comes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead_time_s", [2.0, 10.0, 30.0])
def test_command_takes_its_time_and_ramps(dead_time_s: float) -> None:
    """Nothing moves for the dead time, whatever it is; then the power ramps within some seconds."""
    parameters = BatteryParameters(battery=BATTERY, dead_time_s=dead_time_s)
    with running_simulator(parameters=parameters) as simulator:
        simulator.put("/api/v1/setpoint/charge/4000")
        simulator.clock.advance(dead_time_s - 0.5)
        assert simulator.status()["Pac_total_W"] >= -5
        simulator.clock.advance(2)
        assert -3900 < simulator.status()["Pac_total_W"] < -500
        simulator.clock.advance(5)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-4000, abs=4)


def test_delivered_power_is_a_few_watts_off() -> None:
    """Of many commands some are met a little above, some a little below, none by more than 5 W."""
    with running_simulator() as simulator:
        errors = []
        for watts in range(1000, 1040):
            simulator.put(f"/api/v1/setpoint/charge/{watts}")
            simulator.clock.advance(10)
            errors.append(-simulator.status()["Pac_total_W"] - watts)
    assert max(map(abs, errors)) <= 5
    assert min(errors) < 0 < max(errors)


@pytest.mark.parametrize(
    ("model", "modules", "capacity_wh", "power_w"),
    [
        (Model.ECO8, 1, 2250, 1100),
        (Model.ECO8, 2, 4500, 2500),
        (Model.ECO8, 6, 13_500, 3300),
        (Model.SB10, 1, 5000, 3400),
        (Model.SB10, 2, 10_000, 4600),
    ],
)
def test_inverter_clamps_by_number_of_modules(model: Model, modules: int, capacity_wh: int, power_w: int) -> None:
    """9 kW are acknowledged and the model's own limit flows; V2 tells modules and limit."""
    size = unit_size(model, modules)
    battery = Battery(
        usable_capacity_wh=size.usable_capacity_wh, max_charge_w=size.max_power_w, max_discharge_w=size.max_power_w
    )
    assert battery.usable_capacity_wh == capacity_wh
    parameters = BatteryParameters(battery=battery, module_wh=size.module_wh)
    with running_simulator(battery=battery, parameters=parameters) as simulator:
        assert simulator.put("/api/v1/setpoint/discharge/9000").json == {"ReturnCode": "0"}
        simulator.clock.advance(20)
        assert simulator.status()["Pac_total_W"] == power_w
        told = simulator.request("GET", "/api/v2/configurations", face="v2").json
        assert (told["IC_BatteryModules"], told["IC_InverterMaxPower_w"]) == (str(modules), str(power_w))


def test_model_comes_with_so_many_modules_only() -> None:
    """A number of modules that is not sold is refused."""
    with pytest.raises(ValueError, match="eco8 has 1 to 6 modules, not 7"):
        unit_size(Model.ECO8, 7)


# -- state of charge ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reserve", [0.04, 0.07, 0.08])
@pytest.mark.parametrize("soc", [0.0, 0.26, 0.49, 0.77, 1.0])
def test_user_state_of_charge_is_the_relative_one_without_the_reserve(reserve: float, soc: float) -> None:
    """USOC = (RSOC - r) / (1 - r), both whole percents."""
    parameters = BatteryParameters(battery=BATTERY, reserve=reserve)
    with running_simulator(parameters=parameters, initial_soc=soc) as simulator:
        status = simulator.status()
    assert isinstance(status["RSOC"], int)
    assert status["USOC"] == round(100 * soc)
    assert status["USOC"] == pytest.approx((status["RSOC"] - 100 * reserve) / (1 - reserve), abs=0.6)


def test_full_battery_takes_commands_and_nothing_else() -> None:
    """Charging weakens towards 100 %, ends there with Pac of idle, and the setpoint stands as if all were well."""
    with running_simulator(initial_soc=0.97) as simulator:
        simulator.put("/api/v1/setpoint/charge/4600")
        simulator.clock.advance(60)
        assert -2500 < simulator.status()["Pac_total_W"] < -1000
        simulator.clock.advance(3600)
        status = simulator.status()
        assert (status["USOC"], status["Pac_total_W"]) == (100, -5)
        assert simulator.put("/api/v1/setpoint/charge/4600").json == {"ReturnCode": "0"}
        assert simulator.house.setpoint_w == 4600


@pytest.mark.parametrize(("stops_at_backup", "usoc"), [(False, 0), (True, 20)])
def test_manual_discharge_ends_at_empty_or_at_the_backup_buffer(stops_at_backup: bool, usoc: int) -> None:
    """At USOC 0, or at BackupBuffer on a unit of the other kind, Pac is that of idle and commands are acknowledged."""
    with running_simulator(initial_soc=0.3, backup_soc=0.2, discharge_stops_at_backup=stops_at_backup) as simulator:
        simulator.put("/api/v1/setpoint/discharge/4600")
        simulator.clock.advance(3600)
        status = simulator.status()
        assert (status["USOC"], status["Pac_total_W"], status["BackupBuffer"]) == (usoc, -5, "20")
        assert simulator.put("/api/v1/setpoint/discharge/100").json == {"ReturnCode": "0"}


# -- losses ------------------------------------------------------------------------------------------------------------


def test_small_powers_are_stored_poorly() -> None:
    """Per watt-hour taken, 200 W store far less than 3000 W, standby aside."""
    shares = {}
    for watts, hours in ((200, 5.0), (3000, 1.0)):
        with running_simulator(initial_soc=0.2) as simulator:
            before = energy_wh(simulator)
            taken_wh = run_for(simulator, hours, watts)
            stored_wh = energy_wh(simulator) - before + 25 * hours
            shares[watts] = stored_wh / taken_wh
    assert shares[200] < 0.88
    assert 0.92 < shares[3000] < 0.95


@pytest.mark.parametrize("watts", [500, 1500, 3000])
def test_round_trip_is_what_owners_measure(watts: int) -> None:
    """A cycle of 6 kWh and the idle rest of a day give back 75 to 88 % on the AC side."""
    with running_simulator(initial_soc=0.2) as simulator:
        start_wh = energy_wh(simulator)
        taken_wh = run_for(simulator, 6000 / watts, watts)
        run_for(simulator, max(0.0, 24 - 2 * 6000 / watts), 0)
        given_wh = 0.0
        while energy_wh(simulator) > start_wh:
            given_wh -= run_for(simulator, 1 / 60, -watts)
    assert 0.75 < given_wh / taken_wh < 0.88


def test_idle_unit_draws_a_little_and_loses_a_little() -> None:
    """Idle, Pac is -3 to -7 W, none of it stored, and the cells lose 20 to 30 W."""
    with running_simulator() as simulator:
        before = energy_wh(simulator)
        simulator.clock.advance(10 * 3600)
        assert -7 <= simulator.status()["Pac_total_W"] <= -3
        assert 200 <= before - energy_wh(simulator) <= 300


# -- the house ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target_w", [30.0, 80.0])
def test_automatic_mode_leaves_some_import(target_w: float) -> None:
    """Self-consumption regulates to some 30 to 80 W of import, with surplus as without."""
    for load_w, production_w in ((1500.0, 0.0), (300.0, 2500.0)):
        with running_simulator(
            mode=DeviceMode.AUTOMATIC, load_w=load_w, production_w=production_w, import_target_w=target_w
        ) as simulator:
            simulator.clock.advance(30)
            assert simulator.status()["GridFeedIn_W"] == pytest.approx(-target_w, abs=25)


def test_consumption_average_is_that_of_a_minute() -> None:
    """Consumption_Avg follows a step of load within 60 s, in proportion; Consumption_W at once."""
    recording = HouseProfile(start=START, step=timedelta(minutes=10), load_w=[400, 1600], production_w=[0, 0])
    with running_simulator(recording=recording) as simulator:
        seen = []
        for seconds in (599, 2, 29, 30):
            simulator.clock.advance(seconds)
            status = simulator.status()
            seen.append((status["Consumption_W"], status["Consumption_Avg"]))
    assert [now_w for now_w, _ in seen] == [400, 1600, 1600, 1600]
    assert [mean_w for _, mean_w in seen] == pytest.approx([400, 420, 1000, 1600], abs=2)


def test_flow_flags_agree_with_the_flows() -> None:
    """Sun feeds house, battery and grid at once; the flags say so, and nothing else."""
    with running_simulator(load_w=500.0, production_w=3000.0) as simulator:
        simulator.put("/api/v1/setpoint/charge/1000")
        simulator.clock.advance(15)
        status = simulator.status()
    flows = {name for name, value in status.items() if name.startswith("Flow") and value}
    assert flows == {"FlowConsumptionProduction", "FlowProductionBattery", "FlowProductionGrid"}
    assert (status["BatteryCharging"], status["BatteryDischarging"]) == (True, False)


def test_house_that_takes_nothing_takes_no_sun() -> None:
    """With no consumption no flow leads to it, as in a recorded payload of 2023."""
    with running_simulator(load_w=0.0, production_w=1792.0) as simulator:
        assert simulator.status()["FlowConsumptionProduction"] is False


# -- care, islands, clocks ---------------------------------------------------------------------------------------------


def test_battery_care_overrides_whoever_commands() -> None:
    """After days without full the unit charges to 100 % from the grid, says so, ignores setpoints, and lets go."""
    with running_simulator(firmware="2025", initial_soc=0.8, battery_care_after_days=2) as simulator:
        simulator.clock.advance(2 * 86_400 + 60)
        assert simulator.put("/api/v1/setpoint/discharge/2000").json == {"ReturnCode": "0"}
        simulator.clock.advance(60)
        status = simulator.status()
        assert (status["dischargeNotAllowed"], status["BatteryCharging"]) == (True, True)
        assert status["GridFeedIn_W"] < -3000
        while simulator.status()["dischargeNotAllowed"]:
            simulator.clock.advance(600)
        simulator.clock.advance(60)
        assert simulator.status()["USOC"] >= 99
        assert simulator.status()["Pac_total_W"] == pytest.approx(2000, abs=5)


def test_off_grid_commands_are_acknowledged_and_not_executed() -> None:
    """Without a grid the battery follows the house alone, and the status says OffGrid, Uac 0."""
    island = Fault(name="island", kind=FaultKind.OFF_GRID)
    with running_simulator(faults=[island], load_w=700.0) as simulator:
        simulator.clock.advance(5)
        assert simulator.put("/api/v1/setpoint/charge/3000").json == {"ReturnCode": "0"}
        simulator.clock.advance(30)
        status = simulator.status()
    assert (status["SystemStatus"], status["Uac"], status["GridFeedIn_W"]) == ("OffGrid", 0, 0)
    assert status["Pac_total_W"] == 700


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        (datetime(2016, 3, 27, 0, 59, 59, tzinfo=UTC), ["2016-03-27 01:59:59", "2016-03-27 03:00:00"]),
        (datetime(2016, 10, 30, 0, 59, 59, tzinfo=UTC), ["2016-10-30 02:59:59", "2016-10-30 02:00:00"]),
    ],
)
def test_timestamp_jumps_with_the_clocks(start: datetime, shown: list[str]) -> None:
    """Timestamp skips an hour in spring and repeats one in autumn; only V2 tells the offset."""
    with running_simulator(make_house(clock=SimulatedClock(start))) as simulator:
        seen, offsets = [], []
        for _ in range(2):
            seen.append(simulator.status()["Timestamp"])
            offsets.append(simulator.request("GET", "/api/v2/latestdata", face="v2").json["UTC_Offet"])
            simulator.clock.advance(1)
    assert seen == shown
    assert sorted(offsets) == [1, 2]


def test_every_request_is_kept_with_its_simulated_time() -> None:
    """The log holds order, interval and kind of whatever was asked, of both interfaces."""
    with running_simulator() as simulator:
        asked: list[tuple[str, str, Any]] = [
            ("GET", "/api/v1/status", "v1"),
            ("PUT", "/api/v1/setpoint/charge/1", "v1"),
            ("GET", "/api/v2/status", "v2"),
        ]
        for method, path, face in asked:
            simulator.request(method, path, face=face)
            simulator.clock.advance(10)
        entries = simulator.server.log.entries
    assert [(entry.method, entry.path, entry.face) for entry in entries] == asked
    assert [(entry.at - entries[0].at).total_seconds() for entry in entries] == [0, 10, 20]
