"""Ctrl-C while the bound is searched: minutes in native code, where Python hears nothing by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from optimizer.backtest.bound import heard
from optimizer.backtest.bound.heard import interruptible
from optimizer.cli.ending import EXIT_INTERRUPTED
from optimizer.clock import WallClock
from support.replays import START, home_frame, recording_of

HOME = """
[{0}site]
timezone = "Europe/Berlin"
[{0}battery]
driver = "simulated"
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[{0}grid]
max_export_w = 3000
curtailable = true
[{0}tariff.import]
kind = "file"
path = "prices.csv"
column = "buy"
[{0}tariff.export]
kind = "file"
path = "prices.csv"
column = "sell"
"""
SWEEP = """
strategies = ["self_consumption"]
warm_up = "2d"
[[homes]]
name = "home"
recording = "home.csv"
"""
TELLS = """
import sys
from optimizer.backtest.bound.matrix import MatrixProgram
from optimizer.clock import WallClock
from optimizer.cli.main import main

hand_over = MatrixProgram.as_highs

def as_highs(self):
    program = hand_over(self)
    if self.has_binaries:
        print("searching", flush=True)
    return program

MatrixProgram.as_highs = as_highs
sys.exit(main(sys.argv[1:]))
"""
"""The command, telling when it begins the search."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Provide a home whose prices cross every other hour: the search for its bound takes minutes."""
    days, draw = 120, np.random.default_rng(5)
    recording_of(home_frame(days), tmp_path)
    index = pd.date_range(START, periods=24 * (days + 3), freq="1h")
    prices = {"buy": draw.integers(-2, 9, len(index)) * 0.05, "sell": draw.integers(-3, 5, len(index)) * 0.04}
    pd.DataFrame({"timestamp": [at.isoformat() for at in index], **prices}).to_csv(tmp_path / "prices.csv", index=False)
    (tmp_path / "home.toml").write_text(HOME.format("") + '[strategy]\nname = "self_consumption"\n')
    (tmp_path / "sweep.toml").write_text(SWEEP + HOME.format("base."))
    return tmp_path


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Provide a way to start a command in that home, in a group of its own."""
    started = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell starts what it puts in the background deaf to Ctrl-C, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def interrupted(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Press Ctrl-C; return how long the process took to end [s], and what it said."""
    clock = WallClock()
    began_s = clock.elapsed()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return clock.elapsed() - began_s, said


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_backtest_ends_at_once_and_leaves_nothing(home: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """In mid-search the command ends with 130 and one line, and no folder is begun."""
    before = names(home)
    words = ["--config", "home.toml", "--recording", "home.csv", "--warm-up", "2", "--out", "out"]
    process = start("-c", TELLS, "backtest", *words)
    assert process.stdout is not None
    assert process.stdout.readline() == "searching\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    took_s, said = interrupted(process)
    assert process.returncode == EXIT_INTERRUPTED, said
    assert said == "sunshift: interrupted\n"
    assert took_s < 3.0
    assert names(home) == before


def test_a_sweep_ends_at_once_with_its_workers(home: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """A worker in mid-search holds nothing up: the sweep ends with 130, and its processes with it."""
    process = start("-m", "optimizer", "sweep", "--config", "sweep.toml", "--out", "out", "--workers", "1")
    busy_s, pause = 6.0, threading.Event()
    workers = list[psutil.Process]()
    # Everything before the search takes a worker less than this.
    while not workers or max(one.cpu_times().user for one in workers) < busy_s:
        assert process.poll() is None
        pause.wait(0.2)
        workers = psutil.Process(process.pid).children(recursive=True)
    took_s, said = interrupted(process)
    assert process.returncode == EXIT_INTERRUPTED, said
    assert "0 of 1 cases are kept" in said
    assert "Traceback" not in said
    assert took_s < 3.0
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert names(home / "out") == ["cases"]


def test_what_the_work_returns_and_raises_arrives() -> None:
    """In a thread of its own or not, the caller sees the same."""

    def broken() -> None:
        raise ValueError("no such row")

    assert interruptible(lambda: 3, lambda: None) == 3
    with pytest.raises(ValueError, match="no such row"):
        interruptible(broken, lambda: None)


@pytest.mark.parametrize("obeys", [True, False])
def test_work_is_cancelled_and_not_waited_for_long(monkeypatch: pytest.MonkeyPatch, *, obeys: bool) -> None:
    """Ctrl-C asks the work to end; whether it does or not, the interrupt is passed on."""
    monkeypatch.setattr(heard, "PATIENCE_S", 0.05 if not obeys else 30.0)
    begun, let_go, cancelled, ended = (threading.Event() for _ in range(4))

    def work() -> None:
        begun.set()
        let_go.wait(30)
        ended.set()

    def cancel() -> None:
        cancelled.set()
        if obeys:
            let_go.set()

    def press() -> None:
        begun.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(work, cancel)
    assert cancelled.is_set()
    assert ended.is_set() == obeys
    let_go.set()
