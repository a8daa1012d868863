"""The control loop with everything that keeps it safe, on simulated time: it can be killed, hung and started again.

Control loop, take-over, record on disk and guard are the service's own; prices, plans, wishes, battery and disk are the
test's. The guard looks every 15 s of boot time, as its timer has it.
"""

from __future__ import annotations

import errno
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from optimizer.clock import SimulatedClock
from optimizer.control.controller import Controller
from optimizer.control.options import ControlOptions
from optimizer.control.plan_board import PlanBoard
from optimizer.control.strategy import Situation, Wish
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import synthetic_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.setpoint import Power
from optimizer.domain.site import GridConnection, Site
from optimizer.guard import guard
from optimizer.release.hand_back import PAUSE_S, ReleaseReport, WayBack
from optimizer.release.record import CommandRecord, Lease
from optimizer.release.target import ReleaseTarget
from optimizer.service.hand_back import HandBack
from optimizer.service.lease_files import LeaseFiles
from optimizer.service.loop import ControlLoop
from optimizer.service.pace import JITTER, SLOWEST_S
from optimizer.service.run_mark import RunMark
from optimizer.service.take_over import EarlierRun, TakeOver
from support.fake_device import FlatTariff, RecordedHistory
from support.guards_client import GuardsClient
from support.hostile_battery import HostileBattery
from support.situations import SITE

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(
    usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, min_soc=0.1, max_soc=0.9, standby_w=25
)
CONNECTION = GridConnection(max_import_w=4000.0, max_export_w=3500.0)
"""Below what the battery can do, so that both limits bind."""
OPTIONS = ControlOptions()
POLL_S, GUARD_EVERY_S, SLICE_S = 10.0, 15.0, 5.0
INSTANT_S = 1e-6
"""Instants that lie closer are one [s]."""
SLACK_S = 12.0
"""What two calls that hang, and a slice of time, add to a bound [s]."""
GUARD_WITHIN_S = GUARD_EVERY_S + SLACK_S
LONGEST_WAIT_S = SLOWEST_S * (1.0 + JITTER) + SLACK_S
"""After this a loop whose tries have failed has tried again [s]."""
SEEN_S = OPTIONS.settle_s + 3 * POLL_S
"""A foreign mode that has been told for so long is seen, whatever was just sent [s]."""


class AnyStrategy:
    """Wishes what the test sets, which may be anything."""

    Parameters: ClassVar[type[BaseModel]] = BaseModel
    description = "whatever the test wants"

    def __init__(self, decide: Callable[[Situation], Wish]) -> None:
        self.decide_by = decide

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        return problem

    def decide(self, situation: Situation) -> Wish:
        return self.decide_by(situation)


@dataclass
class Disk:
    """What is wrong with the disk."""

    full: bool = False


@dataclass(frozen=True, slots=True)
class RecordOnDisk(CommandRecord):
    """A record whose disk may be full."""

    disk: Disk = field(default_factory=Disk)

    def intend(self, command: str, battery: ReleaseTarget | None = None) -> None:
        self._make_room()
        CommandRecord.intend(self, command, battery)

    def renew(self, lease: Lease) -> None:
        self._make_room()
        CommandRecord.renew(self, lease)

    def _make_room(self) -> None:
        if self.disk.full:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.lease_path))


@dataclass
class Running:
    """One run of the service."""

    controller: Controller
    take_over: TakeOver
    keeper: LeaseFiles
    loop: ControlLoop
    hand_back: HandBack
    next_s: float
    """When it looks next, by the clock for ages [s]."""
    began_s: float


