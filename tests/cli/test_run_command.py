"""``sunshift run`` as systemd starts it: its own process, on real time, against the simulated battery over HTTP."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from optimizer.clock import WallClock
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.history.store import HistoryStore
from optimizer.release.record import CommandRecord
from optimizer.release.target import battery_address
from optimizer.service.leftovers import leave_token
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.fake_sonnen import FakeSonnen
from support.machine import wait_for
from support.service_bench import TOKEN, house_on_real_time
from support.service_process import PATIENCE_S, no_nohup, service, sunshift, write_config


@pytest.fixture
def battery() -> Iterator[SimulatorServer]:
    """Serve a battery in automatic mode on real time."""
    home = house_on_real_time()
    with SimulatorServer(home, token=TOKEN, quirks=Quirks(mode_control=True)) as server:
        yield server


def test_a_run_from_start_to_sigterm(tmp_path: Path, battery: SimulatorServer) -> None:
    """READY comes after a decision, one instance alone commands, status tells, SIGTERM hands back and exits with 0."""
    config = write_config(tmp_path, port=battery.v1_port)
    with service(config) as process:
        assert battery.house.mode is DeviceMode.MANUAL

        told = json.loads(sunshift("status", "--config", config, "--json").stdout)
        assert (told["running"], told["pid"], told["mode"]) == (True, process.pid, "control")
        assert told["decision"]["outcome"] == "applied"

        second = sunshift("run", "--config", config)
        assert second.returncode == 69
        assert f"pid {process.pid}" in second.stderr
        refused = sunshift("release", "--config", config)
        assert refused.returncode == 1
        assert "systemctl stop sunshift" in refused.stderr

        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert "handed back: sunshift is stopping" in log
    assert battery.house.mode is DeviceMode.AUTOMATIC
    assert battery.house.setpoint_w == 0
    stopped = sunshift("status", "--config", config)
    assert stopped.returncode == 1
    assert "IS NOT RUNNING: it stopped" in stopped.stdout


class HeldUp(FakeSonnen):
    """A battery that takes a second over one request, and says when that has come."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part, self.reached = part, threading.Event()

    def answer(self, method: str, path: str, body: str, token: str | None) -> tuple[int, object]:
        if self.part in path and not self.reached.is_set():
            self.reached.set()
            WallClock().wait(1.0, threading.Event())
        return super().answer(method, path, body, token)


@pytest.mark.parametrize("part", ["setpoint/charge/0", "EM_OperatingMode=1", "setpoint/discharge/3"])
def test_sigterm_in_the_midst_of_a_command_hands_the_battery_back(part: str, tmp_path: Path) -> None:
    """Whichever of its requests is under way: none of them is left, nor anything on record."""
    with (
        HeldUp(part) as held,
        service(write_config(tmp_path, port=held.port), await_ready=False) as process,
    ):
        assert held.reached.wait(PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, log
        assert (held.mode, held.setpoint_w) == ("2", 0)
    assert not CommandRecord(tmp_path / "state", tmp_path / "run").may_stand()


def test_a_closed_terminal_hands_the_battery_back(tmp_path: Path, battery: SimulatorServer) -> None:
    """SIGHUP, which a closing ssh session sends, is an end like any other; nobody reads the log any more."""
    with no_nohup(), service(write_config(tmp_path, port=battery.v1_port)) as process:
        assert battery.house.mode is DeviceMode.MANUAL
        assert process.stderr is not None
        process.stderr.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE_S) == 0
    assert battery.house.mode is DeviceMode.AUTOMATIC
    assert battery.house.setpoint_w == 0


