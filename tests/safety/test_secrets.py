"""The battery's token stays where it belongs, over a whole run of everything that could tell it."""

from __future__ import annotations

import logging
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import conftest
from optimizer.cli.main import main
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.canary import CANARY, sings, told_in
from support.service_bench import house_on_real_time
from support.service_process import PATIENCE_S, service, write_config

COMMANDS = (
    "status", "status --json", "check", "check --json", "plan", "plan --json", "plan --dump problem.json",
    "config show", "config show --json", "history show", "history export --out home.csv", "resume", "release",
    "release --force",
)  # fmt: skip


def test_a_run_with_a_token_tells_it_nowhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither output nor log at its fullest, no argument or variable, no status, history, dump or report has it."""
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    said = []
    with SimulatorServer(house_on_real_time(), token=CANARY) as battery:
        config = write_config(tmp_path, port=battery.v2_port, extra='log_level = "debug"')
        text = config.read_text().replace("sonnen_v1", "sonnen_v2").replace("mode_control = true", 'token_file = "key"')
        config.write_text(text)
        (tmp_path / "key").touch(mode=0o600)
        (tmp_path / "key").write_text(CANARY)
        with service(config) as process:
            left = tmp_path / "run" / TOKEN_FILE_NAME
            assert (left.read_text().split()[0], stat.S_IMODE(left.stat().st_mode)) == (CANARY, 0o600)
            for command in COMMANDS:
                main([*command.split(), "--config", str(config)])
                said.extend(capsys.readouterr())
            for place in ("cmdline", "environ"):
                assert not sings(Path(f"/proc/{process.pid}/{place}").read_text())
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=PATIENCE_S)
        battery.stop()
        main(["check", "--config", str(config)])
        said.extend(capsys.readouterr())
    assert process.returncode == 0, log
    assert not left.exists()
    assert not any(map(sings, (log, caplog.text, *said)))
    assert list(told_in(tmp_path)) == []
    assert {"history.sqlite3", "status.json", "problem.json"} <= {one.name for one in tmp_path.rglob("*")}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a service that commands a battery."""
    home = house_on_real_time()
    with SimulatorServer(home, quirks=Quirks(mode_control=True)) as battery:
        config = write_config(tmp_path, port=battery.v1_port)
        with service(config) as process:
            yield process


def test_files_that_the_service_keeps_for_itself_are_private(running: subprocess.Popen[str], tmp_path: Path) -> None:
    """Nobody but its user reads the history; status, lock, lease and intent are for everybody, without a secret."""
    folders = (tmp_path / "state", tmp_path / "run")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for folder in folders for one in folder.iterdir()}
    shared = {"status.json", "sunshift.lock", "lease.json", "intent.json"}
    assert {"history.sqlite3", *shared} <= set(modes)
    assert {name for name, mode in modes.items() if mode & 0o077} <= shared, modes
    assert not any(mode & 0o022 for mode in modes.values()), modes


def test_the_service_listens_on_no_port(running: subprocess.Popen[str]) -> None:
    """Nothing on the network can reach it: it asks, and is asked by nobody."""
    sockets = psutil.Process(running.pid).net_connections(kind="inet")
    assert [one for one in sockets if one.status == psutil.CONN_LISTEN or not one.raddr] == []


@pytest.mark.parametrize("leak", ["printed", "logged", "written", "left open to all"])
def test_the_watch_over_the_suite_sees_a_leak(leak: str, tmp_path: Path) -> None:
    """A test that brings the token to light fails for it, whatever it asserts itself."""
    sections: list[tuple[str, str]] = []
    if leak in ("printed", "logged"):
        sections.append((leak, f"the token is {CANARY}"))
    if leak == "written":
        (tmp_path / "report.html").write_text(f"<p>{CANARY}</p>")
    if leak == "left open to all":
        (tmp_path / TOKEN_FILE_NAME).write_text(CANARY)
        (tmp_path / TOKEN_FILE_NAME).chmod(0o644)
    item: Any = SimpleNamespace(funcargs={"tmp_path": tmp_path})
    report: Any = SimpleNamespace(sections=sections)
    found = list(conftest._where_it_is_told(item, report, during="call"))
    for one in tmp_path.iterdir():
        one.unlink()  # or this test would fail for it
    assert len(found) == 1


@pytest.mark.parametrize("command", [["echo", CANARY], ["sh", "-c", f"echo {CANARY} >&2"]])
@pytest.mark.parametrize("text", [True, False])
def test_the_watch_over_the_suite_looks_through_pipes(command: list[str], text: bool) -> None:
    """What a test takes from another process without a look at it."""
    with pytest.raises(AssertionError, match="the token was printed"):
        subprocess.run(command, capture_output=True, check=True, text=text)


def test_the_watch_over_the_suite_looks_through_what_is_taken_away(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever part of the output it was."""
    for stream in (sys.stdout, sys.stderr):
        print(CANARY, file=stream, flush=True)
        with pytest.raises(AssertionError, match="the token was printed"):
            capfd.readouterr()


def test_the_watch_over_the_suite_looks_into_shared_folders(tmp_path: Path) -> None:
    """Those of single tests were looked into when each ended."""
    for name in ("page0", "test_of_something0", "machine0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").write_text(f"<p>{CANARY}</p>")
    found = list(conftest._told_in_shared(tmp_path))
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert found == ["report.html (mode 644)"]
