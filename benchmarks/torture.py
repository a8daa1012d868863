"""Torture of what is on record: kills, SIGTERMs and power cuts at random moments.

    python benchmarks/torture.py [--kills N] [--terms N] [--record-cuts N] [--history-cuts N] [--seed N]

**Kills, SIGTERMs.** The service runs in a process of its own, sixty times as fast as the clock on the wall, against a
simulated battery over HTTP; it is ended at a random moment, three in four times once it has a command at the battery,
and started again in the same folders. After each end: a forced command that stands at the battery is on record;
intent, lease and status are whole; the history passes SQLite's own integrity check. After an orderly end at SIGTERM
none stands, on record or not, for the battery can be reached all the time. After every tenth kill no service follows,
and the guard must hand back by itself.

**Power cuts of the record.** The record's own code runs on a disk that keeps only what was flushed: a written file may
be empty, cut off or whole until its fsync; a renaming or removal may or may not have happened until the folder's.
At each point at which a command may be at the battery, every such disk must still hold the intent.

**Power cuts of the history.** Database and log are copied between commits, the log's tail is cut off or overwritten
with rubbish, as a disk leaves what was appended last: the copy must open, pass the integrity check and hold every row
up to some instant. The database itself is copied as the kernel has it: no page of it that was never flushed is lost.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.clock import SimulatedClock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.guard import guard
from optimizer.history.store import HistoryStore, history_path
from optimizer.release import record as record_module
from optimizer.release.record import CommandRecord, Lease
from optimizer.service.composition import build_daemon
from optimizer.service.signals import stop_on_signals
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.scaled_clock import ScaledClock
from optimizer.simulator.server import SimulatorServer

SPEED = 60.0
START = datetime(2026, 5, 4, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
ENDS_WITHIN_S = 20.0
STANDS_WITHIN_S = 10.0
"""A service has its first command at the battery within this, or is ended without."""


# -- the service in a process of its own ------------------------------------------------------------------------------


def tables(folder: Path, port: int) -> dict[str, Any]:
    return {
        "site": {"timezone": "Europe/Berlin"},
        "battery": {
            "driver": "sonnen_v1", "host": "127.0.0.1", "port": port, "mode_control": True,
            "usable_capacity_wh": 10_000, "max_charge_w": 4600, "max_discharge_w": 4600,
        },
        "tariff": {
            "import": {"kind": "fixed", "price_per_kwh": 0.30}, "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "control": {"prefer_automatic": False},
        "strategy": {"name": "self_consumption"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }  # fmt: skip


def serve(folder: Path, port: int) -> None:
    """Run the service until a signal; the child's whole life."""
    logging.disable(logging.CRITICAL)
    stop = threading.Event()
    with stop_on_signals(stop):
        configuration = configuration_from_tables(tables(folder, port))
        build_daemon(configuration, clock=ScaledClock(speed=SPEED)).run(stop)


