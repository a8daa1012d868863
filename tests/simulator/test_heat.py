"""Heat and cold: the battery warms with its losses, slowly, and gives less outside its band."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.thermal import Thermal
from optimizer.simulator.fault import Fault, FaultKind
from support.simulator import BATTERY, RunningSimulator, running_simulator

HOUR_S = 3600
BIG = replace(BATTERY, usable_capacity_wh=60_000)


def in_a_room_of(ambient_c: float) -> dict[str, object]:
    parameters = BatteryParameters(battery=BIG, thermal=Thermal(ambient_c=ambient_c), taper_from_soc=None)
    return {"battery": BIG, "parameters": parameters}


def cell_c(simulator: RunningSimulator) -> float:
    answer = simulator.request("GET", "/api/v2/battery", face="v2").json
    return float(answer["maximumcelltemperature"])


@pytest.mark.parametrize("ambient_c", [5.0, 20.0, 30.0])
def test_full_power_can_be_held_in_an_ordinary_room(ambient_c: float) -> None:
    """From 5 to 30 degrees, hours at 4.6 kW are given whole, as the manual promises."""
    with running_simulator(**in_a_room_of(ambient_c)) as simulator:
        simulator.put("/api/v1/setpoint/charge/4600")
        for _ in range(6):
            simulator.clock.advance(HOUR_S)
            assert simulator.status()["Pac_total_W"] == pytest.approx(-4600, abs=5)


def test_hot_room_takes_power_away_after_a_while() -> None:
    """At 40 degrees the first minutes are given whole; as the battery warms less and less is, down to a balance."""
    with running_simulator(**in_a_room_of(40.0)) as simulator:
        simulator.put("/api/v1/setpoint/charge/4600")
        simulator.clock.advance(600)
        powers = [-simulator.status()["Pac_total_W"]]
        for _ in range(8):
            simulator.clock.advance(HOUR_S)
            powers.append(-simulator.status()["Pac_total_W"])
    assert powers[0] == pytest.approx(4600, abs=5)
    assert powers == sorted(powers, reverse=True)
    assert 2000 < powers[-1] < 4000
    assert powers[-2] - powers[-1] < 30


def test_derating_is_silent() -> None:
    """The setpoint is acknowledged and echoed whole; only Pac shows what is given."""
    with running_simulator(**in_a_room_of(55.0)) as simulator:
        assert simulator.put("/api/v1/setpoint/discharge/4600").json == {"ReturnCode": "0"}
        simulator.clock.advance(HOUR_S)
        assert simulator.request("GET", "/api/v2/latestdata", face="v2").json["SetPoint_W"] == 4600
        assert simulator.status()["Pac_total_W"] < 2500


def test_freezing_battery_gives_nothing() -> None:
    """In a room of -10 degrees no power is left; with cells around 0 degrees half of it."""
    for ambient_c, watts in ((-10.0, -5), (-1.5, -2300)):
        with running_simulator(**in_a_room_of(ambient_c)) as simulator:
            simulator.put("/api/v1/setpoint/charge/4600")
            simulator.clock.advance(60)
            assert simulator.status()["Pac_total_W"] == pytest.approx(watts, abs=120)


def test_temperature_follows_with_its_time_constant() -> None:
    """After one time constant 63 % of the way is done, in one step or in many."""
    thermal = Thermal(ambient_c=20.0, rise_k=10.0, time_constant_s=1000.0)
    assert thermal.after(20.0, 1.0, 1000.0) == pytest.approx(20.0 + 6.32, abs=0.01)
    stepped = 20.0
    for _ in range(100):
        stepped = thermal.after(stepped, 1.0, 10.0)
    assert stepped == pytest.approx(thermal.after(20.0, 1.0, 1000.0))


def test_load_warms_the_cells_and_rest_cools_them() -> None:
    """V2 tells the cells' temperature: up by some kelvin at full power, and back afterwards."""
    with running_simulator(**in_a_room_of(20.0)) as simulator:
        cold_c = cell_c(simulator)
        simulator.put("/api/v1/setpoint/charge/4600")
        simulator.clock.advance(4 * HOUR_S)
        warm_c = cell_c(simulator)
        simulator.put("/api/v1/setpoint/charge/0")
        simulator.clock.advance(12 * HOUR_S)
        assert warm_c - cold_c > 8
        assert cell_c(simulator) == pytest.approx(cold_c, abs=0.3)


def test_heat_may_come_and_go_as_a_fault() -> None:
    """A scripted hot room derates slowly, not at once, and its end gives the power back as the battery cools."""
    heat = Fault(name="heat", kind=FaultKind.AMBIENT, parameters={"celsius": 55.0})
    with running_simulator(battery=BIG, faults=[heat]) as simulator:
        simulator.put("/api/v1/setpoint/charge/4600")
        simulator.clock.advance(600)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-4600, abs=5)
        simulator.clock.advance(4 * HOUR_S)
        assert simulator.status()["Pac_total_W"] > -2500
        simulator.server.faults.clear()
        simulator.clock.advance(4 * HOUR_S)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-4600, abs=5)
