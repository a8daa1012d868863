"""A home in a configuration, a simulated battery behind its real HTTP interface, and the service on simulated time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.assembly.configuration import Configuration, configuration_from_tables
from optimizer.clock import Clock, SimulatedClock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.metering import Metering
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import synthetic_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision
from optimizer.domain.plan import Plan
from optimizer.service.composition import build_daemon
from optimizer.service.daemon import Daemon
from optimizer.service.jobs import JobRunner
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.canary import CANARY

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = CANARY


def tables(folder: Path, *, driver: str, port: int, mode_control: bool = False, **sections: Any) -> dict[str, Any]:
    """Return what the home's TOML file would hold."""
    battery: dict[str, Any] = {
        "driver": driver,
        "host": "127.0.0.1",
        "port": port,
        "usable_capacity_wh": 10_000,
        "max_charge_w": 4600,
        "max_discharge_w": 4600,
    }
    if driver == "sonnen_v1":
        battery["mode_control"] = mode_control
    if driver == "sonnen_v2":
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        battery["token_file"] = str(token)
    told: dict[str, Any] = {
        "site": {"timezone": "Europe/Berlin", "latitude": 47.66, "longitude": 9.18},
        "battery": battery,
        "tariff": {
            "import": {
                "kind": "time_of_use",
                "price_per_kwh": 0.30,
                "rules": [
                    {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.18},
                    {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.42},
                ],
            },
            "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "forecast": {"pv_peak_kw": 4.5},
        "planning": {"horizon": "24h", "scenarios": 3},
        "strategy": {"name": "time_of_use"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }
    for name, section in sections.items():
        told[name] = {**told.get(name, {}), **section}
    return told


def house(clock: Clock, *, mode: DeviceMode = DeviceMode.AUTOMATIC, **habits: Any) -> SimulatedHouse:
    """Return a house with a smooth sunny day behind it."""
    return SimulatedHouse(clock=clock, battery=BATTERY, recording=synthetic_profile(START), mode=mode, **habits)


def house_on_real_time(*, mode: DeviceMode = DeviceMode.AUTOMATIC) -> SimulatedHouse:
    """Return such a house as it is now, for a service in a process of its own.

    Its battery begins to move as the service takes its first look, which rightly commands nothing where the meters were
    not read at one moment. Here they are, so that what the first step comes to is no matter of chance.
    """
    return house(WallClock(), mode=mode, metering=Metering(skew_s=0.0))


@dataclass
class Bench:
    """A service and what it commands."""

    clock: SimulatedClock
    house: SimulatedHouse
    server: SimulatorServer
    configuration: Configuration
    daemon: Daemon
    decisions: list[Decision]
    plans: list[Plan]

    def run_for(self, length: timedelta) -> None:
        """Run the whole service until simulated time has passed, its way out included."""
        stop, end = threading.Event(), self.clock.now() + length
        self.clock.subscribe(lambda now: stop.set() if now >= end else None)
        self.daemon.run(stop)


@contextmanager
def bench(
    folder: Path,
    *,
    driver: str = "sonnen_v1",
    mode_control: bool = True,
    mode: DeviceMode = DeviceMode.AUTOMATIC,
    observe: bool = False,
    faults: tuple[Any, ...] = (),
    habits: dict[str, Any] | None = None,
    firmware: Firmware = Firmware.Y2022,
    missing_keys: tuple[str, ...] = (),
    start: datetime = START,
    runner: JobRunner | None = None,
    **sections: Any,
) -> Iterator[Bench]:
    """Serve a battery over HTTP on simulated time and compose the service for it."""
    clock = SimulatedClock(start)
    home = house(clock, mode=mode, **(habits or {}))
    quirks = Quirks(mode_control=mode_control, missing_keys=missing_keys)
    with SimulatorServer(home, token=TOKEN, firmware=firmware, quirks=quirks, faults=faults) as server:
        port = server.v2_port if driver == "sonnen_v2" else server.v1_port
        configuration = configuration_from_tables(
            tables(folder, driver=driver, port=port, mode_control=mode_control, **sections)
        )
        daemon = build_daemon(configuration, clock=clock, observe=observe, runner=runner)
        decisions: list[Decision] = []
        plans: list[Plan] = []
        daemon.on_decision.append(decisions.append)
        daemon.on_plan.append(plans.append)
        try:
            yield Bench(clock, home, server, configuration, daemon, decisions, plans)
        finally:
            daemon.history.close()  # also where a test never ran it
