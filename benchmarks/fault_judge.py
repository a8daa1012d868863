"""What must never happen in one run of :mod:`faults`, held against each step and the battery's own log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fault_witness import Commands, FrozenStatus, Home, LeftToOthers, OursAtTheBattery, forget, told_w
from resting_pace import CALM_POLL_S, RestingPace
from whims import Whim

from optimizer.clock import SimulatedClock
from optimizer.control.options import ControlOptions
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power
from optimizer.release.record import CommandRecord
from optimizer.service.daemon import Daemon
from optimizer.service.pace import JITTER, SLOWEST_S
from optimizer.simulator.fault import STATE_FAULTS, Target
from optimizer.simulator.request_log import LogEntry
from optimizer.simulator.server import SimulatorServer

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
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
    beyond_polls: int = 0
    """Commands beyond one a poll, at most."""
    too_soon: int = 0
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
        if verified or not (standing or self.ours.stands()):
            self._verified_s, self._possible_s = now_s, None
            return
        # From the first time that a write would have been taken, and ours alone ended by it.
        hindered = self._blocked() or self.ours.is_covered()
        self._possible_s = now_s if hindered else (self._possible_s or self._verified_s)
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
        self.beyond_polls = max(self.beyond_polls, told - polls)
        self.too_soon = max(self.too_soon, again)
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
