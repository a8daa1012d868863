"""The control loop: one thread, one step a beat, whatever happens.

It is no APScheduler job: a scheduler drops late runs and blocks a job that hangs, and neither may happen to control.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from optimizer.clock import Clock
from optimizer.domain.decision import Decision, Outcome
from optimizer.service.listeners import tell_each
from optimizer.service.pace import Pace

logger = logging.getLogger("sunshift.service")

TOO_MANY_ERRORS = 3
"""So many unforeseen errors in a row, and the battery is handed back."""


@dataclass(slots=True, kw_only=True)
class Counters:
    """What the loop has done since it began."""

    polls: int = 0
    """Steps taken, each one reading the battery."""
    setpoints: int = 0
    """Setpoints sent and accepted."""
    failures: int = 0
    """Steps in which the battery could not be read or commanded."""
    errors: int = 0
    """Steps that ended in an unforeseen error: a defect of sunshift."""
    hand_backs: int = 0
    """Times the battery was handed back, at the end included."""

    def count(self, decision: Decision) -> None:
        """Count the outcome of a step."""
        self.setpoints += decision.outcome is Outcome.APPLIED
        self.failures += decision.outcome is Outcome.FAILED
        self.hand_backs += decision.outcome is Outcome.HANDED_BACK


class ControlLoop:
    """Steps, tells, waits.

    Parameters
    ----------
    clock
        The time.
    step
        Takes one control step; does not raise for anything foreseen.
    hand_back
        Hands the battery back, with the reason.
    poll_s
        Time between two steps [s].
    lease_end
        Tells when the lease of a standing command ends, by the clock for ages; None while none stands [s].
    chance
        Where jitter comes from.

    Attributes
    ----------
    on_step
        Called after each step with its record, or with None where it ended in an unforeseen error.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        step: Callable[[], Decision],
        hand_back: Callable[[str], Decision],
        poll_s: float,
        lease_end: Callable[[], float | None] = lambda: None,
        chance: random.Random | None = None,
    ) -> None:
        self.counters = Counters()
        self.on_step: list[Callable[[Decision | None], None]] = []
        self._clock, self._step, self._hand_back = clock, step, hand_back
        self._lease_end, self._poll_s = lease_end, poll_s
        self._pace = Pace(clock, poll_s, chance or random.Random())  # noqa: S311 - jitter, no secret
        self._failures_in_a_row = 0
        self._errors_in_a_row = 0

    @property
    def poll_s(self) -> float:
        """Time between two steps [s]."""
        return self._poll_s

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop."""
        while not stop.is_set():
            self.tick()
            wait_s = self._pace.wait_s(self._failures_in_a_row, lease_end_s=self._lease_end())
            self._clock.wait(wait_s, stop)

    def tick(self) -> None:
        """Take one step and tell of it; never raises."""
        self._pace.begin()
        self.counters.polls += 1
        decision = self._step_safely()
        failed = decision is None or decision.outcome is Outcome.FAILED
        self._failures_in_a_row = self._failures_in_a_row + 1 if failed else 0
        tell_each(self.on_step, decision)

    def hand_back(self, reason: str) -> Decision | None:
        """Hand the battery back and count it; None where that ended in an unforeseen error."""
        try:
            decision = self._hand_back(reason)
        except Exception:
            self.counters.errors += 1
            logger.exception("handing the battery back failed: run `sunshift release`")
            return None
        self.counters.count(decision)
        return decision

    def _step_safely(self) -> Decision | None:
        try:
            decision = self._step()
        except Exception as error:
            self.counters.errors += 1
            self._errors_in_a_row += 1
            self._after_error(error)
            return None
        self._errors_in_a_row = 0
        self.counters.count(decision)
        return decision

    def _after_error(self, error: Exception) -> None:
        """Log an unforeseen error, with its traceback at growing distances only, and give the battery back in time."""
        times = self._errors_in_a_row
        if times & (times - 1) == 0:
            logger.error("the control step failed in an unforeseen way (%d in a row)", times, exc_info=error)
        if times >= TOO_MANY_ERRORS:
            self.hand_back(f"the control step failed {times} times in a row")
