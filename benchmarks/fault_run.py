"""One run of :mod:`faults`: a home, its service and its battery under one fault, and what must never happen."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from direct_line import DirectLine
from fault_rows import UNITS, Trouble
from fault_witness import HOMES, Commands, FrozenStatus, Home, LeftToOthers, OursAtTheBattery, forget, told_w
from resting_pace import CALM_POLL_S, RestingPace
from whims import Whim

from optimizer.assembly.configuration import Configuration, configuration_from_tables
from optimizer.assembly.device import build_device
from optimizer.clock import Clock, SimulatedClock
from optimizer.control.options import ControlOptions
from optimizer.devices.port import BatteryDevice
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power
from optimizer.release.record import CommandRecord
from optimizer.service.composition import build_daemon
from optimizer.service.daemon import Daemon
from optimizer.service.pace import JITTER, SLOWEST_S
from optimizer.simulator.fault import STATE_FAULTS, Fault, Target
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.request_log import LogEntry
from optimizer.simulator.server import SimulatorServer

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = "benchmark"
POLLS_S = (60.0, 30.0, 60.0, 20.0, 30.0, 60.0, 20.0, 60.0, 30.0, 10.0)
"""Between two control steps, by turns: the slow ones, which cost least, oftener [s]."""
CALLS_S = 7.0
"""What calls that hang may add to a wait [s]."""
MODE_CHANGES = 12
MORE_WRITES = 12
"""Commands an hour beyond one for each poll: nought before each entry into manual mode that is allowed."""
TOO_SOON = 12
"""Commands an hour that repeat the one before, which was taken, sooner than ``reassert`` asks for: a healthy battery
needs none but nought when manual mode is left from idle; a fault costs one as answers come back, and five quick tries.
"""
SOONEST = timedelta(seconds=ControlOptions().min_send_interval_s)
"""What stands may lie past a limit so long after it was sent: that is the least time between two setpoints."""
HOLD_OFF = timedelta(seconds=ControlOptions().hold_off_s)
NEAR_S = 60.0
"""So long before and after a fault every call goes over the wire [s]."""
RECOVERY = timedelta(hours=2)
"""Without a fault at the end of a run: the hold-off, and a plan. Planned so often, and a plan is trusted so long: the
one that is trusted at the end was made after the last fault, and forced commands of a plan meet every fault before."""
FLUSH = timedelta(hours=1)
"""How often the history is written where the fault is not about the disk: a sixth of a run would be spent on that."""


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
    home: Home
    poll_s: float
    lease_s: float
    commands: Commands
    max_age_s: float
    lease_end: Callable[[], float | None]
    pace: RestingPace
    whim: Whim
    ours: OursAtTheBattery
    others: LeftToOthers
    frozen: FrozenStatus
    is_stubborn: bool = False
    """Whether the battery ignores to be handed back."""
    violations: list[str] = field(default_factory=list)
    worst_late_s: float = 0.0
    writes_an_hour: int = 0
    """Commands beyond one a poll, at most."""
    again_an_hour: int = 0
    """Commands that repeat the one before too soon, at most."""
    _verified_s: float = 0.0
    _possible_s: float | None = None
    _polls: deque[datetime] = field(default_factory=deque)
    _entries: deque[datetime] = field(default_factory=deque)
    _seen: int = 0
    _mode: int = 0
    _commanded: bool = False
    _spoken_of: bool = False
    _last: Decision | None = None
    _stepped_s: float = 0.0
    _sent_at: datetime = START

    def after_step(self, decision: Decision) -> None:
        """Look at one step and at what the battery was asked meanwhile."""
        self._limits(decision)
        self._log()
        if decision.outcome is Outcome.FAILED:
            self.commands.expect_again()
        standing = self.lease_end() is not None
        if standing and not self.record.may_stand():
            self._found("a forced command stands and is not on record")
        if self.daemon.counters.errors:
            self._found("an exception left a control step")
        self._lease(decision, standing=standing)
        self._off_record()
        self._commanded = standing and decision.measurement is not None
        self._last, self._stepped_s = decision, self.clock.elapsed()

    def _off_record(self) -> None:
        """Look for what of ours the battery stores with nobody knowing: it acts, or will once the mode is manual."""
        where = None if self.record.may_stand() else self.ours.where()
        if where is not None and not self._spoken_of:
            self._found(f"{where}, and is not on record")
        self._spoken_of = where is not None

    def _limits(self, decision: Decision) -> None:
        """Hold what is sent, and what is left standing, against the home's limits and what was measured."""
        setpoint, measured, now = decision.setpoint, decision.measurement, self.house.now
        sent = decision.outcome is Outcome.APPLIED
        self._sent_at = now if sent else self._sent_at
        # What is kept was looked at by a strategy; what is in doubt is not judged, and ends with its lease.
        kept = decision.outcome is Outcome.KEPT and decision.wanted_power_w is not None
        if not isinstance(setpoint, Power) or not (sent or (kept and now - self._sent_at >= SOONEST)):
            return
        if measured is None:
            self._found(f"sent {setpoint} on no measurement")
            return
        wrong = self.home.objection(setpoint.battery_power_w, measured)
        if wrong is not None:
            self._found(f"{'sent' if sent else 'kept'} {setpoint}, past a limit: {wrong}")
        if sent:
            self._ramp(setpoint.battery_power_w, measured)

    def _ramp(self, power_w: float, measured: Measurement) -> None:
        before = None if self._last is None else self._last.setpoint
        if not isinstance(before, Power):
            return  # from automatic mode it starts wherever the battery was
        passed_s = self.clock.elapsed() - self._stepped_s
        if self.home.too_steep(before.battery_power_w, power_w, passed_s, measured):
            self._found(f"sent {Power(power_w)} {passed_s:.0f} s after {before}, past the ramp")

    def _lease(self, decision: Decision, *, standing: bool) -> None:
        """Measure how long a command stands unverified while the battery would take it back.

        What acts at the battery stands, whatever the service believes; nothing verifies what it does not believe in.
        """
        now_s = self.clock.elapsed()
        # Old data verify nothing, whatever the service makes of them.
        fresh = self.frozen.for_s(self.house.now) <= self.max_age_s + self.poll_s
        verified = standing and fresh and decision.measurement is not None and decision.wanted_power_w is not None
        if verified or not (standing or self.ours.acts()):
            self._verified_s, self._possible_s = now_s, None
            return
        # From the first time that a write would have been taken.
        self._possible_s = now_s if self._blocked() else (self._possible_s or self._verified_s)
        late_s = now_s - max(self._verified_s + self.lease_s, self._possible_s)
        self.worst_late_s = max(self.worst_late_s, late_s)
        # What was accepted and ignored is told to end once a lease: it stands so much longer after it would be obeyed.
        if late_s > self.late_at_most_s + (0.0 if standing else self.lease_s):
            who = "" if standing else ", which the service holds to be over,"
            self._found(f"a forced command{who} stands {late_s:.0f} s past its lease")

    @property
    def late_at_most_s(self) -> float:
        """How late the loop's own way back may be: its slowest poll with jitter, and calls that hang [s]."""
        waited_s = CALM_POLL_S if self.pace.is_resting else self.poll_s
        return (1.0 + JITTER) * max(SLOWEST_S, waited_s) + CALLS_S

    def _blocked(self) -> bool:
        if self.is_stubborn or self.house.availability() is not Availability.UP or self.house.vpp_active:
            return True
        now = self.house.now
        # What befalls the unit otherwise hinders no write.
        hindering = (one for one in self.server.faults.faults if one.kind not in STATE_FAULTS)
        return any(one.covers(now) and one.on is not Target.READS for one in hindering)

    def _log(self) -> None:
        """Count commands and entries into manual mode in the battery's own log."""
        now = self.house.now
        self._polls.append(now)
        for entry in self.server.log.after(self._seen):
            self._witness(entry)
            self.commands.note(entry)
            if entry.is_write and entry.mode == DeviceMode.MANUAL != self._mode:
                self._entries.append(entry.at)
            self._mode, self._seen = entry.mode, entry.number
        self.commands.forget(now)
        forget(self._polls, now)
        forget(self._entries, now)
        self._caps()

    def _caps(self) -> None:
        """Hold an hour's commands against what a healthy battery needs and what a fault costs."""
        told, again, polls = len(self.commands.told), len(self.commands.too_soon), len(self._polls)
        self.writes_an_hour = max(self.writes_an_hour, told - polls)
        self.again_an_hour = max(self.again_an_hour, again)
        if told > polls + MORE_WRITES:
            self._found(f"{told} commands in an hour of {polls} polls")
        if again > TOO_SOON:
            self._found(f"{again} commands in an hour that repeat the one before too soon")
        if len(self._entries) > MODE_CHANGES:
            self._found(f"{len(self._entries)} entries into manual mode in an hour")

    def _witness(self, entry: LogEntry) -> None:
        self.ours.note(entry)
        self.frozen.note(entry)
        told = told_w(entry)
        if told is not None and not -self.home.discharge_w <= told <= self.home.charge_w:
            self._found(f"the battery was told {told:+.0f} W, past its limits")
        wrong = self.others.note(entry, commanded=self._commanded)
        if wrong is not None:
            self._found(wrong)

    def before_the_end(self, *, planned: bool) -> None:
        """Judge the service two hours after the last fault, before it is ended: it commands, and by a fresh plan."""
        last = self._last
        commands = last is not None and last.outcome in {Outcome.APPLIED, Outcome.KEPT} and last.setpoint is not None
        if not commands and not self._is_left():
            self._found(f"nothing is commanded two hours after the fault: {last.reason if last else 'no step'}")
        if not planned:
            self._found("no fresh plan two hours after the fault")

    def at_the_end(self) -> str:
        """Judge what an ended service leaves; return the last state in a word.

        The battery is well again then and obeys, whatever befell it: only SAFE is right, and known to be. One that
        somebody left in another mode, which cannot be set from here, is SAFE in it with nothing of ours beneath.
        """
        back = not self.mode_control or self.house.mode is DeviceMode.AUTOMATIC
        safe = back and self.house.setpoint_w in (0.0, None)
        known = self.daemon.handed_back and not self.record.may_stand()
        if self._blocked():
            # A unit that restarts as the run ends cannot be told: what may stand has to be on record.
            if not safe and not self.record.may_stand():
                self._found("it ended with a command standing that is not on record")
        elif not safe:
            self._found(f"it ended in mode {self.house.mode.name} with a setpoint of {self.house.setpoint_w} W")
        elif not known:
            self._found("it ended handed back, and is not known to be")
        return "SAFE" if safe else "on record" if self.record.may_stand() else "UNSAFE"

    def _is_left(self) -> bool:
        """Return whether somebody left the battery in a mode that cannot be set from here."""
        return not self.mode_control and self.house.mode is not DeviceMode.MANUAL

    def _found(self, what: str) -> None:
        if len(self.violations) < 20:
            self.violations.append(f"{self.house.now:%d %H:%M:%S}: {what}")


