"""Every scripted fault is seen by whoever talks to the simulator."""

from __future__ import annotations

import gzip
import json
import socket
from datetime import timedelta
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.sonnen_v1 import SonnenV1
from optimizer.errors import DeviceTimeout
from optimizer.simulator.fault import Fault, FaultKind, Target
from support.simulator import START, RunningSimulator, make_house, running_simulator


def fault(kind: FaultKind, **others: Any) -> Fault:
    common = {key: others.pop(key) for key in list(others) if key in Fault.__dataclass_fields__}
    return Fault(name=kind.value, kind=kind, parameters=others, **common)


def after(seconds: float) -> dict[str, Any]:
    return {"start": START + timedelta(seconds=seconds)}


@pytest.mark.parametrize(
    ("kind", "parameters", "pattern"),
    [
        (FaultKind.NULL, {"key": "USOC"}, b'"USOC":null'),
        (FaultKind.NAN, {"key": "Pac_total_W"}, b'"Pac_total_W":NaN'),
        (FaultKind.HUGE_NUMBER, {"key": "RSOC"}, b'"RSOC":1e999'),
        (FaultKind.VALUE, {"key": "USOC", "value": 255}, b'"USOC":255'),
        (FaultKind.VALUE, {"key": "USOC", "value": -1}, b'"USOC":-1'),
        (FaultKind.VALUE, {"key": "Production_W", "value": 200_000}, b'"Production_W":200000'),
        (FaultKind.WRONG_TYPES, {}, b'"USOC":[{"value":50}]'),
        (FaultKind.NUMBERS_AS_TEXT, {}, b'"USOC":"50"'),
        (FaultKind.DUPLICATE_KEY, {"key": "USOC"}, b'"USOC":50,"Uac"'),
        (FaultKind.HTML, {}, b"<html>"),
    ],
)
def test_values_are_falsified(kind: FaultKind, parameters: dict[str, Any], pattern: bytes) -> None:
    """What is said is wrong in the way the script asks for."""
    with running_simulator(faults=[fault(kind, **parameters)]) as simulator:
        answer = simulator.get()
    assert pattern in answer.body
    assert answer.status == 200


def test_duplicate_and_missing_keys() -> None:
    """A key occurs twice with different values, or not at all."""
    with running_simulator(faults=[fault(FaultKind.DUPLICATE_KEY, key="USOC")]) as simulator:
        assert simulator.get().body.count(b'"USOC":') == 2
    with running_simulator(faults=[fault(FaultKind.MISSING_KEY, key="Pac_total_W")]) as simulator:
        assert "Pac_total_W" not in simulator.status()


def test_all_null() -> None:
    """Without a key every value is null."""
    with running_simulator(faults=[fault(FaultKind.NULL)]) as simulator:
        assert set(simulator.status().values()) == {None}


def test_empty_and_nested_bodies() -> None:
    """The body is empty, or nested deeper than a parser should follow."""
    with running_simulator(faults=[fault(FaultKind.EMPTY)]) as simulator:
        assert simulator.get().body == b""
    with running_simulator(faults=[fault(FaultKind.NESTED, depth=3000)]) as simulator:
        assert simulator.get().body == b"[" * 3000 + b"]" * 3000


def test_truncated_body_promises_the_whole() -> None:
    """Half of the body comes under the length of the whole."""
    with running_simulator(faults=[fault(FaultKind.TRUNCATED)]) as simulator, pytest.raises(IncompleteRead):
        simulator.get()


def exchange(connection: socket.socket) -> bytes:
    """Ask for the status on an open connection and return what comes."""
    connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection.recv(65_536)