class Rig:
    """One home under test.

    Parameters
    ----------
    folder
        For the record and the configuration.
    mode_control, echo, observe, ramp_w_per_s, hand_back_mode, names_mode
        What kind of unit, and how it is commanded.
    """

    def __init__(
        self,
        folder: Path,
        *,
        mode_control: bool,
        echo: bool,
        observe: bool = False,
        ramp_w_per_s: float | None = None,
        hand_back_mode: DeviceMode = DeviceMode.AUTOMATIC,
        names_mode: bool = True,
    ) -> None:
        self.clock = SimulatedClock(START)
        mode = DeviceMode.AUTOMATIC if mode_control else DeviceMode.MANUAL
        self.house = SimulatedHouse(
            clock=self.clock, battery=BATTERY, recording=synthetic_profile(START), mode=mode, initial_soc=0.5
        )
        self.battery = HostileBattery(
            self.house,
            self.clock,
            mode_control=mode_control,
            echo=echo,
            hand_back_mode=hand_back_mode,
            names_mode=names_mode,
        )
        self.battery.takes_s = self.pass_time
        self.mode_control, self.observe, self.ramp_w_per_s = mode_control, observe, ramp_w_per_s
        self._ours = (OperatingMode.MANUAL, OperatingMode.AUTOMATIC, hand_back_mode.operating_mode)
        self.disk = Disk()
        self.record = RecordOnDisk(folder / "state", folder / "run", self.disk)
        self.mark = RunMark(folder / "state")
        self.config = folder / "config.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text('[battery]\ndriver = "sonnen_v1"\nhost = "192.0.2.1"\n')
        self.tariff, self.board, self.history = FlatTariff(), PlanBoard(), RecordedHistory()
        self.strategy = AnyStrategy(lambda _: Wish(battery_power_w=0.0, reason="idle"))
        self.decisions: list[Decision] = []
        self.problems: list[str] = []
        """What must never happen, and did."""
        self.starts: list[float] = []
        self.service: Running | None = None
        self.has_guard = True
        self.unrecorded = False
        """Whether a service was killed while it could not put its command on record, and said so."""
        self._guard_s = GUARD_EVERY_S
        self._foreign_told_s: float | None = None
        self._found_mode: OperatingMode | None = None
        """The mode of the first status that was believed, as long as the service has been told no other; after a crash
        none: that start was nobody's word."""
        self._met = self._after_crash = False
        self._inside = False
        self._dozed_s = 0.0
        """Until when the service last did nothing [s]."""
        self._over_limit_s: float | None = None
        self._unknown_s = 0.0
        self._stood_down_s = -math.inf

    # -- the service ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the service anew: nothing of an earlier run is left but the battery and the disk."""
        keeper = LeaseFiles(self.record)
        controller = Controller(
            device=self.battery,
            strategy=self.strategy,
            strategy_name="any",
            battery=BATTERY,
            site=Site(timezone=SITE.timezone, connection=CONNECTION),
            clock=self.clock,
            tariff=self.tariff,
            board=self.board,
            history=self.history,
            options=ControlOptions(ramp_w_per_s=self.ramp_w_per_s),
            keeper=keeper,
            observe=self.observe,
        )
        self._after_crash = self.mark.found
        earlier = EarlierRun(command=keeper.stands(), unsettled=self._after_crash)
        take_over = TakeOver(controller, self.battery, earlier=earlier, on_record=keeper.stands, observe=self.observe)
        loop = ControlLoop(
            clock=self.clock,
            step=take_over.step,
            hand_back=take_over.release,
            poll_s=POLL_S,
            lease_end=lambda: controller.lease_end_s,
            chance=random.Random(len(self.starts)),
        )
        loop.on_step.append(self._after_step)
        self._foreign_told_s = None
        back = HandBack(
            device=self.battery,
            clock=self.clock,
            hand_back=loop.hand_back,
            seen=lambda: self.battery.last_told,
            on_record=keeper.stands,
        )
        now_s = self.clock.elapsed()
        self.service = Running(controller, take_over, keeper, loop, back, next_s=now_s, began_s=now_s)
        self.starts.append(now_s)

    def kill(self) -> None:
        """Kill it: nothing is handed back, nothing tidied."""
        if self.service is not None and self.service.keeper.fault is not None and self.battery.ours_stands:
            self.unrecorded = True
        self.service = None

    def lose_power(self) -> None:
        """Switch the computer off and on: the runtime folder is empty afterwards, the guard looks at once."""
        self.kill()
        self.record.lease_path.unlink(missing_ok=True)
        self._guard_s = self.clock.elapsed()

    def terminate(self) -> bool:
        """End it, where it runs, as SIGTERM does; return whether it says that the battery was handed back."""
        service = self.service
        if service is None:
            return False
        _, handed_back = service.hand_back("sunshift is stopping")
        if handed_back and not self.observe:
            service.keeper.drop()
        if not self.observe:
            self.mark.at_end(handed_back=handed_back, leaves_a_choice=service.controller.leaves_a_choice)
        self._check_errors(service)
        if service.keeper.fault is not None and self.battery.ours_stands:
            self.unrecorded = True
        self.service = None
        return handed_back

    # -- time -----------------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass with the service, where it runs, looking as it does."""
        end_s = self.clock.elapsed() + seconds
        while self.clock.elapsed() < end_s - INSTANT_S:
            service = self.service
            if service is not None and service.next_s <= self.clock.elapsed() + INSTANT_S:
                self._tick(service)
                continue
            until_s = end_s if service is None else min(end_s, service.next_s)
            self.pass_time(until_s - self.clock.elapsed())

    def hang(self, seconds: float) -> None:
        """Let time pass while the service, if it runs, does nothing."""
        self._dozed_s = math.inf
        self.pass_time(seconds)
        self._dozed_s = self.clock.elapsed()

    def sleep(self, seconds: float) -> None:
        """Suspend the computer: time passes and nobody looks."""
        self.clock.advance(seconds)
        self.battery.ledger.blocked_s = self._guard_s = self._dozed_s = self.clock.elapsed()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in slices, with the guard and the invariants."""
        left_s = seconds
        while left_s > 0.0:
            slice_s = min(SLICE_S, left_s)
            left_s -= slice_s
            self.clock.advance(slice_s)
            self._look_on()

    def _look_on(self) -> None:
        if not self.battery.can_be_handed_back:
            self.battery.ledger.blocked_s = self.clock.elapsed()
        if self.clock.elapsed() >= self._guard_s and self.has_guard and not self._inside:
            self._guard_s = self.clock.elapsed() + GUARD_EVERY_S
            self._inside = True
            guard(self.record, self.config, now_s=self.clock.elapsed(), environ={}, release=self._guards_release)
            self._inside = False
        self.check()

    def _guards_release(self, target: ReleaseTarget, *, deadline_s: float, on_record: bool) -> ReleaseReport:
        """Take the guard's own way, with its own rules, at the battery of this home."""
        assert target.host == "192.0.2.1"
        end_s = self.clock.elapsed() + deadline_s
        client = GuardsClient(self.battery, mode_control=self.mode_control)
        back = self.battery.hand_back_mode.operating_mode.value
        way = WayBack(
            client,
            back,
            lambda: max(0.0, end_s - self.clock.elapsed()),
            lambda: self.pass_time(PAUSE_S),
            on_record=on_record,
        )
        return way.walk(owners_word=False)

    def _tick(self, service: Running) -> None:
        if service.take_over._step == service.take_over._first_step:
            # Whoever begins anew does not know that data froze; and a start is the owner's word.
            self.battery.meet_a_stranger()
            self._met = False
        service.loop.tick()
        wait_s = service.loop._pace.wait_s(service.loop._failures_in_a_row, lease_end_s=service.controller.lease_end_s)
        service.next_s = self.clock.elapsed() + wait_s
        self._check_errors(service)
        self.check()

    # -- what must never happen -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Note what stands too long or off the record."""
        now_s, ledger = self.clock.elapsed(), self.battery.ledger
        self._check_stored()
        if not self.battery.ours_stands or self.unrecorded:
            # What nobody could put on record is not known beneath a mode that somebody chose over it either.
            self.unrecorded = self.unrecorded and (self.battery.ours_stands or self.battery.ours_waits)
            return
        # From when on somebody had to take it back: its lease was over, and the battery took writes.
        due_s = max(ledger.verified_s + OPTIONS.lease_s, ledger.blocked_s)
        if self.service is not None and self.service.keeper.fault is not None and not self.record.may_stand():
            # The disk is full, and the status says so: while the service hangs as well the guard knows nothing.
            self._unknown_s = now_s
            return
        self._check_loop(now_s, due_s)
        # What waits behind somebody else's power is tried once a lease, and vouched for meanwhile.
        if self.service is not None and self.service.controller.stand_down is not None:
            self._stood_down_s = now_s
        vouched_s = self._stood_down_s + OPTIONS.lease_s
        within_s = GUARD_WITHIN_S + (OPTIONS.lease_s if now_s <= vouched_s + GUARD_WITHIN_S else 0.0)
        if now_s - max(due_s, self._unknown_s) > within_s:
            self._problem(f"a forced command stands {now_s - due_s:.0f} s past the end of its lease")
        if not self.record.may_stand():
            self._problem("a forced command stands and is not on record")

    def _check_stored(self) -> None:
        faulty = self.service is not None and self.service.keeper.fault is not None
        if self.battery.ours_waits and not (self.record.may_stand() or self.unrecorded or faulty):
            self._problem("a setpoint of ours waits under another mode and is not on record")

    def _check_loop(self, now_s: float, due_s: float) -> None:
        """Expect a loop that is awake to take its command back by itself, before the guard has to.

        What it left behind somebody else's power is the guard's, should the loop see nothing.
        """
        service = self.service
        if service is None or service.controller.standing is None:
            return
        if due_s - self.battery.ledger.blocked_s < LONGEST_WAIT_S:
            return
        if due_s - max(self._dozed_s, service.began_s) >= LONGEST_WAIT_S and now_s - due_s > SLACK_S:
            self._problem(f"the loop leaves a forced command {now_s - due_s:.0f} s past the end of its lease")

    def _after_step(self, decision: Decision | None) -> None:
        if decision is None:
            return
        self.decisions.append(decision)
        if not self.observe:
            self.mark.note(decision)
        self._check_limits(decision)
        self._check_foreign(decision)

    def _check_limits(self, decision: Decision) -> None:
        """Hold what was sent to every limit; what stands may lie outside one for as long as a sending waits."""
        setpoint, measured = decision.setpoint, decision.measurement
        if not isinstance(setpoint, Power) or measured is None or decision.allowed_power_w is None:
            return
        power_w = setpoint.battery_power_w
        low_w = 0.0 if measured.soc <= max(BATTERY.min_soc, measured.backup_soc or 0.0) else -BATTERY.max_discharge_w
        low_w = 0.0 if measured.discharge_allowed is False else low_w
        high_w = 0.0 if measured.soc >= BATTERY.max_soc else BATTERY.max_charge_w
        high_w = max(low_w, min(high_w, (CONNECTION.max_import_w or 0.0) - measured.net_load_w))
        low_w = min(high_w, max(low_w, -(CONNECTION.max_export_w or 0.0) - measured.net_load_w))
        outside = not low_w - 1.0 <= power_w <= high_w + 1.0
        if decision.outcome is Outcome.APPLIED and outside:
            self._problem(f"sent {setpoint} where {low_w:.0f} to {high_w:.0f} W are allowed")
        if not outside or decision.outcome is not Outcome.KEPT:
            self._over_limit_s = None
            return
        self._over_limit_s = self.clock.elapsed() if self._over_limit_s is None else self._over_limit_s
        if self.clock.elapsed() - self._over_limit_s > OPTIONS.min_send_interval_s + POLL_S:
            self._problem(f"{setpoint} is left standing where {low_w:.0f} to {high_w:.0f} W are allowed")

    def _check_foreign(self, decision: Decision) -> None:
        """Note since when the service has been told of a mode that somebody chose: it is not commanded over.

        A status that is in doubt tells nothing: its mode may be as wrong or as old as the rest.
        """
        now_s, told = self.clock.elapsed(), decision.measurement
        if told is None or not self.mode_control:
            return
        believed = decision.wanted_power_w is not None
        if believed and not self._met:
            self._met, self._found_mode = True, None if self._after_crash else told.mode
        elif believed and told.mode is not self._found_mode:
            self._found_mode = None
        if not believed or told.mode in (*self._ours, self._found_mode):
            self._foreign_told_s = None
            return
        self._foreign_told_s = now_s if self._foreign_told_s is None else self._foreign_told_s

    def resume(self) -> None:
        """Give the owner's word that a stand-down is over: what is found from now on is nobody's."""
        if self.service is not None and self.service.take_over.resume():
            self._foreign_told_s, self._met, self._after_crash = None, False, False

    def changed_by_owner(self) -> None:
        """Note that what the battery does now is the owner's wish."""
        self.battery.taken_over()
        self._foreign_told_s = None

    def check_fights(self, since: int) -> None:
        """Note writes after a number of them over a foreign mode that was seen for long enough."""
        seen = self._foreign_told_s
        for write in self.battery.ledger.writes[since:]:
            if seen is not None and write.at_s - seen > SEEN_S:
                self._problem(f"wrote {write.setpoint or 'a hand-back'} over the owner's mode {self.house.mode.name}")

    def check_rates(self) -> None:
        """Note more writes or entries into manual mode than allowed in the last hour."""
        since_s = self.clock.elapsed() - 3600.0
        recent = [one for one in self.battery.ledger.writes if one.at_s > since_s]
        starts = len([at_s for at_s in self.starts if at_s > since_s]) + (min(self.starts) <= since_s)
        if len(recent) > 3600.0 / POLL_S + 3 * starts:
            self._problem(f"{len(recent)} writes in an hour")
        entries = len([one for one in recent if one.enters])
        if entries > OPTIONS.max_mode_changes_per_hour * starts:
            self._problem(f"{entries} entries into manual mode in an hour of {starts} starts")
        if self.observe and self.battery.ledger.writes:
            self._problem("wrote while it only observes")

    def _check_errors(self, service: Running) -> None:
        if service.loop.counters.errors:
            self._problem("an exception left a control step")

    def _problem(self, what: str) -> None:
        self.problems.append(f"{self.clock.elapsed():.0f} s: {what}")
