"""The user's document, point by point; each test names the point it holds."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.fault import Fault, FaultKind
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.return_codes import ErrorStyle
from support.simulator import make_house, running_simulator

SAMPLE = (
    b'{"Consumption_W":0,"Fac":0,"IsSystemInstalled":1,"Pac total_W":0,"Production_W":0,"RSOC":0,'
    b'"Timestamp":"2016-06-13 11:52:20","USOC":0,"Uac":0,"Ubat":0}'
)
STATUS_FIELDS = {
    "Consumption_W": int,
    "Production_W": int,
    "Pac_total_W": int,
    "RSOC": int,
    "USOC": int,
    "Fac": float,
    "Uac": int,
    "Ubat": int,
    "Timestamp": str,
    "IsSystemInstalled": int,
}


def raw_exchange(port: int, request: bytes) -> bytes:
    """Send bytes and return all that comes until the peer closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def test_each_request_and_response_is_http_1_1() -> None:
    """Section 2: each request and response is HTTP 1.1 compliant, so one connection serves several requests."""
    with running_simulator() as simulator:
        request = b"GET /api/v1/status HTTP/1.1\r\nHost: battery\r\n\r\n"
        last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        answer = raw_exchange(simulator.server.v1_port, request + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_request_url_is_api_and_a_path_on_the_device() -> None:
    """Section 2.1: the request URL is http://[DEVICE IP]:8080/api/[PATH]; anything else is an invalid path."""
    with running_simulator() as simulator:
        assert simulator.get("/api/v1/status").status == 200
        assert simulator.get("/v1/status").json == {"ReturnCode": "5"}


@pytest.mark.parametrize(("direction", "sign"), [("charge", -1), ("discharge", 1)])
def test_power_is_controlled_by_setting_a_setpoint_in_watts(direction: str, sign: int) -> None:
    """Section 2.2: charging and discharging power is controlled by a setpoint in watts, by HTTP PUT."""
    with running_simulator() as simulator:
        simulator.put(f"/api/v1/setpoint/{direction}/1000")
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == pytest.approx(sign * 1000, abs=5)


def test_setpoint_is_kept_until_a_new_one() -> None:
    """Section 2.2: the setpoint is kept until the battery receives a new charging or discharging value."""
    with running_simulator() as simulator:
        simulator.put("/api/v1/setpoint/charge/500")
        simulator.clock.advance(3 * 3600)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-500, abs=5)
        simulator.put("/api/v1/setpoint/discharge/700")
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == pytest.approx(700, abs=5)


@pytest.mark.parametrize("version", ["v1", "V1"])
@pytest.mark.parametrize("direction", ["charge", "discharge"])
def test_setpoint_paths_are_those_of_text_and_of_example(version: str, direction: str) -> None:
    """Section 2.2: the text writes api/V1/setpoint/..., the example api/v1/setpoint/...; both are understood."""
    with running_simulator() as simulator:
        assert simulator.put(f"/api/{version}/setpoint/{direction}/1000").json == {"ReturnCode": "0"}
        assert abs(simulator.house.setpoint_w or 0) == 1000


def test_upper_case_path_is_invalid_on_a_strict_unit() -> None:
    """Section 2.2: a unit that takes the example's case only answers code 5 to the other and does nothing."""
    with running_simulator(quirks=Quirks(strict_path_case=True)) as simulator:
        assert simulator.put("/api/V1/setpoint/charge/1000").json == {"ReturnCode": "5"}
        assert simulator.house.setpoint_w is None