def tables(unit: str, port: int, folder: Path, sections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    battery: dict[str, Any] = {
        "driver": "sonnen_v2" if unit == "v2" else "sonnen_v1", "host": "127.0.0.1", "port": port,
        "usable_capacity_wh": 10_000,
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
        "planning": {"step": "30min", "horizon": "6h", "scenarios": 2, "replan": "2h"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }
    return merged(told, sections)


def merged(told: dict[str, Any], more: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return sections with what others say of each laid over."""
    return {**told, **{name: {**told.get(name, {}), **section} for name, section in more.items()}}


def control(poll_s: float, *, prefer_automatic: bool) -> dict[str, Any]:
    """Return the section: where polls are slow a lease and a measurement must outlast two of them, as at any other."""
    section: dict[str, Any] = {"poll_interval": f"{poll_s:.0f}s", "prefer_automatic": prefer_automatic}
    slow = {"lease": "180s", "reassert": "120s", "max_measurement_age": "145s"} if poll_s > SLOWEST_S else {}
    return {**section, **slow}


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


def shortened(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the windows of what costs real time: past the longest lease, and few requests of each."""
    return [(begins_s, min(ends_s, begins_s + 200.0)) for begins_s, ends_s in spans]


def faults_of(trouble: Trouble, spans: Sequence[tuple[float, float]]) -> tuple[Fault, ...]:
    """Return the scripted faults of a row."""
    if trouble.kind is None:
        return ()
    return tuple(
        Fault(
            name=trouble.name,
            kind=trouble.kind,
            on=trouble.on,
            parameters=trouble.parameters,
            start=START + timedelta(seconds=begins_s),
            end=START + timedelta(seconds=ends_s),
        )
        for begins_s, ends_s in spans
    )


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


def play(trouble: Trouble, seed: int, days: float, folder: Path, *, wire: bool = False) -> tuple[Run, str]:
    """Run one home under one fault; return what was found and the last state.

    Parameters
    ----------
    wire
        Whether every call goes over HTTP, and not only those near a fault.
    """
    chance = random.Random(f"{trouble.name} {seed}")
    unit = trouble.units[(seed + len(trouble.name)) % len(trouble.units)]
    poll_s = POLLS_S[(seed // len(UNITS) + len(trouble.name)) % len(POLLS_S)]
    home = HOMES[(seed // 2 + len(trouble.name)) % len(HOMES)]
    clock = SimulatedClock(START)
    house = SimulatedHouse(
        clock=clock, battery=BATTERY, recording=packaged_profile().shifted_to(START - timedelta(days=7 * (seed % 4))),
        mode=DeviceMode.MANUAL if unit == "v1-plain" else DeviceMode.AUTOMATIC,
        initial_soc=chance.choice((0.02, 0.2, 0.5, 0.8, 0.99)), nightly_restart=NightlyRestart(),
    )  # fmt: skip
    spans = windows(chance, days)
    if trouble.is_slow:
        spans = shortened(spans)
    quirks = Quirks(mode_control=unit == "v1")
    with SimulatorServer(house, token=TOKEN, quirks=quirks, faults=faults_of(trouble, spans), log_size=500) as server:
        port = server.v2_port if unit == "v2" else server.v1_port
        # Every other home commands all the time: more forced commands meet the fault.
        sections = merged(home.sections(), {"control": control(poll_s, prefer_automatic=seed % 2 == 1)})
        configuration = configuration_from_tables(tables(unit, port, folder, merged(sections, trouble.tables)))
        whim = Whim(configuration.strategy, trouble.mood)
        configuration = replace(configuration, strategy=whim)
        device = _connected(configuration, clock, server, spans=None if wire else _wired(trouble, spans))
        daemon = build_daemon(configuration, clock=clock, device=device)
        daemon.board._max_age = RECOVERY  # noqa: SLF001 - an hour is right for a home that plans each quarter of one
        if not trouble.on_disk:
            _write_history_rarely(daemon)
        # Nobody reads the status here, and a plan in it is a fifth of what a step costs.
        daemon.reporter.write = lambda state: None  # type: ignore[method-assign]  # noqa: ARG005
        daemon._loop._pace._chance = random.Random(f"jitter {seed}")  # noqa: SLF001 - so that a run can be had again
        pace = _resting(daemon, clock, poll_s, [*spans, *nights(house, days)], restless=trouble.is_restless)
        options = configuration.settings.control
        run = Run(
            clock, house, server, daemon, CommandRecord(folder / "state", folder / "run"), folder,
            mode_control=unit != "v1-plain", home=home, poll_s=poll_s, lease_s=options.lease.total_seconds(),
            commands=Commands(options.reassert - timedelta(seconds=CALLS_S)),
            max_age_s=options.max_measurement_age.total_seconds(), pace=pace, whim=whim,
            ours=OursAtTheBattery(house, mode_control=unit != "v1-plain"), others=LeftToOthers(HOLD_OFF),
            frozen=FrozenStatus(server.faults),
            lease_end=daemon._loop._lease_end,  # noqa: SLF001 - the service shows it to people only in the status
        )  # fmt: skip
        _wire_actions(run, trouble, spans, chance)
        daemon.on_decision.append(run.after_step)
        _run_for(days, run)
        return run, run.at_the_end()


def _run_for(days: float, run: Run) -> None:
    """Run the service, judge it, and end it."""
    stop = threading.Event()

    def watch(now: datetime) -> None:
        if run.clock.elapsed() >= days * 86_400.0 and not stop.is_set():
            stop.set()
            run.before_the_end(planned=run.daemon.board.current(now) is not None)

    run.clock.subscribe(watch)
    run.daemon.run(stop)


def _resting(
    daemon: Daemon, clock: Clock, poll_s: float, spans: Sequence[tuple[float, float]], *, restless: bool
) -> RestingPace:
    """Let the control loop rest far from every fault; return its pace."""
    loop = daemon._loop  # noqa: SLF001 - a service looks alike at all times
    pace = RestingPace(loop._pace, clock, poll_s, spans, restless=restless)  # noqa: SLF001
    loop._pace = pace  # type: ignore[assignment]  # noqa: SLF001
    return pace


def nights(house: SimulatedHouse, days: float) -> list[tuple[float, float]]:
    """Return when the unit restarts by itself [s after the start]."""
    restart, found, at_s = NightlyRestart(), [], START.timestamp()
    while (at_s := restart.next_after(at_s, house.timezone)) < START.timestamp() + days * 86_400.0:
        begins_s = at_s - START.timestamp()
        found.append((begins_s, begins_s + restart.refusing_s + restart.bad_gateway_s))
    return found


def _write_history_rarely(daemon: Daemon) -> None:
    daemon._jobs = [replace(job, period=FLUSH) if job.name == "flush" else job for job in daemon._jobs]  # noqa: SLF001
    daemon.history._flusher.request = lambda: None  # type: ignore[method-assign]  # noqa: SLF001 - by the job alone


def _wired(trouble: Trouble, spans: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return when the wire matters: not for what befalls the unit itself, or our own side."""
    at_the_unit = trouble.kind in STATE_FAULTS or (trouble.kind is None and trouble.name != "none")
    return () if at_the_unit else spans


def _connected(
    configuration: Configuration, clock: Clock, server: SimulatorServer, *, spans: Sequence[tuple[float, float]] | None
) -> BatteryDevice:
    """Return the battery's driver; where spans are given, only what falls into or near one goes over the wire."""
    device: Any = build_device(configuration, clock=clock)
    if spans is not None:
        face = "v2" if configuration.settings.battery.driver == "sonnen_v2" else "v1"
        near = [(begins_s - NEAR_S, ends_s + NEAR_S) for begins_s, ends_s in spans]
        device._http = DirectLine(  # noqa: SLF001 - the driver has no other seam, and needs none
            device._http,  # noqa: SLF001
            server,
            face,
            lambda: any(begins_s <= clock.elapsed() <= ends_s for begins_s, ends_s in near),
        )
    return device  # type: ignore[no-any-return]
