"""The whole service over the simulated battery, on simulated time, under one fault after the other: a table.

    python benchmarks/faults.py [--faults "NAME;..."] [--seeds N] [--days D] [--first-seed N] [--list]

Each run is a home of its own: service and battery over HTTP, as in production, with the fault in windows that the seed
chooses (four a day, of one minute to two hours), a V1 with the mode call, a plain V1 or a V2 by turns. What must never
happen is looked for in the battery's own log and after every control step:

- a forced command outside the limits of the battery or of what was measured;
- a forced command of ours that stands past the end of its lease although the battery takes writes (the service's own
  way back alone: no guard runs here);
- a forced command that stands and is not on record;
- more writes in any hour than the cap (one for every poll), more than 12 entries into manual mode;
- an exception out of a control step;
- at the end a battery that is neither handed back nor on record, or no fresh plan after the fault is over.

Exit code 1 where anything was found.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.clock import SimulatedClock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Power
from optimizer.lease import CommandRecord
from optimizer.service.composition import build_daemon
from optimizer.service.daemon import Daemon
from optimizer.simulator.fault import Fault, FaultKind, Target
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = "benchmark"
UNITS = ("v1", "v1-plain", "v2")
POLL_S, LEASE_S, MODE_CHANGES = 10.0, 90.0, 12
LATE_S = 40.0
"""How late the loop's own way back may be: its slowest poll with jitter, and calls that hang [s]."""
RECOVERY = timedelta(hours=2)
"""Without a fault at the end of a run: the hold-off, and a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One row of the table."""

    name: str
    kind: FaultKind | None = None
    """A scripted fault of the simulator; None: ``act`` is called at the beginning of each window."""
    on: Target = Target.ANY
    parameters: dict[str, object] = field(default_factory=dict)
    act: Callable[[Run, random.Random], None] | None = None
    undo: Callable[[Run], None] | None = None
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Sections of the configuration that differ."""
    real_s: float = 0.0
    """Real time that one befallen request takes [s]: such a fault befalls few of them."""

    @property
    def unit(self) -> str | None:
        """The unit that it needs; None: any."""
        return "v2" if self.kind is FaultKind.VPP else None


@dataclass
class Run:
    """One home under one fault, and what was found."""

    clock: SimulatedClock
    house: SimulatedHouse
    server: SimulatorServer
    daemon: Daemon
    record: CommandRecord
    folder: Path
    mode_control: bool
    lease_end: Callable[[], float | None]
    violations: list[str] = field(default_factory=list)
    worst_late_s: float = 0.0
    writes_an_hour: int = 0
    _verified_s: float = 0.0
    _possible_s: float | None = None
    _writes: deque[datetime] = field(default_factory=deque)
    _entries: deque[datetime] = field(default_factory=deque)
    _seen: int = 0
    _mode: int = 0

    def after_step(self, decision: Decision) -> None:
        """Look at one step and at what the battery was asked meanwhile."""
        self._limits(decision)
        self._log()
        standing = self.lease_end() is not None
        if standing and not self.record.may_stand():
            self._found("a forced command stands and is not on record")
        if self.daemon.counters.errors:
            self._found("an exception left a control step")
        self._lease(decision, standing=standing)

    def _limits(self, decision: Decision) -> None:
        if decision.outcome is not Outcome.APPLIED or not isinstance(decision.setpoint, Power):
            return
        power_w, measured = decision.setpoint.battery_power_w, decision.measurement
        if not -BATTERY.max_discharge_w <= power_w <= BATTERY.max_charge_w:
            self._found(f"sent {decision.setpoint}, past the battery's limits")
        if measured is None:
            self._found(f"sent {decision.setpoint} on no measurement")
        elif (measured.soc >= 1.0 and power_w > 0) or (measured.soc <= (measured.backup_soc or 0.0) and power_w < 0):
            self._found(f"sent {decision.setpoint} at {measured.soc:.0%}")

    def _lease(self, decision: Decision, *, standing: bool) -> None:
        """Measure how long a command stands unverified while the battery would take it back."""
        now_s = self.clock.elapsed()
        verified = decision.measurement is not None and decision.wanted_power_w is not None
        if not standing or verified:
            self._verified_s, self._possible_s = now_s, None
            return
        # From the first time that a write would have been taken.
        self._possible_s = now_s if self._blocked() else (self._possible_s or self._verified_s)
        late_s = now_s - max(self._verified_s + LEASE_S, self._possible_s)
        self.worst_late_s = max(self.worst_late_s, late_s)
        if late_s > LATE_S:
            self._found(f"a forced command stands {late_s:.0f} s past its lease")

    def _blocked(self) -> bool:
        if self.house.availability() is not Availability.UP or self.house.vpp_active:
            return True
        now = self.house.now
        return any(one.covers(now) and one.on is not Target.READS for one in self.server.faults.faults)

    def _log(self) -> None:
        """Count writes and entries into manual mode in the battery's own log."""
        fresh = self.server.log.entries
        for entry in fresh[-max(0, self.server.log.count - self._seen) :] if self.server.log.count > self._seen else ():
            if entry.is_write and "/setpoint/" in entry.path:
                self._writes.append(entry.at)
            if entry.is_write and entry.mode == DeviceMode.MANUAL != self._mode:
                self._entries.append(entry.at)
            self._mode = entry.mode
        self._seen = self.server.log.count
        for times in (self._writes, self._entries):
            while times and self.house.now - times[0] >= timedelta(hours=1):
                times.popleft()
        self.writes_an_hour = max(self.writes_an_hour, len(self._writes))
        # An entry zeroes both setpoints before it sends the watts: three requests a poll at most.
        if len(self._writes) > 3 * 3600 / POLL_S:
            self._found(f"{len(self._writes)} writes in an hour")
        if len(self._entries) > MODE_CHANGES:
            self._found(f"{len(self._entries)} entries into manual mode in an hour")

    def at_the_end(self, *, planned: bool) -> str:
        """Judge what is left; return the last state in a word."""
        manual = self.house.mode is DeviceMode.MANUAL and self.mode_control
        safe = not manual and self.house.setpoint_w in (0.0, None)
        if not safe and not self.record.may_stand():
            self._found("it ended with a command standing that is not on record")
        if not planned:
            self._found("no fresh plan two hours after the fault")
        return "SAFE" if safe else "on record"

    def _found(self, what: str) -> None:
        if len(self.violations) < 20:
            self.violations.append(f"{self.house.now:%d %H:%M:%S}: {what}")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def _scripted() -> list[Trouble]:
    """Return every kind of the simulator, on reads and writes apart where both have a meaning."""
    kinds = FaultKind
    rows = [Trouble(name="none")]
    slow = {kinds.HANG: 5.0, kinds.SLOW: 3.0, kinds.DRIP: 5.0, kinds.LENGTH_TOO_LONG: 5.0, kinds.GZIP_BOMB: 1.0}
    states = (
        kinds.REFUSE, kinds.NOT_FOLLOWED, kinds.DERATED, kinds.AMBIENT, kinds.RESTART, kinds.BATTERY_CARE,
        kinds.OFF_GRID, kinds.VPP, kinds.FOREIGN_MODE, kinds.FOREIGN_SETPOINT, kinds.FOREIGN_RESERVE, kinds.CLOCK_SKEW,
        kinds.CRASH_WHEN_POLLED_FAST,
    )  # fmt: skip
    rows += [Trouble(name=kind.value, kind=kind) for kind in states]
    both = (
        kinds.HANG, kinds.SLOW, kinds.DRIP, kinds.RESET, kinds.TRUNCATED, kinds.LENGTH_TOO_LONG, kinds.ANSWER_LOST,
        kinds.GZIP_BOMB, kinds.HTML, kinds.EMPTY, kinds.HTTP_STATUS, kinds.RETURN_CODE, kinds.REDIRECT,
    )  # fmt: skip
    for kind in both:
        rows += [
            Trouble(name=f"{kind.value}, {on.value}", kind=kind, on=on, real_s=slow.get(kind, 0.0))
            for on in (Target.READS, Target.WRITES)
        ]
    said = (
        kinds.LENGTH_TOO_SHORT, kinds.IDLE_RESET, kinds.NESTED, kinds.WRONG_TYPES, kinds.NUMBERS_AS_TEXT, kinds.NULL,
        kinds.NAN, kinds.HUGE_NUMBER, kinds.DUPLICATE_KEY, kinds.MISSING_KEY, kinds.FROZEN_STATUS,
    )  # fmt: skip
    rows += [Trouble(name=kind.value, kind=kind, on=Target.READS) for kind in said]
    values = (("USOC", -1), ("USOC", 101), ("USOC", 255), ("Pac_total_W", 200_000), ("Consumption_W", -5000))
    rows += [
        Trouble(name=f"{key} = {value}", kind=kinds.VALUE, on=Target.READS, parameters={"key": key, "value": value})
        for key, value in values
    ]
    for status in (401, 403, 429, 503):
        rows.append(Trouble(name=f"HTTP {status}", kind=kinds.HTTP_STATUS, parameters={"status": status}))
    for code in (5, 16):
        rows.append(Trouble(name=f"ReturnCode {code}", kind=kinds.RETURN_CODE, parameters={"code": code}))
    return rows


