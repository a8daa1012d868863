"""The service: control loop, jobs, status and systemd's notifications as one thing that starts, runs and ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from optimizer.clock import Clock
from optimizer.control.plan_board import PlanBoard
from optimizer.devices.port import BatteryDevice
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.plan import Plan
from optimizer.errors import LockedError
from optimizer.history.store import HistoryStore
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.clock_watch import ClockWatch
from optimizer.service.hand_back import HandBack
from optimizer.service.jobs import Job, JobBook, JobRunner
from optimizer.service.journal import Journal, sentence
from optimizer.service.listeners import tell_each
from optimizer.service.lock import InstanceLock, held_where_possible
from optimizer.service.lock_watch import LockWatch
from optimizer.service.loop import ControlLoop, Counters
from optimizer.service.notify import Notifier
from optimizer.service.reporter import Reporter

logger = logging.getLogger("sunshift.service")

READY_AT_LATEST_S = 20.0
"""A battery that is away must not keep the unit from starting: it is waited for no longer than this [s]."""
ASK_FOR_PLAN_S = 60.0
"""Where there is no plan, one is asked for so often [s]."""
RECOVERED_AFTER = 3
"""After so many steps without a measurement the plan is made anew: the battery went its own way meanwhile."""


class Daemon:
    """Runs one battery. Composed by :func:`optimizer.service.composition.build_daemon`.

    Attributes
    ----------
    on_decision, on_plan
        Called with each decision and plan; what they raise is logged and goes no further.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        loop: ControlLoop,
        jobs: Sequence[Job],
        on_plan: list[Callable[[Plan], None]],
        book: JobBook,
        runner: JobRunner,
        board: PlanBoard,
        device: BatteryDevice,
        history: HistoryStore,
        reporter: Reporter,
        notifier: Notifier,
        lock: InstanceLock,
        state_lock: InstanceLock | None,
        lock_watch: LockWatch,
        claim: BatteryClaim,
        leave_word: Callable[[bool], None],
        on_record: Callable[[], bool],
        is_left: Callable[[], bool],
        on_end: Callable[[bool], None],
        headline: str,
    ) -> None:
        self.on_decision: list[Callable[[Decision], None]] = []
        self.on_plan = on_plan
        self.handed_back = False
        self._clock, self._loop, self._board = clock, loop, board
        self._jobs, self._book, self._runner = jobs, book, runner
        self._device, self._history = device, history
        self._reporter, self._notifier = reporter, notifier
        self._lock, self._lock_watch, self._claim = lock, lock_watch, claim
        self._state_lock = state_lock
        self._end: threading.Event | None = None
        self._displaced = self._left_to_another = False
        self._leave_word, self._headline = leave_word, headline
        self._on_record, self._on_end = on_record, on_end
        self._journal, self._clock_watch = Journal(), ClockWatch(clock)
        self._ready = False
        self._began_s = clock.elapsed()
        self._asked_s: float | None = None
        self._unread = 0
        self._is_left, self._was_left = is_left, False
        loop.on_step.append(self._tell)

    @property
    def counters(self) -> Counters:
        """What the loop has done."""
        return self._loop.counters

    @property
    def reporter(self) -> Reporter:
        """What the status is made from."""
        return self._reporter

    @property
    def board(self) -> PlanBoard:
        """Where the plan in force is found."""
        return self._board

    @property
    def history(self) -> HistoryStore:
        """The home's past."""
        return self._history

    @property
    def displaced(self) -> bool:
        """Whether another service has taken a folder of this one while it ran."""
        return self._displaced

    @property
    def left_to_another(self) -> bool:
        """Whether the battery was not handed back, because the one that has the folder may command it."""
        return self._left_to_another

    @property
    def may_have_left_a_command(self) -> bool:
        """Whether a command is on record that may stand at the battery."""
        return self._on_record()

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set, then hand the battery back and end.

        Raises
        ------
        LockedError
            Another instance holds this battery.
        SunshiftError
            The runtime folder cannot be used.
        """
        with ExitStack() as ending:
            # The history was opened when it was built: it is closed even where the lock is not to be had.
            ending.callback(self._history.close)
            ending.enter_context(self._lock)
            ending.enter_context(held_where_possible(self._state_lock))
            ending.enter_context(self._claim)
            # In the order of need: the battery first, then the threads, then the files.
            ending.callback(self._write_status, "stopped")
            ending.callback(self._history.close)
            ending.callback(self._device.close)
            ending.callback(self._runner.stop)
            self._start()
            ending.callback(self._stop)
            self._end = stop
            self._loop.run(stop)

    def _start(self) -> None:
        self._began_s = self._clock.elapsed()
        # Before the first request: should this process die, whoever comes after knows.
        self._leave_word(True)
        logger.info("%s", self._headline)
        self._reporter.write("starting")
        self._runner.start(self._jobs, self._book)
        self._runner.trigger("tariff")

    def _stop(self) -> None:
        self._notifier.stopping()
        if self._left_to_another:
            return
        self._notifier.status("handing the battery back")
        hand_back = HandBack(
            device=self._device,
            clock=self._clock,
            hand_back=self._loop.hand_back,
            seen=lambda: self._reporter.measurement,
            on_record=self._on_record,
        )
        decision, self.handed_back = hand_back("sunshift is stopping")
        if self.handed_back and not self._displaced:
            self._leave_word(False)
        self._on_end(self.handed_back)
        self._reporter.note(decision)
        self._write_status("stopping")
        if decision is not None and self.handed_back:
            logger.info("%s", sentence(decision))
        if not self.handed_back:
            logger.error("the battery could not be handed back: run `sunshift release`, or look at the battery")

    # -- after each step ----------------------------------------------------------------------------------------

    def _tell(self, decision: Decision | None) -> None:
        """Make known what a step came to; None: it ended in an unforeseen error."""
        self._reporter.note(decision)
        self._hold_on()
        if self._clock_watch.jumped():
            self._runner.realign()
        if decision is not None:
            self._journal.note(decision)
            self._ask_for_plan(decision)
            tell_each(self.on_decision, decision)
        self._write_status("running")
        self._notify(decision)

    def _hold_on(self) -> None:
        """Keep the lock; where another service has it, end: two of them share no folder."""
        try:
            self._lock_watch.look()
        except LockedError as error:
            self._give_way(error)

    def _give_way(self, refusal: LockedError) -> None:
        """End, and leave no more word, token or status in the runtime folder.

        Whoever has it may command another battery, only observe, or be about to give up; as long as the battery's name
        is held here, no other service on this machine commands it by that name, and nobody else would hand it back.
        """
        self._displaced = True
        self._left_to_another = not self._claim.is_ours
        what = "the battery is left to it" if self._left_to_another else "handing the battery back"
        logger.error("a folder of this service was removed, and another one has it now: %s; %s", what, refusal)
        if self._end is not None:
            self._end.set()

    def _write_status(self, state: str) -> None:
        if not self._displaced:
            self._reporter.write(state)

    def _notify(self, decision: Decision | None) -> None:
        read = decision is not None and decision.outcome is not Outcome.FAILED
        next_s = self._clock.elapsed() - self._began_s + self._loop.poll_s
        if not self._ready and (read or next_s > READY_AT_LATEST_S):
            self._ready = True
            self._notifier.ready()
        if decision is not None:
            # A decision was reached, were it that the battery is away: that is progress. A step that ended in an
            # unforeseen error is none, and after the watchdog's time systemd starts the service anew.
            self._notifier.watchdog()
            self._notifier.status(sentence(decision)[:200])

    def _ask_for_plan(self, decision: Decision) -> None:
        """Ask for a plan where none could be made so far, and when the battery is back after a while.

        Also as we begin and end to leave it alone: what went wrong under a plan does not go on under the same one.
        """
        if decision.measurement is None:
            self._unread += 1
            return
        recovered, self._unread = self._unread >= RECOVERED_AFTER, 0
        is_left = self._is_left()
        turned, self._was_left = is_left != self._was_left, is_left
        made = self._book.record("replan")
        missing = made.runs == 0 or made.error is not None
        now_s = self._clock.elapsed()
        recently = self._asked_s is not None and now_s - self._asked_s < ASK_FOR_PLAN_S
        if recovered or turned or (missing and not recently):
            self._asked_s = now_s
            self._runner.trigger("replan")
