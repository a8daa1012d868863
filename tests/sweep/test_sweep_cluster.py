"""A sweep on a real cluster of processes: nothing shared, nothing lost, the same figures."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from optimizer.cli.ending import EXIT_FAILED
from optimizer.cli.main import main
from optimizer.errors import SweepError
from optimizer.sweep.case import attempt
from optimizer.sweep.loading import load_sweep
from support.sweeps import BASE, HEAD, TWO_HOMES, TWO_TARIFFS, figures, write_sweep

distributed = pytest.importorskip("distributed", reason="needs the extra sunshift[cluster]")

WORKERS = ("one", "two", "three")


@dataclass
class Cluster:
    """A scheduler and its workers, each a process of its own."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "scheduler.json").read_text())["address"])

    def start(self, name: str, *words: str) -> None:
        command = [sys.executable, "-m", "dask", *words, "--scheduler-file", str(self.folder / "scheduler.json")]
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def busy(self) -> str:
        """Return the name of a worker that is computing a case."""
        with distributed.Client(self.address, set_as_default=False) as client:
            while True:
                at_work = {address for address, keys in client.processing().items() if keys}
                names = {
                    one["name"] for address, one in client.scheduler_info(-1)["workers"].items() if address in at_work
                }
                if names:
                    return str(min(names))
                threading.Event().wait(0.05)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    found.start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    for name in WORKERS:
        words = ("worker", "--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        found.start(name, *words, "--local-directory", str(folder / name))
    while not (folder / "scheduler.json").exists():
        threading.Event().wait(0.05)
    yield found
    for process in found.processes.values():
        process.kill()
        process.wait()


def test_a_worker_killed_in_the_middle_costs_nothing(tmp_path: Path, cluster: Cluster) -> None:
    """With the files gone and a worker killed in mid-run, every case has the figures it has here."""
    from optimizer.sweep.cluster import run_on_cluster  # noqa: PLC0415 - an extra

    sweep = load_sweep(write_sweep(tmp_path / "sweep", HEAD + BASE + TWO_HOMES + TWO_TARIFFS))
    for path in (tmp_path / "sweep").iterdir():
        path.unlink()
    outcomes = run_on_cluster(sweep.cases, sweep.recordings, address=cluster.address)
    known = [next(outcomes)]
    cluster.processes[cluster.busy()].kill()
    known += outcomes
    assert [one.error for one in known] == [None] * 4
    there = {one.case.title: figures(one) for one in known}
    here = {case.title: figures(attempt(case, sweep.recordings[case.recording])) for case in sweep.cases}
    assert there == here


def test_a_scheduler_that_dies_is_told_in_one_line(
    tmp_path: Path, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is finished is kept, and nothing of Dask's own stands before what happened and how to go on."""
    path, out = write_sweep(tmp_path / "sweep", HEAD + BASE + TWO_HOMES + TWO_TARIFFS), tmp_path / "out"

    def kill() -> None:
        cluster.busy()
        cluster.processes["scheduler"].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    code = main(["sweep", "--config", str(path), "--out", str(out), "--scheduler", cluster.address])
    killer.join()
    kept, why = capfd.readouterr().err.splitlines()
    assert (code, why) == (EXIT_FAILED, "sunshift: the Dask scheduler went away in the middle")
    assert "the same command goes on from there" in kept


@pytest.mark.parametrize("address", ["", "here", "tcp://here", "tcp://here:port", "telnet://here:1"])
def test_what_is_no_address_is_told_before_anything_is_begun(address: str) -> None:
    """With an example of one, and nothing left behind that complains later."""
    from optimizer.sweep.cluster import run_on_cluster  # noqa: PLC0415 - an extra

    with pytest.raises(SweepError, match=r"is no address of a Dask scheduler .*; write one like tcp://"):
        next(run_on_cluster([], {}, address=address))


def test_no_scheduler_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address where nothing listens is named, with what to start there."""
    monkeypatch.setattr("optimizer.sweep.cluster.CONNECT_S", 0.5)
    path = write_sweep(tmp_path)
    words = ["--config", str(path), "--out", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:1"]
    assert main(["sweep", *words]) == EXIT_FAILED
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
