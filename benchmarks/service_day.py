"""One simulated day of the service against the simulated battery over HTTP, with counts.

    python benchmarks/service_day.py [v1 | v1-plain | v2]... [--folder DIR]

Polls every 10 s, plans every 15 min over 36 h with 20 futures, the packaged home behind the battery. Exit code 1 where
a day writes more to the disk, or more lines to the journal, than the aims beside the figures.

**Written** is what reaches the card that the state folder lies on: the kernel's own ``write_bytes`` of this process,
whole pages of 4 KiB, each counted as it becomes dirty. So the log of the database counts, and what is written over
again, and the pages of its index, which are mapped and go through no call to write (``wchar`` misses them, and counts
the status and the lease instead, which lie in memory: their folder is put there here as ``/run`` is). A page that is
dirty already is not counted again until it was written back. The kernel does that with what is older than 30 s, and a
day runs here in a minute or two, so the files of the history are written through whenever 30 s of the simulated time
have passed. What the file system writes for itself (its journal, inodes, folders) is in no figure of a process.

**Log lines** are those that the service's own configuration of logging writes at its default level, whoever's they
are, from the first to the last word of a run.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from optimizer.assembly.configuration import Configuration, configuration_from_tables
from optimizer.clock import SimulatedClock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision
from optimizer.history.store import history_path
from optimizer.service.composition import build_daemon
from optimizer.service.log_setup import configure_logging
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = "benchmark"
VARIANTS: dict[str, dict[str, object]] = {
    "v1": {"driver": "sonnen_v1", "mode_control": True},
    "v1-plain": {"driver": "sonnen_v1", "mode_control": False},
    "v2": {"driver": "sonnen_v2"},
}


WRITTEN_AIM_MIB = 15.0
"""What a day may write to the card at most [MiB]."""
LINES_AIM = 200
"""A healthy day has fewer lines in the journal."""
WRITTEN_BACK_S = 30.0
"""How long the kernel leaves what is dirty in memory, as it comes (vm.dirty_expire_centisecs) [s]."""
IN_MEMORY = ("tmpfs", "ramfs")


class WriteBack:
    """Writes the history through as often as the kernel does in real time, so that each page counts as often.

    A file is opened once and closed at the end: to close a database under SQLite gives its locks away.

    Parameters
    ----------
    database
        The history's file; its log and its index lie beside it.
    clock
        Tells the simulated time.
    """

    def __init__(self, database: Path, clock: SimulatedClock) -> None:
        self._paths = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
        self._clock = clock
        self._opened: dict[tuple[int, int], int] = {}
        self._next_s = WRITTEN_BACK_S
        clock.subscribe(self._look)

    def _look(self, _: datetime) -> None:
        if self._clock.elapsed() >= self._next_s:
            self._next_s = self._clock.elapsed() + WRITTEN_BACK_S
            self.write_through()

    def write_through(self) -> None:
        """Write what is dirty to the disk."""
        for path in self._paths:
            if path.exists():
                found = path.stat()
                which = found.st_dev, found.st_ino
                if which not in self._opened:
                    self._opened[which] = os.open(path, os.O_RDONLY)
                os.fdatasync(self._opened[which])

    def close(self) -> None:
        for descriptor in self._opened.values():
            os.close(descriptor)


def written_mib() -> float:
    """Return what this process has had written to disks so far [MiB]."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["write_bytes"]) / 2**20


