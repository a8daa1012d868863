"""The V2 face: token, configurations, setpoint, and why a setpoint is not obeyed."""

from __future__ import annotations

import pytest

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from optimizer.simulator.v2 import V2Options
from support.simulator import TOKEN, Answer, RunningSimulator, make_house, running_simulator


def call(simulator: RunningSimulator, method: str, path: str, body: str | None = None, token: str = TOKEN) -> Answer:
    return simulator.request(method, f"/api/v2/{path}", face="v2", body=body, token=token)


@pytest.mark.parametrize("path", ["status", "latestdata", "configurations", "battery", "powermeter", "inverter", "io"])
def test_token_is_needed(path: str) -> None:
    """Without the right token every path answers 401, in the unit's words."""
    with running_simulator() as simulator:
        assert call(simulator, "GET", path).status == 200
        for token in ("", "wrong"):
            answer = call(simulator, "GET", path, token=token)
            assert (answer.status, answer.json) == (401, {"error": "Unauthorized"})


def test_disabled_interface_is_an_html_404() -> None:
    """A unit whose API is switched off answers 404 with HTML, token or not."""
    with running_simulator(token=None) as simulator:
        answer = call(simulator, "GET", "status")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html")


def test_status_is_the_v1_object() -> None:
    """V2's status is the same object as V1's."""
    with running_simulator() as simulator:
        assert call(simulator, "GET", "status").json == simulator.status()


def test_setpoint_is_posted_and_echoed_with_the_sign_of_pac() -> None:
    """A setpoint answers 201 and true; latestdata echoes it, + discharging."""
    with running_simulator() as simulator:
        answer = call(simulator, "POST", "setpoint/discharge/1500")
        assert (answer.status, answer.json) == (201, True)
        assert call(simulator, "GET", "latestdata").json["SetPoint_W"] == 1500
        simulator.clock.advance(15)
        latest = call(simulator, "GET", "latestdata").json
        assert latest["SetPoint_W"] == 1500
        assert latest["Pac_total_W"] == pytest.approx(1500, abs=4)
        assert latest["UTC_Offet"] == 2


@pytest.mark.parametrize("value", ["-1", "1.5", "abc"])
def test_bad_setpoints_are_refused(value: str) -> None:
    """Unlike V1, V2 refuses what is no whole number of watts."""
    with running_simulator() as simulator:
        answer = call(simulator, "POST", f"setpoint/charge/{value}")
    assert (answer.status, answer.json) == (400, {"error": "invalid parameters"})


def test_mode_changes_by_form_and_by_json() -> None:
    """PUT configurations takes a form as documented, and JSON as clients send it; it echoes the change."""
    with running_simulator() as simulator:
        assert call(simulator, "PUT", "configurations", "EM_OperatingMode=2").json == {"EM_OperatingMode": "2"}
        assert simulator.house.mode is DeviceMode.AUTOMATIC
        simulator.request(
            "PUT",
            "/api/v2/configurations",
            face="v2",
            body='{"EM_OperatingMode":"1","EM_USOC":"20"}',
            content_type="application/json",
        )
        assert simulator.house.mode is DeviceMode.MANUAL
        assert call(simulator, "GET", "configurations/EM_USOC").json == {"EM_USOC": "20"}


@pytest.mark.parametrize(
    "body", ["EM_OperatingMode=3", "EM_USOC=3", "EM_USOC=101", "Nonsense=1", "", "IC_BatteryModules=9"]
)
def test_bad_configurations_are_refused_and_change_nothing(body: str) -> None:
    """Unknown names, read-only names and values out of range answer 400."""
    with running_simulator() as simulator:
        before = call(simulator, "GET", "configurations").json
        assert call(simulator, "PUT", "configurations", body).status == 400
        assert call(simulator, "GET", "configurations").json == before


def test_configurations_are_text_and_tell_the_size() -> None:
    """All values are text; modules times module capacity is the usable capacity."""
    with running_simulator() as simulator:
        values = call(simulator, "GET", "configurations").json
    assert all(isinstance(value, str) for value in values.values())
    assert int(values["IC_BatteryModules"]) * int(values["CM_MarketingModuleCapacity"]) == 10_000


BATTERY_KEYS = """
balancechargerequest chargecurrentlimit cyclecount dischargecurrentlimit fullchargecapacity fullchargecapacitywh
maximumcelltemperature maximumcellvoltage maximumcellvoltagenum maximummodulecurrent maximummoduledcvoltage
maximummoduletemperature minimumcelltemperature minimumcellvoltage minimumcellvoltagenum minimummodulecurrent
minimummoduledcvoltage minimummoduletemperature nominalmoduledcvoltage relativestateofcharge remainingcapacity
systemalarm systemaveragecurrent systemcurrent systemdcvoltage systemstatus systemtime systemwarning
usableremainingcapacity
"""
INVERTER_KEYS = "fac iac_total ibat ipv pac_microgrid pac_total pbat phi ppv sac_total tmax uac ubat upv"
METER_KEYS = """
a_l1 a_l2 a_l3 channel deviceid direction error kwh_exported kwh_imported v_l1_l2 v_l1_n v_l2_l3 v_l2_n v_l3_l1 v_l3_n
va_total var_total w_l1 w_l2 w_l3 w_total
"""