def test_length_that_is_too_short_cuts_the_answer_and_spoils_the_next() -> None:
    """A client that believes the length reads half a body, and finds the other half before the next answer."""
    with running_simulator(firmware="2016", faults=[fault(FaultKind.LENGTH_TOO_SHORT, last_request=1)]) as simulator:
        with pytest.raises(json.JSONDecodeError):
            simulator.status()
        simulator.server.faults.add(fault(FaultKind.LENGTH_TOO_SHORT, last_request=1))
        with socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=5) as connection:
            answers = (exchange(connection) + exchange(connection)).split(b"\r\n\r\n")
        whole = simulator.get().body
    length = int(answers[0].split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert length == len(whole) // 2
    assert answers[1] == whole + answers[1][len(whole) :]
    assert answers[1][length:].startswith(whole[length:] + b"HTTP/1.1 200 OK")


def test_length_that_is_too_long_leaves_the_client_waiting() -> None:
    """The body is whole and parses, but a client that believes the length waits for as much again."""
    with running_simulator(firmware="2016", faults=[fault(FaultKind.LENGTH_TOO_LONG)]) as simulator:
        with socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=1) as connection:
            head, body = exchange(connection).split(b"\r\n\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
        with pytest.raises(DeviceTimeout):
            SonnenV1(host="127.0.0.1", port=simulator.server.v1_port, clock=simulator.clock, deadline_s=0.5).read()
    assert f"Content-Length: {2 * len(body)}".encode() in head
    assert json.loads(body)["IsSystemInstalled"] == 1


def test_idle_connection_is_reset() -> None:
    """A kept connection that is used at once lives; one that idles is reset, outside of any outage."""
    with (
        running_simulator(faults=[fault(FaultKind.IDLE_RESET, idle_s=0.5)]) as simulator,
        socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=10) as connection,
    ):
        assert exchange(connection).startswith(b"HTTP/1.1 200 OK")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)  # nothing is asked: the next that comes is the reset
        assert simulator.get().status == 200


def test_connection_in_use_is_not_reset() -> None:
    """Requests that follow each other within the time share one connection."""
    with (
        running_simulator(faults=[fault(FaultKind.IDLE_RESET, idle_s=30)]) as simulator,
        socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=10) as connection,
    ):
        answers = [exchange(connection) for _ in range(3)]
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


def test_reset_in_mid_body() -> None:
    """The connection is reset after half of the body."""
    with running_simulator(faults=[fault(FaultKind.RESET)]) as simulator, pytest.raises((OSError, HTTPException)):
        simulator.get()


def test_refused_while_the_port_is_closed() -> None:
    """Within its time the port is closed; before and after it is open, and the setpoint stands."""
    faults = [fault(FaultKind.REFUSE, start=START + timedelta(seconds=60), end=START + timedelta(seconds=120))]
    with running_simulator(faults=faults) as simulator:
        simulator.put("/api/v1/setpoint/charge/600")
        simulator.clock.advance(60)
        with pytest.raises(ConnectionRefusedError):
            simulator.get()
        simulator.clock.advance(60)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-600, abs=4)


def test_hang_accepts_and_never_answers() -> None:
    """The connection is accepted and nothing comes."""
    with running_simulator(faults=[fault(FaultKind.HANG)]) as simulator:
        with socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=0.3) as connection:
            connection.sendall(b"PUT /api/v1/setpoint/charge/5 HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
        assert simulator.house.setpoint_w is None
        assert simulator.server.log.entries[0].status is None


def test_drip_comes_byte_by_byte() -> None:
    """The answer is whole in the end, one byte at a time."""
    with running_simulator(firmware="2016", faults=[fault(FaultKind.DRIP, interval_s=0.0005)]) as simulator:
        assert simulator.status()["USOC"] == 50


def test_slow_answer_is_whole() -> None:
    """A slow unit answers late and right."""
    with running_simulator(faults=[fault(FaultKind.SLOW, delay_s=0.05)]) as simulator:
        assert simulator.status()["USOC"] == 50


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 503])
def test_http_status_on_everything(code: int) -> None:
    """Any HTTP status can be scripted; what is refused does not happen."""
    with running_simulator(faults=[fault(FaultKind.HTTP_STATUS, status=code)]) as simulator:
        assert simulator.get().status == code
        assert simulator.put("/api/v1/setpoint/charge/100").status == code
        assert simulator.house.setpoint_w is None


