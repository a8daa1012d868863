"""The server around the faces: ports, connections, log, and the real adapters against it."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading

import pytest

from optimizer.clock import SimulatedClock, WallClock
from optimizer.devices.port import BatteryDevice
from optimizer.devices.simulated.device import SimulatedDevice
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.sonnen_v1 import SonnenV1
from optimizer.devices.sonnen_v2 import SonnenV2
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.errors import DeviceUnreachable, ExternalControl, SimulatorError
from optimizer.simulator.request_log import RequestLog
from optimizer.simulator.scaled_clock import ScaledClock
from optimizer.simulator.server import SimulatorServer
from support.simulator import START, TOKEN, make_house, running_simulator


def adapter(kind: str, server: SimulatorServer, house: SimulatedHouse) -> BatteryDevice:
    if kind == "v1":
        return SonnenV1(host="127.0.0.1", port=server.v1_port, clock=house.clock, mode_control=True)
    if kind == "v2":
        return SonnenV2(host="127.0.0.1", port=server.v2_port, token=TOKEN, clock=house.clock)
    return SimulatedDevice(house)


@pytest.mark.parametrize("kind", ["v1", "v2", "in process"])
@pytest.mark.parametrize("power_w", [1500.0, -1500.0, 0.0])
def test_every_door_has_the_same_signs(kind: str, power_w: float) -> None:
    """Through V1, V2 and in process a charge is a positive power, a discharge a negative one."""
    with running_simulator(mode=DeviceMode.AUTOMATIC, load_w=700.0, production_w=200.0) as simulator:
        device = adapter(kind, simulator.server, simulator.house)
        device.read()
        device.apply(Power(power_w))
        simulator.clock.advance(15)
        measurement = device.read()
        assert measurement.battery_power_w == pytest.approx(power_w, abs=6)
        assert (measurement.consumption_w, measurement.production_w) == (700, 200)
        assert measurement.grid_power_w == pytest.approx(500 + measurement.battery_power_w, abs=7)
        assert measurement.mode is OperatingMode.MANUAL
        device.apply(Automatic())
        simulator.clock.advance(15)
        assert device.read().mode is OperatingMode.AUTOMATIC
        assert simulator.house.setpoint_w == 0
        device.close()


@pytest.mark.parametrize("kind", ["v1", "v2", "in process"])
def test_every_door_is_shut_during_a_restart(kind: str) -> None:
    """While the unit restarts every adapter says that it is unreachable."""
    with running_simulator() as simulator:
        device = adapter(kind, simulator.server, simulator.house)
        simulator.house.restart(refusing_s=60, bad_gateway_s=60)
        simulator.clock.advance(1)
        with pytest.raises(DeviceUnreachable):
            device.read()
        simulator.clock.advance(60)
        with pytest.raises(DeviceUnreachable):
            device.read()
        simulator.clock.advance(60)
        assert device.read().soc == 0.5


@pytest.mark.parametrize("kind", ["v2", "in process"])
def test_virtual_power_plant_is_told(kind: str) -> None:
    """Where the unit tells, a command under a virtual power plant fails as external control."""
    with running_simulator() as simulator:
        device = adapter(kind, simulator.server, simulator.house)
        device.read()
        simulator.house.set_vpp_power(500.0)
        with pytest.raises(ExternalControl):
            device.apply(Power(100.0))


def test_connection_serves_many_requests_and_is_reset_by_a_restart() -> None:
    """Keep-alive works; a restart resets the idle connection."""
    request = b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        running_simulator() as simulator,
        socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=5) as connection,
    ):
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        simulator.house.restart()
        simulator.clock.advance(1)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01 tls\r\n\r\n", b"GET /\r\n\r\n", b"PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_not_http_gets_400(garbage: bytes) -> None:
    """Garbage is answered with 400 and a closed connection; the server lives on."""
    with running_simulator() as simulator:
        with socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=5) as connection:
            connection.sendall(garbage)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
            assert connection.recv(1) == b""
        assert simulator.get().status == 200


def test_many_threads_may_ask_at_once() -> None:
    """Eight clients in parallel each get whole answers, and every request is logged once."""
    with running_simulator() as simulator:
        answers: list[int] = []

        def ask() -> None:
            answers.extend(simulator.get().status for _ in range(10))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        numbers = [entry.number for entry in simulator.server.log.entries]
    assert answers == [200] * 80
    assert sorted(numbers) == list(range(1, 81))


def test_taken_port_is_an_error_that_says_so() -> None:
    """A port in use is named, with what to do; nothing of the server stays open."""
    with running_simulator() as simulator:
        other = SimulatorServer(make_house(), v1_port=0, v2_port=simulator.server.v1_port)
        with pytest.raises(SimulatorError, match="choose another port"):
            other.start()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", other.v1_port), timeout=5)


def test_face_may_be_left_away() -> None:
    """Without a V2 port there is no V2 face."""
    with SimulatorServer(make_house(), v2_port=None) as server:
        with pytest.raises(RuntimeError, match="left away"):
            server.v2_port  # noqa: B018
        with socket.create_connection(("127.0.0.1", server.v1_port), timeout=5) as connection:
            connection.sendall(b"GET /api/v2/status HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert b" 404 " in connection.recv(65_536).split(b"\r\n", 1)[0]


def test_stopping_leaves_no_thread() -> None:
    """After the server stopped, its threads are gone, those of open connections too."""
    before = threading.active_count()
    with running_simulator() as simulator:
        connection = socket.create_connection(("127.0.0.1", simulator.server.v1_port), timeout=5)
        connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(16)
    connection.close()
    assert threading.active_count() == before


def test_port_closes_on_a_running_clock_too() -> None:
    """On a clock that runs by itself the port closes without anybody asking."""
    house = make_house(clock=ScaledClock(speed=1000.0, start=START))
    with SimulatorServer(house) as server:
        house.restart(refusing_s=1e9)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", server.v1_port), timeout=1).close()
            except ConnectionRefusedError:
                break
            except ConnectionResetError:
                pass  # caught the port while it was closing
            WallClock().wait(0.05, threading.Event())
        else:
            pytest.fail("the port stayed open")


def test_log_is_written_as_json_lines_and_bounded_in_memory() -> None:
    """Every request is a line of JSON in the file; memory keeps the last ones and the count."""
    file = io.StringIO()
    with SimulatorServer(make_house(), log_file=file, log_size=2) as server:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.v1_port), timeout=5) as connection:
                connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\n")
                assert connection.recv(65_536)
        assert (server.log.count, len(server.log.entries)) == (3, 2)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert lines[0]["at"] == "2016-05-02T10:00:00.000+00:00"
    assert {"method", "path", "status", "mode", "setpoint_w", "soc", "real_s", "body", "face"} <= set(lines[0])


def test_empty_log_has_no_entries() -> None:
    """A fresh log holds nothing."""
    assert (RequestLog().entries, RequestLog().count) == ((), 0)


def test_scaled_clock_runs_faster_and_waits_shorter() -> None:
    """At a hundred times, one base second is a hundred, and a wait of a hundred takes one."""
    base = SimulatedClock(START)
    clock = ScaledClock(speed=100.0, base=base)
    base.advance(1.0)
    assert (clock.elapsed(), (clock.now() - START).total_seconds()) == (100.0, 100.0)
    clock.wait(100.0, threading.Event())
    assert base.elapsed() == 2.0
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(speed=0.0)