def _remove(run: Run, _: random.Random) -> None:
    """Take the folder of intent and history away."""
    folder = run.folder / "state"
    if folder.is_dir() and not (run.folder / "away").exists():
        folder.rename(run.folder / "away")


def _put_back(run: Run) -> None:
    away, target = run.folder / "away", run.folder / "state"
    if away.exists():
        target.mkdir(exist_ok=True)
        for path in away.iterdir():
            if not (target / path.name).exists():
                path.rename(target / path.name)
        shutil.rmtree(away)


def _set_clock(seconds: float) -> Callable[[Run, random.Random], None]:
    return lambda run, chance: run.clock.step_wall_clock(seconds * chance.choice((-1, 1)))


def _withdraw(run: Run, _: random.Random) -> None:
    run.daemon.board.withdraw("the benchmark says so")


NEGATIVE = {"import": {"kind": "fixed", "price_per_kwh": -0.20}, "export": {"kind": "fixed", "price_per_kwh": -0.05}}


def troubles() -> list[Trouble]:
    """Return every row of the table."""
    return [
        *_scripted(),
        Trouble(name="foreign_mode 10", kind=FaultKind.FOREIGN_MODE, parameters={"mode": 10}),
        Trouble(name="clock steps by 30 s", act=_set_clock(30.0)),
        Trouble(name="clock steps by an hour", act=_set_clock(3600.0)),
        Trouble(name="state folder gone", act=_remove, undo=_put_back),
        Trouble(name="plan withdrawn", act=_withdraw),
        Trouble(name="negative prices", tables={"tariff": NEGATIVE}),
    ]