def test_a_log_that_nobody_reads_holds_up_nothing(tmp_path: Path, battery: SimulatorServer) -> None:
    """With its pipe full to the brim the service decides, becomes ready, hears SIGTERM and hands back."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"." * 4096)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b".")
    os.set_blocking(writing, True)
    with service(write_config(tmp_path, port=battery.v1_port), stderr=writing) as process:
        assert battery.house.mode is DeviceMode.MANUAL
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    os.close(reading)
    os.close(writing)
    assert battery.house.mode is DeviceMode.AUTOMATIC


def test_a_killed_service_leaves_a_command_that_release_takes_back(tmp_path: Path, battery: SimulatorServer) -> None:
    """After kill -9 the status says so, and release, as ExecStopPost runs it, brings the battery back."""
    config = write_config(tmp_path, port=battery.v1_port, extra='[nonsense]\nkey = "broken on purpose after the start"')
    good = config.read_text()
    config.write_text(good[: good.index("[nonsense]")])
    with service(config) as process:
        process.kill()
        process.communicate(timeout=PATIENCE_S)
    config.write_text(good)
    assert battery.house.mode is DeviceMode.MANUAL
    status = sunshift("status", "--config", config)
    assert (status.returncode, "did not end by itself" in status.stdout) == (1, True)
    released = sunshift("release", "--config", config)
    assert released.returncode == 0, released.stdout + released.stderr
    assert battery.house.mode is DeviceMode.AUTOMATIC
    assert battery.house.setpoint_w == 0


def test_release_finds_the_token_that_a_killed_service_has_left(tmp_path: Path, battery: SimulatorServer) -> None:
    """Its own place may be gone or closed to whoever runs the release; the runtime folder has a copy."""
    config = write_config(tmp_path, port=battery.v2_port)
    text = config.read_text().replace("sonnen_v1", "sonnen_v2").replace("mode_control = true", 'token_file = "gone"')
    config.write_text(text)
    (tmp_path / "run").mkdir()
    leave_token(tmp_path / "run", SecretStr(TOKEN), battery_address("127.0.0.1", battery.v2_port))
    battery.house.set_mode(DeviceMode.MANUAL)
    released = sunshift("release", "--config", config)
    assert released.returncode == 0, released.stdout + released.stderr
    assert battery.house.mode is DeviceMode.AUTOMATIC


def test_observe_writes_nothing(tmp_path: Path, battery: SimulatorServer) -> None:
    """With --observe the battery sees nothing but requests for its status, the end included."""
    with service(write_config(tmp_path, port=battery.v1_port), "--observe") as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert {(entry.method, entry.path) for entry in battery.log.entries} == {("GET", "/api/v1/status")}


def test_a_history_of_a_newer_version_ends_with_78_and_what_to_do(tmp_path: Path, battery: SimulatorServer) -> None:
    """After a downgrade systemd leaves it at one start, the file is untouched, and nothing was sent to the battery."""
    path = tmp_path / "state" / "history.sqlite3"
    HistoryStore(path, clock=WallClock()).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    ended = sunshift("run", "--config", write_config(tmp_path, port=battery.v1_port))
    assert ended.returncode == 78
    assert "version 99" in ended.stderr
    assert "install the newer sunshift again, or move the file away" in ended.stderr
    assert path.read_bytes() == before
    assert battery.log.entries == ()


def test_a_configuration_that_cannot_be_used_ends_with_78_and_every_problem(tmp_path: Path) -> None:
    """All problems are told at once, and systemd is kept from starting again."""
    config = write_config(tmp_path, port=1)
    config.write_text(config.read_text().replace("max_charge_w = 4600", "max_charge_w = -1").replace("0.30", '"dear"'))
    done = sunshift("run", "--config", config)
    assert done.returncode == 78
    assert "battery.max_charge_w" in done.stderr
    assert "tariff.import" in done.stderr
    assert done.stdout == ""


HANGING = """
import json, signal, sys, threading
from types import SimpleNamespace
from optimizer.cli import run
from optimizer.cli.main import main
from optimizer.control.replanning import PlanningDesk
from optimizer.errors import TariffError
from optimizer.service import scheduler_runner, signals
from optimizer.service.loop import ControlLoop

how = json.loads(sys.argv[1])
scheduler_runner.ENDING_S, signals.ONE_PRESS_S = how["ending_s"], how["one_press_s"]
PlanningDesk.replan = lambda *_: print("planning", flush=True) or threading.Event().wait()

class Panic(BaseException):
    pass  # as a library in Rust raises it

def never_handing_back(*_):
    signal.raise_signal(signal.SIGINT)
    threading.Event().wait()

def ending(code):
    signal.raise_signal(signal.SIGINT)
    really_end(code)

def failing(loop, stop):
    while not stop.is_set():
        loop.tick()
        loop._clock.wait(0.1, stop)
    raise {"MemoryError": MemoryError, "Panic": Panic, "TariffError": TariffError}[how["fails"]]("by the test")

really_end = run.end_at_once
if how["at"] == "hand-back":
    ControlLoop.hand_back = never_handing_back
if how["at"] == "end":
    run.end_at_once = ending
if how["at"] == "no thread":
    run.threading = SimpleNamespace(Event=threading.Event)
if how["fails"]:
    ControlLoop.run = failing
