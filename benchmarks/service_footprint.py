"""Seconds to READY and resident memory of the running service with a plan in memory, on real time.

    python benchmarks/service_footprint.py [runs]

Starts `python -m optimizer run` against the simulated battery in this process, hears its READY over sd_notify, waits
for the plan to stand in the status, and reads the memory from /proc. Ends it with SIGTERM and tells how long that took.

What is measured is the sunshift that this Python has installed, as a unit starts it: compiled, from no source folder.
The first run is not counted, since it may have to compile. Exit code 1 where a median is above its aim.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.clock import WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
AIMS = {
    "ready [s]": 1.0,
    "memory with a plan [MiB]": 100.0,
    "without files [MiB]": math.inf,
    "peak [MiB]": math.inf,
    "SIGTERM to end [s]": math.inf,
}
"""What is measured, and what a median may be at most."""
CONFIG = """
[site]
timezone = "Europe/Berlin"
latitude = 47.66
longitude = 9.18
[battery]
driver = "sonnen_v1"
host = "127.0.0.1"
port = {port}
mode_control = true
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
kind = "time_of_use"
price_per_kwh = 0.30
rules = [
  {{ name = "night", from = "00:00", to = "05:00", price_per_kwh = 0.21 }},
  {{ name = "evening", from = "17:00", to = "21:00", price_per_kwh = 0.38 }},
]
[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
[forecast]
pv_peak_kw = 5.0
[service]
state_dir = "state"
runtime_dir = "run"
"""


AS_INSTALLED = ("-m", "optimizer")
"""What Python is to run."""


@contextmanager
def battery(clock: WallClock) -> Iterator[SimulatorServer]:
    """Serve a battery as it is now."""
    house = SimulatedHouse(clock=clock, battery=BATTERY, recording=packaged_profile().shifted_to(clock.now()))
    with SimulatorServer(house, quirks=Quirks(mode_control=True)) as server:
        yield server


@contextmanager
def started(
    port: int, clock: WallClock, program: tuple[str, str] = AS_INSTALLED
) -> Iterator[tuple[subprocess.Popen[bytes], Path, float]]:
    """Start the service; yield it once it is READY, its folder, and the seconds that took. End it, if nobody has."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        config = Path(folder) / "sunshift.toml"
        config.write_text(CONFIG.format(port=port))
        address = f"sunshift-footprint-{os.getpid()}"
        manager.bind("\0" + address)
        manager.settimeout(60)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        began_s = clock.elapsed()
        with subprocess.Popen(
            [sys.executable, *program, "run", "--config", str(config)],
            env={**environment, "NOTIFY_SOCKET": "@" + address},
            cwd=folder,
            stderr=subprocess.DEVNULL,
        ) as service:
            try:
                while manager.recv(4096) != b"READY=1":
                    pass
                yield service, Path(folder), clock.elapsed() - began_s
            finally:
                ended(service)


def ended(service: subprocess.Popen[bytes]) -> None:
    """End the service by SIGTERM, by which it has to end well; nothing where it has ended."""
    if service.poll() is None:
        service.send_signal(signal.SIGTERM)
        code = service.wait(30)
        assert code == 0, f"the service ended with {code}"


def measure(port: int, clock: WallClock) -> tuple[float, float, float, float, float]:
    """Return seconds to READY, MiB with a plan, those of its own, their peak, and seconds to the end."""
    with started(port, clock) as (service, folder, ready_s):
        await_plan(folder / "run" / "status.json", clock)
        memory, own, peak = memory_mib(service.pid)
        began_s = clock.elapsed()
        ended(service)
        return ready_s, memory, own, peak, clock.elapsed() - began_s


def await_plan(path: Path, clock: WallClock) -> None:
    pause = threading.Event()
    for _ in range(600):
        if json.loads(path.read_text())["plan"]:
            return
        clock.wait(0.1, pause)
    raise SystemExit("no plan within a minute")


def memory_mib(pid: int) -> tuple[float, float, float]:
    """Return resident memory, its share that no file backs, and the peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "RssAnon", "VmHWM"))}
    return int(told["VmRSS"]) / 1024, int(told["RssAnon"]) / 1024, int(told["VmHWM"]) / 1024


def main(runs: int) -> int:
    clock = WallClock()
    with battery(clock) as server:
        found = [measure(server.v1_port, clock) for _ in range(1 + runs)][1:]
    above = False
    for (name, aim), values in zip(AIMS.items(), zip(*found, strict=True), strict=True):
        median = statistics.median(values)
        above = above or median > aim
        wanted = f"; aim {aim:g}" if aim < math.inf else ""
        print(f"{name}: median {median:.2f}, largest {max(values):.2f} of {runs}{wanted}")
    return int(above)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
