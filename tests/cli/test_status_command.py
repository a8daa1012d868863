"""``sunshift status``: what the service does, since when, and why, or that there is none."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from optimizer.cli.ending import EXIT_FAILED, EXIT_INTERRUPTED
from optimizer.cli.main import main
from optimizer.cli.status_text import status_text
from optimizer.clock import WallClock
from optimizer.service.lock import InstanceLock
from optimizer.service.status import read_status, status_path
from optimizer.service.verdict import Verdict, judge
from support.service_bench import bench


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration that says where the service writes, and nothing else."""
    path = tmp_path / "sunshift.toml"
    path.write_text('[service]\nruntime_dir = "run"\n')
    return path


def test_without_a_service_it_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was ever written, that and the way to start are told."""
    assert main(["status", "--config", str(config)]) == 1
    told = capsys.readouterr().out
    assert "is not running" in told
    assert str(config.parent / "run") in told
    assert main(["status", "--config", str(config), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False, "verdict": "never"}


def test_it_tells_decision_reason_plan_and_jobs(tmp_path: Path, config: Path) -> None:
    """What a running service wrote reads as text, in the home's own time; an old one counts as hanging."""
    with bench(tmp_path) as home:
        home.run_for(timedelta(minutes=20))
        status = home.daemon.reporter.status("running")
        now = home.clock.now()
    assert judge(status, held=True, now=now) is Verdict.RUNNING
    assert judge(status, held=True, now=now + timedelta(minutes=5)) is Verdict.STALE
    assert judge(status, held=False, now=now) is Verdict.GONE
    assert judge(read_status(status_path(tmp_path / "run")), held=False, now=now) is Verdict.STOPPED
    text = status_text(status, Verdict.RUNNING, folder=tmp_path, now=now)
    assert "controls sonnen_v1 at 127.0.0.1" in text
    assert "since 2026-05-04 02:00" in text
    for part in ("Why:", "Measured:", "Plan:", "Job replan:", "Counted:"):
        assert part in text
    assert "MAY HANG" not in text
    assert "DOES NOT TELL" in status_text(status, Verdict.STALE, folder=tmp_path, now=now)


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [(timedelta(minutes=4), "running"), (timedelta(hours=3), "stale"), (-timedelta(hours=3), "stale")],
)
def test_a_clock_that_was_set_does_not_make_a_service_that_hangs_look_alive(
    ahead: timedelta, verdict: str, tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A status from minutes ahead is one of before the clock was put right; one from hours ahead is no sign of life."""
    with bench(tmp_path) as home:
        home.run_for(timedelta(minutes=1))
    path = status_path(tmp_path / "run")
    written_at = (WallClock().now() + ahead).isoformat()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"state": "running", "written_at": written_at}))
    with InstanceLock(tmp_path / "run", battery="the same", since=WallClock().now()):
        assert main(["status", "--config", str(config), "--json"]) == (0 if verdict == "running" else 1)
        assert json.loads(capsys.readouterr().out)["verdict"] == verdict
        main(["status", "--config", str(config)])
    told = capsys.readouterr().out
    assert ("it may hang" in told) == (verdict == "stale")
    assert ("3 h ahead of the clock, which was set back since" in told) == (ahead == timedelta(hours=3))


def test_a_status_of_another_kind_is_explained(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be understood is an error with its path, not a traceback."""
    (tmp_path / "run").mkdir()
    status_path(tmp_path / "run").write_text('{"schema": 0}')
    assert main(["status", "--config", str(config)]) == 1
    assert "status.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changed", [{"written_at": "noon"}, {"written_at": "2026-05-04T00:00:00"}, {"counters": {}}, {"measurement": {}}]
)
def test_a_status_with_parts_of_another_kind_is_explained(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, object]
) -> None:
    """Nor is a file that only looks right: after an upgrade a running service may tell things differently."""
    with bench(tmp_path) as home:
        home.run_for(timedelta(minutes=1))
    path = status_path(tmp_path / "run")
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    code = main(["status", "--config", str(config)])
    told = capsys.readouterr()
    assert code == 1
    assert "status.json: tells what this version" in told.err


def test_ctrl_c_while_a_command_is_loaded_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loading takes a moment, and is interrupted as quietly as the command itself."""

    def interrupted(_: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.cli.main.import_module", interrupted)
    assert main(["status"]) == EXIT_INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


def test_the_home_of_nobody_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A runtime folder in the home of a user who does not exist is one clear message."""
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "~no-such-user-here/run"\n')
    assert main(["status", "--config", str(config)]) == 1
    assert "no such user; write service.runtime_dir without ~" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "resume", "release"])
def test_a_folder_of_roots_is_told_with_the_way_in(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For systemd keeps the folders of a sandboxed service to root: one line, and no stack."""
    config = tmp_path / "sunshift.toml"
    config.write_text(f'[battery]\nhost = "127.0.0.1"\n[service]\nruntime_dir = "{tmp_path}"\n')

    reading = Path.read_text

    def refuse(path: object, *_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    def read(path: Path, **told: str) -> str:
        return str(refuse(path)) if path.suffix == ".json" else reading(path, **told)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(Path, "read_text", read)
    assert main([command, "--config", str(config)]) == EXIT_FAILED
    told = capsys.readouterr().err
    assert "sudo" in told
    assert len(told.splitlines()) == 1
