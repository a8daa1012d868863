"""A computer that runs the service and a battery on another one, each a namespace, with a cable between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optimizer.release.record import CommandRecord
from support.battery_process import BatteryProcess, charging_pays, cheapest_now
from support.machine import wait_for
from support.network import Cable, cable, command_within, namespace, within

HOME, BATTERY, PORT = "10.77.0.1", "10.77.0.2", 8080
LEASE_S, POLL_S, SLOWEST_LOOK_S = 36.0, 5.0, 33.0
CALL_S = 5.0


def config(folder: Path, battery: str) -> Path:
    """Write a configuration with which it pays to charge now, as brisk as the settings allow."""
    path = folder / "sunshift.toml"
    cheapest_now(folder)
    path.write_text(f"""\
{charging_pays(battery, PORT)}\
[control]
poll_interval = "{POLL_S:.0f}s"
max_measurement_age = "20s"
settling = "5s"
reassert = "5s"
lease = "{LEASE_S:.0f}s"
[planning]
scenarios = 3
[service]
state_dir = "state"
runtime_dir = "run"
""")
    return path


class TwoHosts:
    """What a test may do to them, and see.

    Parameters
    ----------
    folder
        Of the computer that runs the service.
    home, away
        Namespaces of that computer and of the battery.
    lan
        The cable between them.
    """

    def __init__(self, folder: Path, home: str, away: str, lan: Cable) -> None:
        self.folder, self.home, self.away, self.lan = folder, home, away, lan
        self.battery = BatteryProcess(folder / "requests.jsonl", PORT, 0)
        self.record = CommandRecord(folder / "state", folder / "run")
        self.service: subprocess.Popen[bytes] | None = None
        self._config = folder / "sunshift.toml"

    def start(self, battery: str = BATTERY) -> None:
        """Start the service and wait until it charges."""
        config(self.folder, battery)
        with (self.folder / "log").open("wb") as log:
            self.service = subprocess.Popen(self._command("-m", "optimizer", "run"), stderr=log)
        self.battery.wait_until_forced(120.0)

    def stop(self) -> int:
        """End the service as systemd would and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it on the spot."""
        self._end(signal.SIGKILL)

    def guard(self) -> int:
        """Have the guard look once, as its timer does; return its exit code."""
        folders = {"STATE_DIRECTORY": str(self.record.state_dir), "RUNTIME_DIRECTORY": str(self.record.runtime_dir)}
        command = self._command("-m", "optimizer.guard")
        environ = {**os.environ, **folders}
        return subprocess.run(command, env=environ, capture_output=True, timeout=30, check=False).returncode

    def status(self) -> dict[str, Any]:
        """Return what the service tells of itself."""
        told: dict[str, Any] = json.loads((self.folder / "run" / "status.json").read_text())
        return told

    def log(self) -> str:
        """Return what the service has logged."""
        return (self.folder / "log").read_text()

    def asked_since(self, instant: datetime) -> list[dict[str, Any]]:
        """Return what reached the battery since then."""
        return [one for one in self.battery.requests() if datetime.fromisoformat(one["at"]) >= instant]

    def _command(self, *words: str) -> list[str]:
        return [*command_within(self.home), sys.executable, *words, "--config", str(self._config)]

    def _end(self, number: signal.Signals) -> int:
        assert self.service is not None
        self.service.send_signal(number)
        return self.service.wait(60)


@contextmanager
def two_hosts(purpose: str, folder: Path) -> Iterator[TwoHosts]:
    """Lay the cable and start the battery; nothing outlives it."""
    with ExitStack() as world:
        home = world.enter_context(namespace(f"{purpose}_home"))
        away = world.enter_context(namespace(f"{purpose}_battery"))
        lan = world.enter_context(cable("lan", (home, f"{HOME}/24"), (away, f"{BATTERY}/24")))
        hosts = TwoHosts(folder, home, away, lan)
        command = [sys.executable, "-m", "optimizer", "simulate", "--host", BATTERY, "--port", str(PORT), "--no-v2"]
        command += ["--mode", "automatic", "--capacity-wh", "50000", "--soc", "0.1", "--steady"]
        command += ["--log", str(folder / "requests.jsonl")]
        simulator = subprocess.Popen([*command_within(away), *command], stdout=subprocess.DEVNULL)
        world.callback(simulator.wait)
        world.callback(simulator.kill)
        wait_for(lambda: _answers(home), 60.0, "the simulated battery")
        try:
            yield hosts
        finally:
            if hosts.service is not None and hosts.service.poll() is None:
                hosts.kill()


def now() -> datetime:
    """Return the present instant, by the clock that the battery's log goes by."""
    return datetime.now(UTC)


def _answers(home: str) -> bool:
    try:
        within(home, lambda: socket.create_connection((BATTERY, PORT), 1.0)).close()
    except OSError:
        return False
    return True