def test_redirect_leads_away() -> None:
    """A redirect names another place; following it is the client's mistake."""
    with running_simulator(faults=[fault(FaultKind.REDIRECT, location="http://127.0.0.1:9/x")]) as simulator:
        answer = simulator.get()
    assert (answer.status, answer.headers["Location"]) == (302, "http://127.0.0.1:9/x")


def test_gzip_bomb_is_small_on_the_wire() -> None:
    """A few kilobytes on the wire unpack to megabytes."""
    with running_simulator(faults=[fault(FaultKind.GZIP_BOMB, megabytes=3)]) as simulator:
        answer = simulator.get()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 10_000
    assert len(gzip.decompress(answer.body)) == 3_000_000


def test_answer_is_lost_after_the_write_took_effect() -> None:
    """The setpoint stands although its answer never came; the next request is answered."""
    with running_simulator(faults=[fault(FaultKind.ANSWER_LOST, on=Target.WRITES, last_request=1)]) as simulator:
        with pytest.raises((OSError, HTTPException)):
            simulator.put("/api/v1/setpoint/charge/1200")
        assert simulator.house.setpoint_w == 1200
        assert simulator.put("/api/v1/setpoint/charge/0").status == 200


def test_requests_are_counted_per_fault() -> None:
    """The third and fourth read fail; writes neither fail nor count."""
    faults = [fault(FaultKind.HTTP_STATUS, status=500, on=Target.READS, first_request=3, last_request=4)]
    with running_simulator(faults=faults) as simulator:
        statuses = []
        for _ in range(5):
            statuses.append(simulator.get().status)
            assert simulator.put("/api/v1/setpoint/charge/1").status == 200
    assert statuses == [200, 200, 500, 500, 200]


def test_frozen_status_repeats_the_first() -> None:
    """Timestamp and values stand still while the battery moves on."""
    with running_simulator(faults=[fault(FaultKind.FROZEN_STATUS)]) as simulator:
        before = simulator.get().body
        simulator.put("/api/v1/setpoint/charge/3000")
        simulator.clock.advance(600)
        assert simulator.get().body == before
        assert simulator.house.battery_power_w == pytest.approx(3000, abs=4)


def test_accepted_but_not_followed() -> None:
    """Commands are acknowledged with code 0; the battery rests."""
    with running_simulator(faults=[fault(FaultKind.NOT_FOLLOWED)]) as simulator:
        assert simulator.put("/api/v1/setpoint/charge/3000").json == {"ReturnCode": "0"}
        simulator.clock.advance(30)
        assert simulator.status()["Pac_total_W"] == -5


def test_derated_inverter_gives_less_than_it_accepts() -> None:
    """In the heat 4 kW are acknowledged and half of the inverter's 4.6 kW flow; afterwards all."""
    end = START + timedelta(seconds=60)
    with running_simulator(faults=[fault(FaultKind.DERATED, share=0.5, end=end)]) as simulator:
        assert simulator.put("/api/v1/setpoint/charge/4000").json == {"ReturnCode": "0"}
        simulator.clock.advance(30)
        assert simulator.status()["Pac_total_W"] == -2300
        simulator.clock.advance(40)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-4000, abs=4)


def test_restart_refuses_then_bad_gateway_then_back() -> None:
    """The nightly restart as a fault: refused, 502 with HTML, back without the setpoint."""
    with running_simulator(
        faults=[fault(FaultKind.RESTART, **after(60), refusing_s=30, bad_gateway_s=30)]
    ) as simulator:
        simulator.put("/api/v1/setpoint/charge/1000")
        simulator.clock.advance(60)
        with pytest.raises(ConnectionRefusedError):
            simulator.get()
        simulator.clock.advance(30)
        answer = simulator.get()
        assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")
        simulator.clock.advance(30)
        assert simulator.status()["Pac_total_W"] == -5
        assert simulator.house.mode is DeviceMode.MANUAL