def lies_in_memory(folder: Path) -> bool:
    """Return whether a folder is on no disk: nothing that is written there would be counted."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    place = folder.resolve()
    above = [(len(Path(at).parts), kind) for at, kind in mounts if place.is_relative_to(at)]
    return max(above)[1] in IN_MEMORY if above else False


@contextmanager
def journal(level: str) -> Iterator[StringIO]:
    """Log as the service does, into memory; the lines of the battery that is simulated beside it are not its own."""
    loggers = [logging.getLogger(name) for name in ("", "sunshift", "optimizer", "strategies", "apscheduler")]
    before = [one.level for one in loggers]
    lines = StringIO()
    handler = configure_logging(level, stream=lines, environ={})
    handler.addFilter(lambda record: not record.name.startswith("sunshift.simulator"))
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)
        for one, was in zip(loggers, before, strict=True):
            one.setLevel(was)


def tables(variant: str, port: int, folder: Path, runtime_dir: Path) -> dict[str, object]:
    battery = {
        **VARIANTS[variant],
        "host": "127.0.0.1",
        "port": port,
        "usable_capacity_wh": 10_000,
        "max_charge_w": 4600,
        "max_discharge_w": 4600,
    }
    if variant == "v2":
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        battery["token_file"] = str(token)
    rules = [
        {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.21},
        {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.38},
    ]
    return {
        "site": {"timezone": "Europe/Berlin", "latitude": 47.66, "longitude": 9.18},
        "battery": battery,
        "tariff": {
            "import": {"kind": "time_of_use", "price_per_kwh": 0.30, "rules": rules},
            "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "forecast": {"pv_peak_kw": 5.0},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(runtime_dir)},
    }


def play(variant: str, folder: Path, runtime_dir: Path) -> list[str]:
    """Run the service for a day and print what it came to; return which aims it missed."""
    clock = SimulatedClock(START)
    plain = variant == "v1-plain"
    house = SimulatedHouse(
        clock=clock,
        battery=BATTERY,
        recording=packaged_profile().shifted_to(START),
        mode=DeviceMode.MANUAL if plain else DeviceMode.AUTOMATIC,
    )
    quirks = Quirks(mode_control=not plain)
    with SimulatorServer(house, token=TOKEN, quirks=quirks) as server:
        port = server.v2_port if variant == "v2" else server.v1_port
        configuration = configuration_from_tables(tables(variant, port, folder, runtime_dir))
        state_dir, level = configuration.settings.service.state_dir, configuration.settings.service.log_level
        before_mib, back = written_mib(), WriteBack(history_path(state_dir), clock)
        with journal(level) as log:
            told = live(configuration, clock)
        back.write_through()
        written = written_mib() - before_mib
        back.close()
        stored = sum(path.stat().st_size for path in state_dir.iterdir()) / 2**20
        print(
            f"{variant}: {told}, {len(server.log.entries)} requests ({len(server.log.writes)} writes), "
            f"{stored:.1f} MiB history, mode {house.mode.name}"
        )
    return judged(variant, written, len(log.getvalue().splitlines()))


def live(configuration: Configuration, clock: SimulatedClock) -> str:
    """Run the service for a day; return what it counted."""
    daemon, real, stop = build_daemon(configuration, clock=clock), WallClock(), threading.Event()
    outcomes: Counter[str] = Counter()
    plans: list[datetime] = []
    daemon.on_plan.append(lambda plan: plans.append(plan.made_at))

    def count(decision: Decision) -> None:
        outcomes[decision.outcome.value] += 1

    daemon.on_decision.append(count)
    clock.subscribe(lambda now: stop.set() if now >= START + timedelta(days=1) else None)
    began_s = real.elapsed()
    daemon.run(stop)
    counters = daemon.counters
    return (
        f"{counters.polls} polls, {counters.setpoints} setpoints, {counters.failures} failures, "
        f"{counters.errors} errors, {counters.hand_backs} hand-backs, {len(plans)} plans, "
        f"handed back {daemon.handed_back}, in {real.elapsed() - began_s:.0f} s; outcomes {dict(outcomes)}"
    )


def judged(variant: str, written: float, lines: int) -> list[str]:
    """Print what has an aim beside it; return which aims were missed."""
    missed = []
    if written > WRITTEN_AIM_MIB:
        missed.append(f"{variant}: more was written than the aim")
    if lines >= LINES_AIM:
        missed.append(f"{variant}: more lines were logged than the aim")
    print(
        f"{variant}: written to the disk {written:.1f} MiB a day (aim: {WRITTEN_AIM_MIB:g} at most), "
        f"{lines} log lines (aim: under {LINES_AIM})",
        flush=True,
    )
    return missed


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"of {', '.join(VARIANTS)}; default: v1 v2")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="where to store, on a disk")
    told = parser.parse_args(arguments)
    told.folder.mkdir(parents=True, exist_ok=True)
    if lies_in_memory(told.folder):
        parser.error(f"{told.folder} lies in memory, where nothing counts as written: give --folder on a disk")
    sys.dont_write_bytecode = True  # what is imported late would count as written
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    missed = []
    for variant in told.variants or ["v1", "v2"]:
        with tempfile.TemporaryDirectory(dir=told.folder) as name, tempfile.TemporaryDirectory(dir=memory) as run:
            missed += play(variant, Path(name), Path(run))
    print("\n".join(missed) if missed else "every aim is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