# -- one run ----------------------------------------------------------------------------------------------------------


def tables(unit: str, port: int, folder: Path, sections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    battery: dict[str, Any] = {
        "driver": "sonnen_v2" if unit == "v2" else "sonnen_v1", "host": "127.0.0.1", "port": port,
        "usable_capacity_wh": 10_000, "max_charge_w": 4600, "max_discharge_w": 4600,
    }  # fmt: skip
    if unit == "v2":
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        battery["token_file"] = str(token)
    else:
        battery["mode_control"] = unit == "v1"
    rules = [
        {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.18},
        {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.42},
    ]
    told: dict[str, Any] = {
        "site": {"timezone": "Europe/Berlin", "latitude": 47.66, "longitude": 9.18},
        "battery": battery,
        "tariff": {
            "import": {"kind": "time_of_use", "price_per_kwh": 0.30, "rules": rules},
            "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "forecast": {"pv_peak_kw": 5.0},
        "planning": {"horizon": "24h", "scenarios": 3},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }
    return {**told, **sections}


def windows(chance: random.Random, days: float) -> list[tuple[float, float]]:
    """Return when the fault acts, four times a day, and not in the last two hours [s after the start]."""
    length_s = days * 86_400.0 - RECOVERY.total_seconds()
    count = max(1, round(4 * days))
    share_s = length_s / count
    found = []
    for index in range(count):
        lasts_s = min(chance.choice((60.0, 150.0, 600.0, 7200.0)), 0.8 * share_s)
        begins_s = index * share_s + chance.random() * (share_s - lasts_s)
        found.append((begins_s, begins_s + lasts_s))
    return found


def faults_of(trouble: Trouble, spans: Sequence[tuple[float, float]]) -> tuple[Fault, ...]:
    """Return the scripted faults of a row; what costs real time befalls only a few requests of each window."""
    if trouble.kind is None:
        return ()
    made = []
    for begins_s, ends_s in spans:
        lasts_s = min(ends_s - begins_s, 130.0) if trouble.real_s else ends_s - begins_s
        made.append(
            Fault(
                name=trouble.name,
                kind=trouble.kind,
                on=trouble.on,
                parameters=trouble.parameters,
                start=START + timedelta(seconds=begins_s),
                end=START + timedelta(seconds=begins_s + lasts_s),
            )
        )
    return tuple(made)


def _wire_actions(run: Run, trouble: Trouble, spans: Sequence[tuple[float, float]], chance: random.Random) -> None:
    """Let what is not scripted in the simulator happen as simulated time reaches its windows."""
    todo: list[tuple[float, Callable[[], None]]] = []
    for begins_s, ends_s in spans:
        if trouble.act is not None:
            todo.append((begins_s, partial(trouble.act, run, chance)))
        if trouble.undo is not None:
            todo.append((ends_s, partial(trouble.undo, run)))

    def follow(_: datetime) -> None:
        while todo and run.clock.elapsed() >= todo[0][0]:
            todo.pop(0)[1]()

    run.clock.subscribe(follow)


def play(trouble: Trouble, seed: int, days: float, folder: Path) -> tuple[Run, str]:
    """Run one home under one fault; return what was found and the last state."""
    chance = random.Random(f"{trouble.name} {seed}")
    unit = trouble.unit or UNITS[(seed + len(trouble.name)) % len(UNITS)]
    clock = SimulatedClock(START)
    house = SimulatedHouse(
        clock=clock, battery=BATTERY, recording=packaged_profile().shifted_to(START - timedelta(days=7 * (seed % 4))),
        mode=DeviceMode.MANUAL if unit == "v1-plain" else DeviceMode.AUTOMATIC,
        initial_soc=chance.choice((0.02, 0.2, 0.5, 0.8, 0.99)), nightly_restart=NightlyRestart(),
    )  # fmt: skip
    spans = windows(chance, days)
    quirks = Quirks(mode_control=unit == "v1")
    with SimulatorServer(house, token=TOKEN, quirks=quirks, faults=faults_of(trouble, spans), log_size=500) as server:
        port = server.v2_port if unit == "v2" else server.v1_port
        # Every other home commands all the time: more forced commands meet the fault.
        sections = {"control": {"poll_interval": f"{POLL_S:.0f}s", "prefer_automatic": seed % 2 == 1}}
        configuration = configuration_from_tables(tables(unit, port, folder, {**sections, **trouble.tables}))
        daemon = build_daemon(configuration, clock=clock)
        record = CommandRecord(folder / "state", folder / "run")
        lease_end = daemon._loop._lease_end  # noqa: SLF001 - the service shows it to people only in the status
        run = Run(clock, house, server, daemon, record, folder, mode_control=unit != "v1-plain", lease_end=lease_end)
        _wire_actions(run, trouble, spans, chance)
        daemon.on_decision.append(run.after_step)
        stop, end_s = threading.Event(), days * 86_400.0
        planned: list[bool] = []

        def watch(now: datetime) -> None:
            if clock.elapsed() >= end_s and not stop.is_set():
                planned.append(daemon.board.current(now) is not None)
                stop.set()

        clock.subscribe(watch)
        daemon.run(stop)
        return run, run.at_the_end(planned=bool(planned and planned[-1]))


# -- the table --------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faults", default="", help="beginnings of names, separated by semicolons; default: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--days", type=float, default=2.0, help="simulated days of each run, from 0.2 on")
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    told = parser.parse_args(arguments)
    chosen = tuple(name for name in told.faults.split(";") if name)
    rows = [one for one in troubles() if not chosen or one.name.startswith(chosen)]
    if told.list:
        print("\n".join(one.name for one in rows))
        return 0
    logging.getLogger("sunshift").addHandler(logging.NullHandler())
    logging.disable(logging.CRITICAL)
    print(f"{len(rows)} faults x {told.seeds} seeds x {told.days:g} days")
    print(f"{'fault':28} {'found':>5} {'late [s]':>8} {'writes/h':>8} {'last state':>18} {'real [s]':>8}", flush=True)
    found = 0
    for row in rows:
        found += _row(row, range(told.first_seed, told.first_seed + told.seeds), told.days)
    print(f"{found} violations")
    return 1 if found else 0


def _row(trouble: Trouble, seeds: range, days: float) -> int:
    """Run and print one row; return how many violations it has."""
    clock = WallClock()
    began_s = clock.elapsed()
    runs, ends = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            run, end = play(trouble, seed, days, Path(folder))
        runs.append((seed, run))
        ends.append(end)
    states = ", ".join(f"{ends.count(state)} {state}" for state in dict.fromkeys(ends))
    count = sum(len(run.violations) for _, run in runs)
    late_s, writes = max(run.worst_late_s for _, run in runs), max(run.writes_an_hour for _, run in runs)
    took_s = clock.elapsed() - began_s
    print(f"{trouble.name:28} {count:5} {late_s:8.0f} {writes:8} {states:>18} {took_s:8.1f}", flush=True)
    for seed, run in runs:
        for what in run.violations[:3]:
            print(f"    seed {seed}: {what}", flush=True)
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