def test_battery_care_and_islanding_show_in_the_status() -> None:
    """Care says dischargeNotAllowed and charges; an island says OffGrid, Uac 0."""
    faults = [fault(FaultKind.BATTERY_CARE, **after(60)), fault(FaultKind.OFF_GRID, **after(600))]
    with running_simulator(firmware="2025", faults=faults) as simulator:
        simulator.put("/api/v1/setpoint/discharge/1000")
        simulator.clock.advance(90)
        status = simulator.status()
        assert status["dischargeNotAllowed"] is True
        assert status["Pac_total_W"] < -4000
        simulator.clock.advance(600)
        status = simulator.status()
        assert (status["SystemStatus"], status["Uac"], status["GridFeedIn_W"]) == ("OffGrid", 0, 0)


def test_somebody_else_commands() -> None:
    """Another controller sets mode and watts at its own time."""
    faults = [
        fault(FaultKind.FOREIGN_SETPOINT, **after(30), power_w=-2500),
        fault(FaultKind.FOREIGN_MODE, **after(90), mode=2),
    ]
    with running_simulator(faults=faults) as simulator:
        simulator.put("/api/v1/setpoint/charge/100")
        simulator.clock.advance(60)
        assert simulator.status()["Pac_total_W"] == pytest.approx(2500, abs=4)
        simulator.clock.advance(60)
        assert simulator.status()["OperatingMode"] == "2"


def test_clock_skew_moves_the_unit_s_time() -> None:
    """The unit's own clock is an hour ahead until the fault ends."""
    end = START + timedelta(seconds=60)
    with running_simulator(faults=[fault(FaultKind.CLOCK_SKEW, seconds=3600, end=end)]) as simulator:
        assert simulator.status()["Timestamp"] == "2016-05-02 13:00:00"
        simulator.clock.advance(60)
        assert simulator.status()["Timestamp"] == "2016-05-02 12:01:00"


def poll(simulator: RunningSimulator, interval_s: float, times: int) -> None:
    for _ in range(times):
        simulator.clock.advance(interval_s)
        simulator.get()


def test_unit_crashes_when_polled_every_second() -> None:
    """Ten polls a second apart restart the unit; ten polls five seconds apart do not."""
    crash = fault(FaultKind.CRASH_WHEN_POLLED_FAST, requests=10)
    with running_simulator(faults=[crash]) as simulator:
        poll(simulator, 5, 12)
        poll(simulator, 1, 8)
        with pytest.raises((OSError, HTTPException)):
            poll(simulator, 1, 2)


def test_faults_can_be_added_and_cleared_while_running() -> None:
    """A test may let a fault loose and end it again."""
    with running_simulator() as simulator:
        simulator.server.faults.add(fault(FaultKind.OFF_GRID))
        simulator.clock.advance(1)
        assert simulator.status()["SystemStatus"] == "OffGrid"
        simulator.server.faults.clear()
        assert simulator.status()["SystemStatus"] == "OnGrid"


def test_state_fault_may_last_for_some_requests() -> None:
    """An island from the second to the third request."""
    with running_simulator(faults=[fault(FaultKind.OFF_GRID, first_request=2, last_request=3)]) as simulator:
        states = [simulator.status()["SystemStatus"] for _ in range(4)]
    assert states == ["OnGrid", "OffGrid", "OffGrid", "OnGrid"]


def test_fault_of_one_face_leaves_the_other_alone() -> None:
    """V1 answers 404 to everything while V2 works, as after an update that closed port 8080."""
    with running_simulator(faults=[fault(FaultKind.HTTP_STATUS, status=404, face="v1")]) as simulator:
        assert simulator.get().status == 404
        assert simulator.request("GET", "/api/v2/status", face="v2").status == 200


