"""What the running service needs of the machine: a small computer has other things to do."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.clock import WallClock
from optimizer.service.status import read_status, status_path
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.service_bench import house_on_real_time
from support.service_process import PATIENCE_S, write_config

MOST_MEMORY_MIB = 100
TOLD_MODULES = """
import sys
from optimizer.cli import run
from optimizer.cli.main import main

def tell_and_end(code):
    print(*sys.modules)
    end_at_once(code)

end_at_once, run.end_at_once = run.end_at_once, tell_and_end
main(sys.argv[1:])
"""
NIGHT_TARIFF = """
kind = "time_of_use"
price_per_kwh = 0.38
rules = [{ name = "night", from = "00:00", to = "06:00", price_per_kwh = 0.18 }]
"""
DEMAND = """
[tariff.demand]
price_per_kw = 10.0
period = "month"
"""


@contextmanager
def planning_service(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the service on real time until its first plan stands; at its end it prints what it has imported."""
    with SimulatorServer(house_on_real_time(), quirks=Quirks(mode_control=True)) as battery:
        config = write_config(
            folder, port=battery.v1_port, strategy="time_of_use", import_price=NIGHT_TARIFF, extra=DEMAND
        )
        command = [sys.executable, "-c", TOLD_MODULES, "run", "--config", str(config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                await_plan(process, folder / "run")
                yield process
            finally:
                process.kill()


def await_plan(process: subprocess.Popen[str], runtime_dir: Path) -> None:
    clock, pause = WallClock(), threading.Event()
    end_s = clock.elapsed() + PATIENCE_S
    while (status := read_status(status_path(runtime_dir))) is None or status.plan is None:
        assert process.poll() is None, "the service ended before it planned"
        assert clock.elapsed() < end_s, "no plan in time"
        clock.wait(0.1, pause)


def resident_mib(process: subprocess.Popen[str]) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_a_service_that_plans_is_small_and_has_loaded_no_pandas(tmp_path: Path) -> None:
    """With a plan in memory, checked by the linear program, it stays under 100 MiB; pandas alone would take 40."""
    with planning_service(tmp_path) as process:
        assert resident_mib(process) < MOST_MEMORY_MIB
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    loaded = set(told.split())
    assert {"optimizer.history.store", "optimizer.planning.lp.solver", "numpy"} <= loaded
    assert not loaded & {"pandas", "holidays", "pyarrow", "numba", "plotly", "rich"}


def test_a_start_waits_for_no_solver() -> None:
    """An old command may stand at the battery: what the first step does not need is loaded with the first plan."""
    loading = "import sys; import optimizer.service.composition; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True).stdout.split()
    assert {"optimizer.control.controller", "optimizer.control.replanning"} <= set(loaded)
    assert not set(loaded) & {"pulp", "highspy", "optimizer.planning.lp_planner", "optimizer.planning.recursion"}