def test_battery_tells_charge_current_and_temperature() -> None:
    """The recorded keys; ampere-hours times volts are the energy, the current is positive while charging."""
    with running_simulator(initial_soc=0.5) as simulator:
        simulator.put("/api/v1/setpoint/charge/2000")
        simulator.clock.advance(15)
        told, status = call(simulator, "GET", "battery").json, simulator.status()
    assert list(told) == sorted(BATTERY_KEYS.split())
    assert all(isinstance(value, float) for value in told.values())
    assert told["relativestateofcharge"] == status["RSOC"]
    assert told["remainingcapacity"] * told["systemdcvoltage"] == pytest.approx(
        status["RemainingCapacity_Wh"], rel=0.01
    )
    assert told["systemcurrent"] * told["systemdcvoltage"] == pytest.approx(2000, rel=0.01)
    assert 15 < told["minimumcelltemperature"] < told["maximumcelltemperature"] < 30


def test_inverter_tells_both_sides() -> None:
    """The recorded keys; ``pac_total`` has the status's sign, the voltages are those of the status."""
    with running_simulator() as simulator:
        simulator.put("/api/v1/setpoint/discharge/1438")
        simulator.clock.advance(15)
        told, status = call(simulator, "GET", "inverter").json, simulator.status()
    assert list(told) == INVERTER_KEYS.split()
    assert told["pac_total"] == pytest.approx(1438, abs=5)
    assert told["iac_total"] * told["uac"] == pytest.approx(told["sac_total"], rel=0.01)
    assert round(told["ubat"]) == status["Ubat"]
    assert told["tmax"] > 20


def test_power_meters_tell_sun_and_house() -> None:
    """One entry for production and one for consumption, of the recorded keys, with energies that count up."""
    with running_simulator(load_w=700.0, production_w=1200.0) as simulator:
        simulator.clock.advance(2 * 3600)
        sun, house = call(simulator, "GET", "powermeter").json
    assert set(sun) == set(house) == set(METER_KEYS.split())
    assert (sun["direction"], sun["w_total"], sun["kwh_imported"]) == ("production", 1200.0, pytest.approx(2.4))
    assert (house["direction"], house["w_total"], house["kwh_imported"]) == ("consumption", 700.0, pytest.approx(1.4))


@pytest.mark.parametrize("path", ["battery", "powermeter", "inverter", "io", "latestdata", "status"])
def test_what_only_tells_takes_no_writing(path: str) -> None:
    """A path that only tells something answers 405 to every other method."""
    with running_simulator() as simulator:
        assert call(simulator, "PUT", path).status == 405


def test_outputs_have_no_recorded_content() -> None:
    """The path of inputs and outputs is there; what a unit answers was never recorded, so it is an empty object."""
    with running_simulator() as simulator:
        assert call(simulator, "GET", "io").json == {}


def test_schedule_is_kept() -> None:
    """A time-of-use schedule is stored as the text it came as."""
    schedule = '[{"start":"10:00","stop":"11:00","threshold_p_max":20000}]'
    with running_simulator() as simulator:
        assert call(simulator, "PUT", "configurations", f"EM_ToU_Schedule={schedule}").status == 200
        assert call(simulator, "GET", "configurations/EM_ToU_Schedule").json == {"EM_ToU_Schedule": schedule}


def test_reasons_name_who_has_priority() -> None:
    """Latestdata says why a setpoint is not obeyed: battery care, empty, full."""
    with running_simulator(initial_soc=0.0) as simulator:
        call(simulator, "POST", "setpoint/discharge/1000")
        simulator.clock.advance(30)
        status = call(simulator, "GET", "latestdata").json["ic_status"]
        assert status["Setpoint Priority"]["Min User SOC"] is True
        assert status["Setpoint Priority"]["Energy Manager"] is False
        simulator.house.set_battery_care(True)
        status = call(simulator, "GET", "latestdata").json["ic_status"]
        assert status["Setpoint Priority"]["Full Charge Request"] is True
        assert status["MISC Status Bits"]["Discharge not allowed"] is True


def test_options_of_older_and_of_guarded_units() -> None:
    """Older units answer 200 to a setpoint; one without Write API refuses writes; some give the status to anyone."""
    for options, token, method, path, status in (
        (V2Options(setpoint_status=200), "simulated", "POST", "setpoint/charge/1", 200),
        (V2Options(unauthorized_is_empty=True), "wrong", "GET", "status", 200),
        (V2Options(write_enabled=False), "simulated", "POST", "setpoint/charge/1", 403),
        (V2Options(status_needs_token=False), "", "GET", "status", 200),
    ):
        house = make_house()
        with SimulatorServer(house, firmware=Firmware.Y2025, quirks=Quirks(), v2_options=options) as server:
            assert call(RunningSimulator(server, house), method, path, token=token).status == status


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "setpoint/charge/1"), ("DELETE", "configurations"), ("POST", "status")]
)
def test_wrong_methods_are_405(method: str, path: str) -> None:
    """A method that a path does not know answers 405."""
    with running_simulator() as simulator:
        assert call(simulator, method, path).status == 405


def test_unknown_path_is_404() -> None:
    """A path that does not exist answers 404."""
    with running_simulator() as simulator:
        assert call(simulator, "GET", "nothing").status == 404