sys.exit(main(sys.argv[2:]))
"""


@contextmanager
def planning_for_ever(
    config: Path, *, ending_s: float, one_press_s: float = 0.0, at: str = "", fails: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Run the service with a plan that hangs.

    Ctrl-C comes by itself ``at`` the "hand-back", which then never begins, or the "end" of the process; with "no
    thread" none can be started as it ends. ``fails``: told to end, the loop fails with this.
    """
    how = json.dumps({"ending_s": ending_s, "one_press_s": one_press_s, "at": at, "fails": fails})
    command = [sys.executable, "-c", HANGING, how, "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        hung = threading.Timer(PATIENCE_S, process.kill)
        hung.start()
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "planning\n":
                pytest.fail(f"no plan was begun:\n{process.communicate()[1]}")
            hung.cancel()
            yield process
        finally:
            hung.cancel()
            process.kill()


@pytest.mark.parametrize(
    ("signals", "ending_s", "code"),
    [((signal.SIGTERM,), 1.0, 0), ((signal.SIGTERM, signal.SIGINT), 10 * PATIENCE_S, 130)],
    ids=["SIGTERM", "Ctrl-C too"],
)
def test_a_plan_that_hangs_does_not_hold_up_the_end(
    signals: tuple[signal.Signals, ...], ending_s: float, code: int, tmp_path: Path, battery: SimulatorServer
) -> None:
    """The battery is handed back first; the interpreter would wait for the thread for ever."""
    config, record = write_config(tmp_path, port=battery.v1_port), CommandRecord(tmp_path / "state", tmp_path / "run")
    with planning_for_ever(config, ending_s=ending_s) as process:
        wait_for(record.may_stand, PATIENCE_S, "a command")
        for number in signals:
            process.send_signal(number)
            wait_for(lambda: not record.may_stand(), PATIENCE_S, "the hand-back")
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, log
    assert ("interrupted" in log) == (code == 130)
    assert "on record" not in log
    assert (battery.house.mode, battery.house.setpoint_w) == (DeviceMode.AUTOMATIC, 0)


def test_a_ctrl_c_in_the_midst_of_the_hand_back_ends_the_service_as_a_crash_would(
    tmp_path: Path, battery: SimulatorServer
) -> None:
    """For whoever has waited; what stands stays on record, and is said."""
    config, record = write_config(tmp_path, port=battery.v1_port), CommandRecord(tmp_path / "state", tmp_path / "run")
    with planning_for_ever(config, ending_s=10 * PATIENCE_S, at="hand-back") as process:
        wait_for(record.may_stand, PATIENCE_S, "a command")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, log
    assert "interrupted with a command on record: run `sunshift release`" in log
    assert record.may_stand()
    assert battery.house.mode is DeviceMode.MANUAL
    assert sunshift("release", "--config", config).returncode == 0
    assert battery.house.mode is DeviceMode.AUTOMATIC


def test_a_ctrl_c_is_obeyed_where_no_thread_can_be_started(tmp_path: Path, battery: SimulatorServer) -> None:
    """Nothing is said then."""
    config, record = write_config(tmp_path, port=battery.v1_port), CommandRecord(tmp_path / "state", tmp_path / "run")
    with planning_for_ever(config, ending_s=10 * PATIENCE_S, at="no thread") as process:
        wait_for(record.may_stand, PATIENCE_S, "a command")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: not record.may_stand(), PATIENCE_S, "the hand-back")
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, log


def test_a_ctrl_c_that_comes_twice_cuts_no_hand_back_short(tmp_path: Path) -> None:
    """As under a tool that passes on what the terminal has sent to both, with the hand-back under way."""
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    with (
        HeldUp("EM_OperatingMode=2") as held,
        planning_for_ever(write_config(tmp_path, port=held.port), ending_s=1.0, one_press_s=1e6) as process,
    ):
        wait_for(record.may_stand, PATIENCE_S, "a command")
        process.send_signal(signal.SIGINT)
        assert held.reached.wait(PATIENCE_S)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, log
        assert (held.mode, held.setpoint_w) == ("2", 0)
    assert not record.may_stand()


def test_a_signal_as_the_process_ends_makes_no_other_end_of_it(tmp_path: Path, battery: SimulatorServer) -> None:
    """Whatever comes after the first one and before the process is gone."""
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    config = write_config(tmp_path, port=battery.v1_port)
    with planning_for_ever(config, ending_s=0.0, one_press_s=1e6, at="end") as process:
        wait_for(record.may_stand, PATIENCE_S, "a command")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert (battery.house.mode, battery.house.setpoint_w) == (DeviceMode.AUTOMATIC, 0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("MemoryError", ["ended in an unforeseen way", "MemoryError: by the test"]),
        ("Panic", ["ended in an unforeseen way", "Panic: by the test"]),
        ("TariffError", ["ERROR   by the test"]),
    ],
)
def test_an_end_by_an_error_is_told_and_an_end(
    error: str, told: list[str], tmp_path: Path, battery: SimulatorServer
) -> None:
    """The battery is handed back, and the plan that hangs is not waited for."""
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    config = write_config(tmp_path, port=battery.v1_port)
    with planning_for_ever(config, ending_s=0.0, fails=error) as process:
        wait_for(record.may_stand, PATIENCE_S, "a command")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, log
    assert [line for line in told if line not in log] == []
    assert ("Traceback" in log) == (len(told) > 1)
    assert (battery.house.mode, battery.house.setpoint_w) == (DeviceMode.AUTOMATIC, 0)
    assert not record.may_stand()