class Torture:
    """One battery and the folders of the services that come and go."""

    def __init__(self, folder: Path, server: SimulatorServer, chance: random.Random) -> None:
        self.folder, self.server, self.chance = folder, server, chance
        self.record = CommandRecord(folder / "state", folder / "run")
        self.config = folder / "sunshift.toml"
        self.config.write_text(
            f'[battery]\ndriver = "sonnen_v1"\nhost = "127.0.0.1"\nport = {server.v1_port}\nmode_control = true\n'
        )
        self.problems: list[str] = []
        self.forced = self.recorded = self.guarded = 0
        self._clock = WallClock()
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["optimizer.service.composition", "optimizer.service.scheduler_runner"])

    def end_one(self, number: signal.Signals, name: str) -> None:
        """Start a service, end it after a while, and look at what is left."""
        process = self._processes.Process(target=serve, args=(self.folder, self.server.v1_port))
        before = self.record.stamp()
        process.start()
        assert process.pid is not None
        self._wait_a_while()
        os.kill(process.pid, number)
        process.join(ENDS_WITHIN_S)
        if process.is_alive():
            self.problems.append(f"{name}: it did not end within {ENDS_WITHIN_S:.0f} s")
            process.kill()
            process.join()
        self._look(name)
        if number == signal.SIGTERM:
            self._must_be_handed_back(name, process.exitcode, commanded=self.record.stamp() != before)

    def _wait_a_while(self) -> None:
        """Wait for a moment of its life: mostly once it has sent a command, else from its start on."""
        if self.chance.random() < 0.75:
            give_up_s = self._clock.elapsed() + STANDS_WITHIN_S
            before = self.record.stamp()  # what stands may be of the service before
            while not (self._stands() and self.record.stamp() != before) and self._clock.elapsed() < give_up_s:
                threading.Event().wait(0.003)
            threading.Event().wait(0.3 * self.chance.random() ** 2)
        else:
            threading.Event().wait(self.chance.choice((0.1, 0.4, 1.0)) * (0.2 + self.chance.random()))

    def _stands(self) -> bool:
        with self.server.house.lock:
            return self.server.house.mode is DeviceMode.MANUAL

    def _look(self, name: str) -> None:
        stands = self._stands()
        may_stand = self.record.may_stand()
        self.forced += stands
        self.recorded += may_stand
        if stands and not may_stand:
            self.problems.append(f"{name}: a forced command stands and is not on record")
        for path in (self.record.intent_path, self.record.lease_path, self.folder / "run" / "status.json"):
            self._must_be_whole(path, name)
        database = history_path(self.folder / "state")
        if database.exists():
            with closing(sqlite3.connect(database)) as connection:
                verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if verdict != "ok":
                self.problems.append(f"{name}: the history is corrupt: {verdict}")
        if any((self.folder / "state").glob("*corrupt*")):
            self.problems.append(f"{name}: the service moved its history aside as corrupt")

    def _must_be_handed_back(self, name: str, code: int | None, *, commanded: bool) -> None:
        """Judge an end at SIGTERM: nothing of the service's stands unless the battery could not be reached.

        A SIGTERM that comes before the service listens for it ends the process by itself, and what stands then is of
        the one before. It listens before it builds anything, so whoever has touched the record has listened.

        Parameters
        ----------
        code
            How the process ended.
        commanded
            Whether it touched the record.
        """
        if code not in (0, -signal.SIGTERM):
            self.problems.append(f"{name}: the service ended with {code}")
        house = self.server.house
        with house.lock:
            reached = house.availability() is Availability.UP and not house.vpp_active
        if reached and (code == 0 or commanded) and self._stands():
            self.problems.append(f"{name}: a forced command stands after SIGTERM and nobody handed it back")

    def _must_be_whole(self, path: Path, name: str) -> None:
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            pass
        except ValueError as error:
            self.problems.append(f"{name}: {path.name} is not whole: {error}")

    def let_the_guard_look(self, name: str) -> None:
        """Let the guard alone hand back what stands, long after every lease."""
        stood = self.record.may_stand()
        code, told = guard(self.record, self.config, now_s=math.inf, environ={})
        self.guarded += stood
        if code or self.server.house.mode is DeviceMode.MANUAL or self.record.may_stand():
            self.problems.append(f"{name}: the guard left it standing: {told}")


def kills_and_terms(kills: int, terms: int, chance: random.Random) -> list[str]:
    """End services and return what was wrong."""
    clock = WallClock()
    house = SimulatedHouse(
        clock=ScaledClock(speed=SPEED, base=clock, start=START), battery=BATTERY,
        recording=packaged_profile().shifted_to(START), mode=DeviceMode.AUTOMATIC,
    )  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as name,
        SimulatorServer(house, quirks=Quirks(mode_control=True), v2_port=None, log_size=10) as server,
    ):
        torture = Torture(Path(name), server, chance)
        for what, number, count in (("kill", signal.SIGKILL, kills), ("SIGTERM", signal.SIGTERM, terms)):
            torture.forced = torture.recorded = torture.guarded = 0
            began_s = clock.elapsed()
            for index in range(count):
                torture.end_one(number, f"{what} {index}")
                if what == "kill" and index % 10 == 9:
                    torture.let_the_guard_look(f"{what} {index}")
                if index % 50 == 49 or index == count - 1:
                    print(
                        f"{index + 1} {what}s: {torture.forced} with a forced command standing, {torture.recorded} on "
                        f"record, {torture.guarded} taken back by the guard alone, {len(torture.problems)} problems, "
                        f"{clock.elapsed() - began_s:.0f} s",
                        flush=True,
                    )
        return torture.problems