def test_setpoint_reply_is_the_example_s_byte_for_byte() -> None:
    """Section 2.2: the example's reply is 200 OK, Content-Length 18, text/html; charset=UTF-8."""
    request = (
        b"PUT /api/v1/setpoint/charge/1000 HTTP/1.1\r\nUser-Agent: curl/7.35.0\r\n"
        b"Host: 192.168.33.185:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    with running_simulator() as simulator:
        answer = raw_exchange(simulator.server.v1_port, request)
    assert answer == (
        b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n{"ReturnCode":"0"}'
    )


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/status"])
def test_status_is_json_by_get(path: str) -> None:
    """Section 2.3: the status is retrieved by GET and is JSON; the text says api/status, the example api/v1/status."""
    with running_simulator() as simulator:
        answer = simulator.get(path)
    assert answer.headers["Content-Type"] == "application/json"
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize(("name", "kind"), STATUS_FIELDS.items())
def test_status_has_the_fields_of_table_2_3(name: str, kind: type) -> None:
    """Table 2.3: every field is there, under its name and of its kind."""
    with running_simulator(firmware="2016") as simulator:
        status = simulator.status()
    assert type(status[name]) is kind
    assert set(status) == set(STATUS_FIELDS)


def test_consumption_and_production_are_house_and_pv() -> None:
    """Table 2.3: Consumption_W is the house's consumption, Production_W the PV's, both in watts."""
    with running_simulator(load_w=812.0, production_w=2345.0) as simulator:
        status = simulator.status()
    assert (status["Consumption_W"], status["Production_W"]) == (812, 2345)


def test_states_of_charge_are_relative_and_user() -> None:
    """Table 2.3: RSOC is the relative state of charge, USOC that of the user's window inside it."""
    with running_simulator(initial_soc=0.0) as simulator:
        status = simulator.status()
    assert (status["RSOC"], status["USOC"]) == (7, 0)


def test_frequency_and_voltages_are_plausible() -> None:
    """Table 2.3: Fac in hertz, Uac and Ubat in volts."""
    with running_simulator() as simulator:
        status = simulator.status()
    assert status["Fac"] == pytest.approx(50, abs=0.2)
    assert status["Uac"] == pytest.approx(230, abs=15)
    assert status["Ubat"] == pytest.approx(51, abs=5)


def test_timestamp_is_the_system_time() -> None:
    """Table 2.3: Timestamp is the system's time: local, without a zone, in the sample's form."""
    with running_simulator() as simulator:
        assert simulator.status()["Timestamp"] == "2016-05-02 12:00:00"


def test_status_sample_is_met_byte_for_byte() -> None:
    """Section 2.3: the sample with zeros is compact JSON of 151 bytes under Content-Length 151."""
    clock = SimulatedClock(datetime(2016, 6, 13, 9, 52, 20, tzinfo=UTC))
    quirks = Quirks(space_in_pac=True, not_measuring=True)
    request = b"GET /api/v1/status HTTP/1.1\r\nHost: 192.168.33.185:8080\r\nConnection: close\r\n\r\n"
    with running_simulator(make_house(clock=clock), firmware="2016", quirks=quirks) as simulator:
        answer = raw_exchange(simulator.server.v1_port, request)
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 151\r\nContent-Type: application/json\r\n\r\n" + SAMPLE


def test_sample_of_the_document_is_the_compact_form_of_its_pretty_one() -> None:
    """Section 2.3: the 151 bytes hold the ten pairs that the document prints, in its order."""
    pretty = {"Consumption_W": 0, "Fac": 0, "IsSystemInstalled": 1, "Pac total_W": 0, "Production_W": 0, "RSOC": 0}
    pretty |= {"Timestamp": "2016-06-13 11:52:20", "USOC": 0, "Uac": 0, "Ubat": 0}  # type: ignore[dict-item]
    assert json.dumps(pretty, separators=(",", ":")).encode() == SAMPLE


@pytest.mark.parametrize(
    ("method", "path", "code", "http_status"),
    [
        ("PUT", "/api/v1/setpoint/charge/1000", 0, 200),
        ("GET", "/api/v1/stauts", 5, 404),
        ("POST", "/api/v1/setpoint/charge/1000", 16, 405),
        ("DELETE", "/api/v1/status", 16, 405),
    ],
)
@pytest.mark.parametrize("style", ErrorStyle)
def test_return_codes_of_table_3(method: str, path: str, code: int, http_status: int, style: ErrorStyle) -> None:
    """Table 3: 0 received, 5 invalid path, 16 invalid method, in each of the three ways they may travel."""
    with running_simulator(quirks=Quirks(error_style=style)) as simulator:
        answer = simulator.request(method, path)
    assert answer.status == (200 if style is ErrorStyle.OK_WITH_BODY else http_status)
    if style is ErrorStyle.STATUS_ONLY and code:
        assert answer.body == b""
    else:
        assert answer.json == {"ReturnCode": str(code)}


def test_return_code_13_is_an_internal_error() -> None:
    """Table 3: 13 is an internal error; it is injected, and the command does not happen."""
    fault = Fault(name="inside", kind=FaultKind.RETURN_CODE, parameters={"code": 13})
    with running_simulator(faults=[fault]) as simulator:
        assert simulator.put("/api/v1/setpoint/charge/1000").json == {"ReturnCode": "13"}
        assert simulator.house.setpoint_w is None


def test_return_code_may_be_a_number() -> None:
    """Table 3: the document shows no body, so the code may be a number instead of text."""
    with running_simulator(quirks=Quirks(code_as_number=True)) as simulator:
        assert simulator.put("/api/v1/setpoint/charge/10").body == b'{"ReturnCode":0}'


def test_manual_mode_is_what_the_document_describes() -> None:
    """Section 2.2 holds in manual mode only: in automatic mode a setpoint lasts about 20 s."""
    with running_simulator(mode=DeviceMode.AUTOMATIC) as simulator:
        simulator.put("/api/v1/setpoint/charge/2000")
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-2000, abs=5)
        simulator.clock.advance(15)
        assert simulator.status()["Pac_total_W"] == pytest.approx(370, abs=5)
