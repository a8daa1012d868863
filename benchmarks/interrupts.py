"""A second Ctrl-C at random lines of the way out, with a plan that never ends.

    python benchmarks/interrupts.py [--count N] [--seed N]

The service runs in a process of its own against a simulated battery over HTTP. SIGTERM ends it; at a random line of
Python, of its own code or a library's, between the begin of the hand-back and the end of the process, SIGINT comes as
well. After each: the process has ended with 130, and what stands at the battery is on record.

Exit code 1 where a process had to be pressed again, or left a command that is not on record.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torture import BATTERY, START

from optimizer.clock import WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.release.record import CommandRecord
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.scaled_clock import ScaledClock
from optimizer.simulator.server import SimulatorServer

LINES = 14_500
"""About so many lines come before the plan is waited for; a number beyond the last one interrupts nothing."""
PRESS_AGAIN_S = 5.0
"""An end may take this, on a machine with something else to do."""
PRESSES = 2
"""So often is pressed again before a process is killed."""
REACHED_WITHIN_S = 5.0
"""The hand-back takes up to this; a line that was not reached by then lies beyond the wait for the plan."""
STARTS_WITHIN_S = 30.0
CONFIG = """
[site]
timezone = "Europe/Berlin"
[battery]
driver = "sonnen_v1"
host = "127.0.0.1"
port = {port}
mode_control = true
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff]
import = {{ kind = "fixed", price_per_kwh = 0.30 }}
export = {{ kind = "fixed", price_per_kwh = 0.08 }}
[control]
prefer_automatic = false
[strategy]
name = "self_consumption"
[service]
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
"""
SERVICE = """
import signal, sys, threading
from pathlib import Path
from optimizer.cli.main import main
from optimizer.control.replanning import PlanningDesk
from optimizer.service import signals
from optimizer.service.daemon import Daemon

line, where = int(sys.argv[1]), Path(sys.argv[2])

def trace(frame, event, _):
    global line
    line -= event == "line"
    if line:
        return trace
    sys.settrace(None)
    where.write_text(f"{frame.f_code.co_filename}:{frame.f_lineno}")
    signal.raise_signal(signal.SIGINT)

def stop(daemon):
    sys.settrace(trace)
    frame = sys._getframe()
    while frame is not None:
        frame.f_trace, frame = trace, frame.f_back
    really_stop(daemon)

really_stop, Daemon._stop = Daemon._stop, stop
signals.ONE_PRESS_S = 0.0
PlanningDesk.replan = lambda *_: threading.Event().wait()
sys.exit(main(["run", "--config", sys.argv[3]]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one process has ended."""

    where: str
    """The line that was interrupted; empty: none was, the process had ended before."""
    seconds: float
    """From the interrupt to the end of the process."""
    presses: int
    """Presses beyond the interrupt itself."""
    code: int
    is_back: bool
    is_on_record: bool
    log: str

    def problem(self) -> str | None:
        """Return what is wrong about it."""
        if not self.is_back and not self.is_on_record:
            return "a command stands and is not on record"
        if self.where and self.presses:
            return f"pressed {self.presses} times more"
        expected = (130,) if self.where else (0, 130)  # a hanging plan is waited for ten seconds, or pressed away
        return None if self.code in expected else f"it ended with {self.code}"


def interrupt(line: int) -> End:
    """Run a service, end it, and interrupt its end at a line."""
    clock = WallClock()
    house = SimulatedHouse(
        clock=ScaledClock(speed=1.0, base=clock, start=START), battery=BATTERY,
        recording=packaged_profile().shifted_to(START), mode=DeviceMode.AUTOMATIC,
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as name,
        SimulatorServer(house, quirks=Quirks(mode_control=True), v2_port=None) as server,
    ):
        folder = Path(name)
        config, where = folder / "sunshift.toml", folder / "where"
        config.write_text(CONFIG.format(port=server.v1_port, folder=folder))
        record = CommandRecord(folder / "state", folder / "run")
        command = [sys.executable, "-c", SERVICE, str(line), str(where), str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            _wait_for_a_command(record, process)
            process.send_signal(signal.SIGTERM)
            _wait_until(lambda: where.exists() or process.poll() is not None, REACHED_WITHIN_S)
            interrupted_s = clock.elapsed()
            presses = _press_until_it_ends(process)
            seconds = clock.elapsed() - interrupted_s
            assert process.stderr is not None
            log = process.stderr.read()
        return End(
            where=where.read_text() if where.exists() else "",
            seconds=seconds,
            presses=presses,
            code=process.returncode,
            is_back=house.mode is DeviceMode.AUTOMATIC,
            is_on_record=record.may_stand(),
            log=log,
        )


def _wait_for_a_command(record: CommandRecord, process: subprocess.Popen[str]) -> None:
    _wait_until(lambda: record.may_stand() or process.poll() is not None, STARTS_WITHIN_S)
    if not record.may_stand():
        process.kill()
        msg = f"the service did not begin to command:\n{process.communicate()[1]}"
        raise RuntimeError(msg)


def _wait_until(condition: Callable[[], bool], within_s: float) -> None:
    clock = WallClock()
    give_up_s = clock.elapsed() + within_s
    while not condition() and clock.elapsed() < give_up_s:
        clock.wait(0.01, threading.Event())


def _press_until_it_ends(process: subprocess.Popen[str]) -> int:
    for presses in range(PRESSES + 1):
        try:
            process.wait(PRESS_AGAIN_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        else:
            return presses
    process.kill()
    return PRESSES + 1


def told(ends: Sequence[End]) -> int:
    """Print what came of them and return the exit code."""
    cut_short = [one for one in ends if one.where]
    problems = [(one, what) for one in ends if (what := one.problem()) is not None]
    worst_s = max((one.seconds for one in cut_short), default=0.0)
    back = sum(one.is_back for one in cut_short)
    on_record = sum(not one.is_back and one.is_on_record for one in cut_short)
    print(
        f"{len(cut_short)} ends of {len(ends)} interrupted: {back} with the battery handed back, {on_record} with the "
        f"command on record; the longest took {worst_s:.2f} s"
    )
    for one, what in problems:
        print(f"{what}: {one.where}\n{one.log}")
    return 1 if problems else 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    chance = random.Random(given.seed)
    return told([interrupt(chance.randrange(1, LINES)) for _ in range(given.count)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