# -- power cuts of the record -----------------------------------------------------------------------------------------


class ForgetfulDisk:
    """Two folders of which only what was flushed outlives a power cut: per name, every state it may be found in."""

    def __init__(self) -> None:
        self.now: dict[Path, str] = {}
        """What a running program sees."""
        self.may_be: dict[Path, set[str | None]] = {}
        """What may be found after a cut, by name; None: no such file."""
        self._flushed: set[Path] = set()

    def write(self, path: Path, text: str) -> None:
        """Write a new file: until it is flushed any part of it may be there."""
        self.now[path] = text
        self._flushed.discard(path)
        self.may_be[path] = {None, "", text[: len(text) // 2], text}

    def flush(self, path: Path) -> None:
        self._flushed.add(path)
        self.may_be[path] = {None, self.now[path]}  # its name may still be lost

    def rename(self, source: Path, target: Path) -> None:
        text = self.now.pop(source)
        content: set[str | None] = {text} if source in self._flushed else {"", text[: len(text) // 2], text}
        self.may_be[target] = self.may_be.get(target, {None}) | content
        self.now[target] = text
        if source in self._flushed:
            self._flushed.add(target)

    def remove(self, path: Path) -> None:
        self.now.pop(path, None)
        self.may_be[path] = self.may_be.get(path, {None}) | {None}

    def flush_folder(self, folder: Path) -> None:
        for path in [one for one in self.may_be if one.parent == folder]:
            text = self.now.get(path)
            whole = path in self._flushed or text is None
            self.may_be[path] = {text} if whole else {"", (text or "")[: len(text or "") // 2], text}


def record_cuts(count: int, chance: random.Random) -> list[str]:
    """Cut the power at random moments of the record's life; return where an intent was lost or wrongly kept."""
    problems: list[str] = []
    done = 0
    with tempfile.TemporaryDirectory() as name:
        record = CommandRecord(Path(name) / "state", Path(name) / "run")
        while done < count:
            problems += _one_life(record, chance)
            done += LIFE_STEPS
    print(f"{done} power cuts of the record: {len(problems)} problems", flush=True)
    return problems


LIFE_STEPS = 20


def _one_life(record: CommandRecord, chance: random.Random) -> list[str]:
    """Hold and drop at random with the real code on a forgetful disk; after each the power could be cut."""
    problems: list[str] = []
    disk, standing, gone = ForgetfulDisk(), False, False
    record.clear()
    with _on(disk):
        for step in range(LIFE_STEPS):
            if chance.random() < 0.7:
                lease = Lease(command=f"charge {step} W", until_s=90.0 + step, length_s=90.0)
                record.renew(lease)
                if not standing:
                    record.intend(lease.command)
                standing, gone = True, False
            else:
                record.clear()
                standing, gone = False, True
            left = disk.may_be.get(record.intent_path, {None})
            found = chance.choice(sorted(left, key=str))
            if standing and None in left:
                problems.append(f"step {step}: a power cut here loses the intent")
            if gone and left != {None}:
                problems.append(f"step {step}: a power cut here brings a dropped intent back")
            if standing and found is not None:
                json.loads(found)
    return problems


class _on:  # noqa: N801 - reads as a word where it is used
    """Let the record's module write through to a forgetful disk as well as to the real one."""

    def __init__(self, disk: ForgetfulDisk) -> None:
        self._disk = disk
        self._before: tuple[Any, ...] = ()
        self._paths: dict[int, Path] = {}

    def __enter__(self) -> None:
        disk, paths, real = self._disk, self._paths, os
        self._before = (Path.replace, Path.unlink)

        class Os:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            @staticmethod
            def open(path: Path, flags: int, mode: int = 0o777) -> int:
                descriptor: int = real.open(path, flags, mode)
                paths[descriptor] = Path(path)
                return descriptor

            @staticmethod
            def fsync(descriptor: int) -> None:
                path = paths[descriptor]
                if path.is_dir():
                    disk.flush_folder(path)
                else:
                    disk.write(path, path.read_text())
                    disk.flush(path)

        replace, unlink = Path.replace, Path.unlink

        def renamed(path: Path, target: Path) -> Path:
            if path not in disk.now or disk.now[path] != path.read_text():
                disk.write(path, path.read_text())
            disk.rename(path, Path(target))
            return replace(path, target)

        def removed(path: Path, missing_ok: bool = False) -> None:
            if path.exists():
                disk.remove(path)
            unlink(path, missing_ok=missing_ok)

        vars(record_module)["os"] = Os()
        Path.replace, Path.unlink = renamed, removed  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        vars(record_module)["os"] = os
        Path.replace, Path.unlink = self._before  # type: ignore[method-assign]


# -- power cuts of the history ----------------------------------------------------------------------------------------


def history_cuts(count: int, chance: random.Random) -> list[str]:
    """Cut the power under the history; return what was wrong afterwards."""
    problems: list[str] = []
    lost = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = SimulatedClock(START)
        (folder / "live").mkdir()
        store = HistoryStore(history_path(folder / "live"), clock=clock)
        committed: list[datetime] = []
        for index in range(count):
            batch = [_measurement(clock) for _ in range(chance.randrange(1, 8))]
            for one in batch:
                store.add_measurement(one)
            store.flush()
            committed += [one.at for one in batch]
            kept, what = _cut(folder, chance, committed)
            lost += len(committed) > kept
            problems += [f"cut {index}: {one}" for one in what]
        store.close()
    print(f"{count} power cuts of the history: {lost} lost its last rows, {len(problems)} problems", flush=True)
    return problems


def _cut(folder: Path, chance: random.Random, committed: Sequence[datetime]) -> tuple[int, list[str]]:
    """Copy the history as a cut might leave it and open the copy; return how many rows it kept.

    Modelled is a log of which only a beginning reached the disk, up to some byte of its last 40 kB, with nothing,
    zeroes or rubbish behind. Not modelled is a file system that keeps later pages of the log and loses earlier ones,
    nor one that loses or tears what was written into the database: that is copied as the kernel sees it, with every
    page of the last checkpoint, flushed or not. What saves the history there is that SQLite flushes the log before a
    checkpoint and the database after it, before the log is begun anew; this cut would not notice if it did not.
    """
    live, after = history_path(folder / "live"), history_path(folder / "after")
    shutil.rmtree(after.parent, ignore_errors=True)
    after.parent.mkdir()
    shutil.copy(live, after)
    log = live.with_name(live.name + "-wal")
    if log.exists():
        content = bytearray(log.read_bytes())
        cut = chance.randrange(max(0, len(content) - 40_000), len(content) + 1)
        rubbish = chance.choice((b"", b"\0" * (len(content) - cut), chance.randbytes(len(content) - cut)))
        after.with_name(after.name + "-wal").write_bytes(bytes(content[:cut]) + rubbish)
    problems = []
    with closing(sqlite3.connect(after)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        problems.append(f"corrupt: {verdict}")
    with HistoryStore(after, clock=SimulatedClock(START)) as store:
        found = [one.at for one in store.measurements(committed[0], committed[-1] + timedelta(seconds=1))]
    if found != list(committed[: len(found)]):
        problems.append("rows are missing in the middle")
    return len(found), problems


def _measurement(clock: SimulatedClock) -> Measurement:
    clock.advance(10.0)
    return Measurement(
        at=clock.now(), elapsed_s=clock.elapsed(), consumption_w=500.0, production_w=0.0, battery_power_w=0.0, soc=0.5
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--terms", type=int, default=200)
    parser.add_argument("--record-cuts", type=int, default=10_000)
    parser.add_argument("--history-cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(arguments)
    chance = random.Random(told.seed)
    problems = record_cuts(told.record_cuts, chance) if told.record_cuts else []
    problems += history_cuts(told.history_cuts, chance) if told.history_cuts else []
    problems += kills_and_terms(told.kills, told.terms, chance) if told.kills or told.terms else []
    print("\n".join(problems[:20]) if problems else "nothing corrupt, no intent lost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
