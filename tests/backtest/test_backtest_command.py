"""``sunshift backtest`` as a process: its outputs, its silence, and how it ends when it is interrupted."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.replays import home_frame, recording_of

CONFIG = """
[site]
timezone = "Europe/Berlin"
[battery]
driver = "simulated"
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
kind = "time_of_use"
price_per_kwh = 0.40
rules = [{ from = "22:00", to = "06:00", price_per_kwh = 0.10 }]
[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
[strategy]
name = "time_of_use"
[planning]
scenarios = 3
"""


def command(folder: Path, *more: str, days: int = 4) -> list[str]:
    (folder / "home.toml").write_text(CONFIG)
    recording_of(home_frame(days), folder)
    words = ["--config", "home.toml", "--recording", "home.csv", "--warm-up", "2", "--out", "out", *more]
    return [sys.executable, "-m", "optimizer", "backtest", *words]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def started_on_a_terminal(words: list[str], folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the command with a terminal for messages, and wait until it shows the progress of a replay."""
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=its_end,
        env={**os.environ, "TERM": "xterm"},
        # A shell starts what it puts in the background deaf to Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    os.close(its_end)
    shown = b""
    while b"self_consumption" not in shown or b"100%" not in shown:
        shown += os.read(terminal, 4096)
    return process, terminal


def ended(process: subprocess.Popen[bytes], terminal: int) -> int:
    """Return the exit code, the terminal read until the process has closed it."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return process.wait(timeout=30)


def test_json_is_one_document_and_a_pipe_hears_nothing_else(tmp_path: Path) -> None:
    """Standard output parses as one document, the same as summary.json; standard error is empty."""
    words = command(tmp_path, "--json", "--strategy", "self_consumption")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert done.stderr == b""
    figures = json.loads(done.stdout)
    assert list(figures["runs"]) == ["no_battery", "self_consumption", "perfect_foresight"]
    assert figures["bound"]["exact"] is True
    assert figures["runs"]["perfect_foresight"]["saving_share_of_bound"] == 1.0


def test_what_is_suspicious_about_the_recording_is_told_and_kept(tmp_path: Path) -> None:
    """A column that is not known is named on standard error, and in the summary; the figures come all the same."""
    words = command(tmp_path, "--json", "--strategy", "self_consumption")
    path = tmp_path / "home.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},pv_forecast_w", *(f"{line},1" for line in lines)]))
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stderr == "sunshift: home.csv: ignored: pv_forecast_w\n"
    assert json.loads(done.stdout)["notes"] == ["ignored: pv_forecast_w"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_run_leaves_the_old_results(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    """Ctrl-C or kill in mid-run: what an earlier run wrote is there byte for byte, and nothing beside it."""
    subprocess.run(command(tmp_path, "--strategy", "self_consumption"), cwd=tmp_path, capture_output=True, check=True)
    before = contents(tmp_path / "out")
    process, terminal = started_on_a_terminal(command(tmp_path, days=120), tmp_path)
    process.send_signal(sent)
    assert ended(process, terminal) == code
    assert contents(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home.csv", "home.toml", "out"]


def test_a_folder_of_something_else_is_refused_before_the_work(tmp_path: Path) -> None:
    """Results never replace what is no backtest."""
    words = command(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "holds something that is no backtest" in done.stderr


@pytest.mark.parametrize(
    ("out", "told"),
    [
        (".", "the folder you are in"),
        ("", "the folder you are in"),
        ("..", "or one around it"),
        ("/proc/results", "name a folder that you may write"),
    ],
)
def test_a_place_where_nothing_can_be_put_is_told_before_the_work(tmp_path: Path, out: str, told: str) -> None:
    """It is told what to do, before the recording is read: there is none here."""
    words = command(tmp_path, "--out", out)
    (tmp_path / "home.csv").unlink()
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert "--out" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home.toml"]


def test_a_period_without_offsets_is_on_the_clock_of_the_home(tmp_path: Path) -> None:
    """Half a local day is replayed from midnight there, and nothing else."""
    period = ["--start", "2024-03-28", "--end", "2024-03-28T12:00", "--strategy", "self_consumption", "--json"]
    done = subprocess.run(command(tmp_path, *period), cwd=tmp_path, capture_output=True, check=True)
    told = json.loads(done.stdout)["period"]
    assert (told["start"], told["end"], told["steps"]) == ("2024-03-27T23:00:00+00:00", "2024-03-28T11:00:00+00:00", 12)
