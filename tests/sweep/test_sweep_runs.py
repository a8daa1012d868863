"""What a sweep computes here, what it keeps, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from optimizer.backtest.output import summary
from optimizer.cli.ending import EXIT_CONFIG, EXIT_FAILED, EXIT_INTERRUPTED
from optimizer.cli.main import main
from optimizer.errors import SweepError
from optimizer.history.recording import read_recording
from optimizer.sweep.case import Case, Outcome, attempt
from optimizer.sweep.folder import SweepFolder
from optimizer.sweep.loading import Sweep, load_sweep
from optimizer.sweep.local import run_here
from optimizer.sweep.running import run_sweep
from support.replays import backtest
from support.sweeps import BASE, HEAD, TWO_BATTERIES, TWO_HOMES, TWO_TARIFFS, figures, write_sweep

SMALL = HEAD + BASE + TWO_HOMES + TWO_BATTERIES
PLAIN = SMALL.replace('["time_of_use"]', '["self_consumption"]')
"""Where it does not matter what is computed."""


def in_this_process(sweep: Sweep, cases: list[Case]) -> Iterator[Outcome]:
    yield from (attempt(case, sweep.recordings[case.recording]) for case in cases)


def run_in_process(path: Path, out: Path) -> tuple[list[Outcome], list[str]]:
    """Run a sweep without further processes; return outcomes, and the titles of what was computed anew."""
    sweep, computed = load_sweep(path), list[str]()

    def runner(cases, recordings):  # type: ignore[no-untyped-def]
        for outcome in in_this_process(sweep, cases):
            computed.append(outcome.case.title)
            yield outcome

    return run_sweep(sweep, SweepFolder(out), runner, lambda _: None), computed


def test_the_table_equals_single_backtests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On all cores, each row of the table is what `sunshift backtest` says of that home and battery."""
    path, out = write_sweep(tmp_path, SMALL), tmp_path / "out"
    assert main(["sweep", "--config", str(path), "--out", str(out), "--workers", "2", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    table = pd.read_csv(out / "results.csv")
    assert len(table) == len(json.loads(printed.out)["results"]) == 16
    assert json.loads((out / "results.json").read_text()) == json.loads(printed.out)
    alone = backtest(
        read_recording(tmp_path / "second.csv"),
        planning__step="1h",
        planning__replan="1h",
        battery__usable_capacity_wh=4000,
        battery__max_charge_w=2000,
        battery__driver="simulated",
    )
    rows = table[(table["home"] == "second") & (table["battery"] == "small")].set_index("strategy")
    for name, run in summary(alone)["runs"].items():
        for key, value in run.items():
            if key != "seconds" and not isinstance(value, dict | list):
                assert rows.loc[name, key] == value, (name, key)
    assert set(rows["usable_capacity_wh"]) == {4000}


def test_what_is_finished_is_not_computed_again(tmp_path: Path) -> None:
    """A sweep goes on where it stopped; only what a changed entry touches is computed anew."""
    path, out = write_sweep(tmp_path, PLAIN), tmp_path / "out"
    first, computed = run_in_process(path, out)
    assert len(computed) == 4
    again, computed = run_in_process(path, out)
    assert computed == []
    assert [figures(one) for one in again] == [figures(one) for one in first]
    next(iter((out / "cases").iterdir())).write_text('{"key": "half')
    assert len(run_in_process(path, out)[1]) == 1
    path.write_text(PLAIN.replace("12000", "11000"))
    assert run_in_process(path, out)[1] == ["first / base / large", "second / base / large"]
    path.write_text(PLAIN.replace('"small"', '"renamed"'))
    renamed, computed = run_in_process(path, out)
    assert (computed, renamed[0].case.battery) == ([], "renamed")


def test_entries_that_say_the_same_are_computed_once(tmp_path: Path) -> None:
    """Two names for one battery make two rows of one computation."""
    text = PLAIN + '[[batteries]]\nname = "small again"\nusable_capacity_wh = 4000\nmax_charge_w = 2000\n'
    outcomes, computed = run_in_process(write_sweep(tmp_path, text), tmp_path / "out")
    assert len(computed) == 4
    assert [outcome.case.battery for outcome in outcomes] == ["small", "large", "small again"] * 2
    assert figures(outcomes[0]) == figures(outcomes[2])


def test_a_case_that_fails_loses_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prices that end too early fail their cases alone: the others are written, the reason is told, the code is 1."""
    path, out = (
        write_sweep(tmp_path, HEAD.replace("time_of_use", "self_consumption") + BASE + TWO_HOMES + TWO_TARIFFS),
        tmp_path / "out",
    )
    prices = pd.read_csv(tmp_path / "prices.csv")
    prices.head(60).to_csv(tmp_path / "prices.csv", index=False)
    assert main(["sweep", "--config", str(path), "--out", str(out), "--json"]) == EXIT_FAILED
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert [(one["home"], one["tariff"]) for one in document["failed"]] == [("first", "market"), ("second", "market")]
    assert all("no price for" in one["reason"] for one in document["failed"])
    assert "2 of 4 cases failed" in printed.err
    assert set(pd.read_csv(out / "results.csv")["tariff"]) == {"as it is"}
    assert len(list((out / "cases").iterdir())) == 2


def test_what_is_suspicious_about_a_recording_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However many cases replay it."""
    path, out = write_sweep(tmp_path, PLAIN), tmp_path / "out"
    frame = pd.read_csv(tmp_path / "second.csv").assign(pv_forecast_w=1)
    frame.to_csv(tmp_path / "second.csv", index=False)
    assert main(["sweep", "--config", str(path), "--out", str(out), "--workers", "1", "--json"]) == 0
    assert capsys.readouterr().err == f"sunshift: {tmp_path / 'second.csv'}: ignored: pv_forecast_w\n"


def test_a_strategy_that_breaks_is_the_reason_of_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a replay raises becomes the outcome, with its kind and text."""
    sweep = load_sweep(write_sweep(tmp_path, PLAIN))
    monkeypatch.setattr("optimizer.sweep.case.compute", lambda case, recording: 1 / 0)
    outcome = next(in_this_process(sweep, list(sweep.cases)))
    assert outcome.error == "internal error: ZeroDivisionError: division by zero"


def test_another_version_on_a_worker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of two versions never stand in one table."""
    sweep = load_sweep(write_sweep(tmp_path, PLAIN))
    monkeypatch.setattr("optimizer.sweep.case.digest_of_program", lambda strategies: "another")
    assert "another version" in str(next(in_this_process(sweep, list(sweep.cases))).error)


def test_a_worker_that_is_killed_takes_no_case_with_it(tmp_path: Path) -> None:
    """When the system kills a worker, what it was computing is computed again."""
    sweep = load_sweep(write_sweep(tmp_path, PLAIN))
    outcomes = run_here(sweep.cases, sweep.recordings, workers=2)
    known = [next(outcomes)]
    workers = [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]
    assert len(workers) == 2
    workers[0].kill()
    known += outcomes
    assert sorted(one.case.title for one in known) == sorted(case.title for case in sweep.cases)
    assert [one.error for one in known] == [None] * 4


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder with other things in it is not written to; a mistake in the file makes no folder."""
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(SweepError, match="holds something that is no sweep"):
        SweepFolder(tmp_path)
    assert main(["sweep", "--config", str(tmp_path / "none.toml"), "--out", str(tmp_path / "out")]) == EXIT_CONFIG
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]


@pytest.mark.parametrize("summary", [{}, {"runs": {}}, {"period": [], "runs": {}}, None, 3])
def test_a_kept_case_that_is_not_whole_is_computed_again(tmp_path: Path, summary: object) -> None:
    """Whatever became of its file, it is no reason to end."""
    path, out = write_sweep(tmp_path, PLAIN), tmp_path / "out"
    run_in_process(path, out)
    first = min((out / "cases").iterdir())
    held = json.loads(first.read_text())
    first.write_text(json.dumps({**held, "summary": summary}))
    outcomes, computed = run_in_process(path, out)
    assert len(computed) == 1
    assert all(one.error is None and one.summary for one in outcomes)


def test_a_folder_that_cannot_keep_a_case_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier sweep's folder on a disk that has become read-only would lose hours of work at the first case."""

    def refuse(dir: Path) -> None:  # noqa: A002 - as tempfile names it
        raise OSError(errno.EROFS, "Read-only file system", str(dir))

    (tmp_path / "cases").mkdir()
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SweepError, match=r"Read-only file system.*name a folder that you may write"):
        SweepFolder(tmp_path)


def test_a_place_that_cannot_be_written_is_told_with_what_to_do() -> None:
    """Before the first case is computed."""
    with pytest.raises(SweepError, match="name a folder that you may write with --out"):
        SweepFolder(Path("/proc/results"))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Provide a sweep in its own process group, one case finished and another under way."""
    path, out = write_sweep(tmp_path, SMALL), tmp_path / "out"
    command = [sys.executable, "-m", "optimizer", "sweep", "--config", str(path), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    pause = threading.Event()
    while not list((out / "cases").glob("*.json")) and process.poll() is None:
        pause.wait(0.05)
    yield process, path
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(
    started: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    """Ctrl-C stops all processes at once without a traceback; what was finished is not computed again."""
    process, path = started
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == EXIT_INTERRUPTED, err
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert psutil.wait_procs(children, timeout=10)[1] == []
    finished = len(list((tmp_path / "out" / "cases").iterdir()))
    outcomes, computed = run_in_process(path, tmp_path / "out")
    assert 0 < len(computed) == len(outcomes) - finished
    assert list((tmp_path / "out").rglob(".*")) == []


def test_workers_end_with_the_sweep(started: tuple[subprocess.Popen[str], Path]) -> None:
    """A sweep that is killed leaves no process behind."""
    process, _ = started
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []
