"""A simulated battery for tests: a house, the device in process, the server, and plain HTTP to talk to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from optimizer.clock import Clock, SimulatedClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import HouseProfile, constant_profile
from optimizer.domain.battery import Battery
from optimizer.simulator.fault import Fault
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.canary import CANARY

START = datetime(2016, 5, 2, 10, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600)
TOKEN = CANARY


def make_house(
    *,
    clock: Clock | None = None,
    battery: Battery = BATTERY,
    recording: HouseProfile | None = None,
    load_w: float = 400.0,
    production_w: float = 0.0,
    **others: Any,
) -> SimulatedHouse:
    """Return a house on a simulated clock, by default with a constant load and no sun."""
    clock = clock or SimulatedClock(START)
    recording = recording or constant_profile(START, load_w=load_w, production_w=production_w)
    return SimulatedHouse(clock=clock, battery=battery, recording=recording, **others)


@dataclass(frozen=True)
class Answer:
    """What came back, byte for byte."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningSimulator:
    """A started server with the house behind it."""

    server: SimulatorServer
    house: SimulatedHouse

    @property
    def clock(self) -> SimulatedClock:
        assert isinstance(self.house.clock, SimulatedClock)
        return self.house.clock

    def request(
        self,
        method: str,
        path: str,
        *,
        face: str = "v1",
        token: str | None = TOKEN,
        body: str | None = None,
        content_type: str = "application/x-www-form-urlencoded",
    ) -> Answer:
        """Make one request on a connection of its own."""
        port = self.server.v1_port if face == "v1" else self.server.v2_port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        headers = {"Auth-Token": token} if face == "v2" and token else {}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str = "/api/v1/status") -> Answer:
        return self.request("GET", path)

    def put(self, path: str) -> Answer:
        return self.request("PUT", path)

    def status(self) -> dict[str, Any]:
        answer = self.get().json
        assert isinstance(answer, dict)
        return answer


@contextmanager
def running_simulator(
    house: SimulatedHouse | None = None,
    *,
    firmware: Firmware | str = Firmware.Y2022,
    quirks: Quirks | None = None,
    faults: Sequence[Fault] = (),
    token: str | None = TOKEN,
    mode: DeviceMode = DeviceMode.MANUAL,
    mode_control: bool = True,
    **house_arguments: Any,
) -> Iterator[RunningSimulator]:
    """Serve a house on free loopback ports, by default in manual mode and with the mode call of V1 switched on."""
    house = house or make_house(mode=mode, **house_arguments)
    quirks = quirks or Quirks(mode_control=mode_control)
    with SimulatorServer(house, firmware=firmware, quirks=quirks, faults=faults, token=token) as server:
        yield RunningSimulator(server, house)