def test_log_names_the_fault() -> None:
    """Each request is kept with its time, answer, fault and the state afterwards."""
    with running_simulator(
        make_house(mode=DeviceMode.MANUAL), faults=[fault(FaultKind.HTML, on=Target.READS)]
    ) as simulator:
        simulator.get()
        simulator.clock.advance(7)
        simulator.put("/api/v1/setpoint/charge/50")
        read, write = simulator.server.log.entries
    assert (read.fault, read.method, read.path, read.status) == ("html", "GET", "/api/v1/status", 200)
    assert (write.fault, write.setpoint_w, write.mode, write.is_write) == (None, 50, 1, True)
    assert (write.at - read.at).total_seconds() == 7
    assert json.dumps([read.number, write.number]) == "[1, 2]"


def test_virtual_power_plant_takes_over() -> None:
    """V1 acknowledges and is not heard; V2 says that the virtual power plant has priority."""
    end = START + timedelta(seconds=120)
    with running_simulator(faults=[fault(FaultKind.VPP, power_w=-1000, end=end)]) as simulator:
        assert simulator.put("/api/v1/setpoint/charge/2000").json == {"ReturnCode": "0"}
        simulator.clock.advance(30)
        assert simulator.status()["Pac_total_W"] == pytest.approx(1000, abs=4)
        answer = simulator.request("POST", "/api/v2/setpoint/charge/2000", face="v2")
        assert (answer.status, answer.json) == (403, {"error": "VPP has priority"})
        simulator.clock.advance(120)
        assert simulator.status()["Pac_total_W"] == pytest.approx(-2000, abs=4)


def test_return_code_in_a_200() -> None:
    """A return code comes in place of the status, with HTTP 200."""
    with running_simulator(faults=[fault(FaultKind.RETURN_CODE, code=16)]) as simulator:
        answer = simulator.get()
    assert (answer.status, answer.json) == (200, {"ReturnCode": "16"})


@pytest.mark.parametrize(
    ("style", "status", "body"),
    [
        ("ok_with_body", 200, b'{"ReturnCode":"13"}'),
        ("status_with_body", 500, b'{"ReturnCode":"13"}'),
        ("status_only", 500, b""),
    ],
)
def test_injected_return_code_travels_in_each_way(style: str, status: int, body: bytes) -> None:
    """Code 13 comes with HTTP 200, with 500 and a body, or with 500 alone; the command does not happen."""
    with running_simulator(faults=[fault(FaultKind.RETURN_CODE, code=13, style=style)]) as simulator:
        answer = simulator.put("/api/v1/setpoint/charge/900")
        assert (answer.status, answer.body, simulator.house.setpoint_w) == (status, body, None)


def test_somebody_else_sets_the_reserve() -> None:
    """The app changes the backup buffer at its own time, and automatic mode keeps it."""
    faults = [fault(FaultKind.FOREIGN_RESERVE, **after(30), soc=0.6)]
    with running_simulator(faults=faults, mode=DeviceMode.AUTOMATIC, initial_soc=0.5) as simulator:
        simulator.clock.advance(20)
        assert (simulator.status()["BackupBuffer"], simulator.status()["Pac_total_W"] > 300) == ("0", True)
        simulator.clock.advance(60)
        assert (simulator.status()["BackupBuffer"], simulator.status()["Pac_total_W"]) == ("60", -5)


def test_hot_room_derates_as_the_battery_warms() -> None:
    """Heat from the script takes power away slowly; see the tests of heat for its physics."""
    with running_simulator(faults=[fault(FaultKind.AMBIENT, celsius=70)]) as simulator:
        simulator.put("/api/v1/setpoint/discharge/4600")
        powers = []
        for _ in range(8):
            simulator.clock.advance(900)
            powers.append(simulator.status()["Pac_total_W"])
    assert powers[0] == 4600
    assert powers[-1] < powers[3] < 4600


def test_every_kind_of_fault_is_tested_here() -> None:
    """No kind can be added without a test in this file."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind.name for kind in FaultKind if f"FaultKind.{kind.name}" not in text] == []
