"""Automatic mode that was asked for: whether the battery is in it."""

from __future__ import annotations

from optimizer.control.actuation.awaited_release import AwaitedRelease
from optimizer.control.actuation.known import Known
from optimizer.control.actuation.recurrence import TRIES, Recurrence
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Power


class HandedOver:
    """Reads back automatic mode, and takes what it ended off the record once the battery shows it.

    Parameters
    ----------
    known
        What was asked for, and what is known of it.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._ended = AwaitedRelease(known.battery, known.options)
        self._returns = Recurrence()

    def begin(self, power: Power, *going_on: Power) -> None:
        """Wait for a forced command to end, and what the battery may have gone on with instead."""
        self._ended.begin(power, *going_on)

    def cancel(self) -> None:
        """Wait no more: the battery is forced again."""
        self._ended.cancel()

    def forget(self) -> None:
        """Note that it stands no more."""
        self._returns.forget()

    def judge(self, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> Verdict | None:
        """Return what a status calls for; None: nothing, or that it is asked for again."""
        if measurement.mode is OperatingMode.UNKNOWN and self._goes_on(measurement, elapsed_s):
            return None
        if measurement.mode in (OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN):
            self._known.standing.confirmed = True
            if self._known.newness.is_news(elapsed_s):
                self._known.standing.proven = True
                self._ended.shown()
                self._known.lease.drop()
            return None
        if self._known.is_chosen(measurement.mode):
            return somebody_elses(measurement.mode)
        came_back = after_restart and self._known.may_be_taken(measurement.mode)
        if self._known.standing.proven and not came_back:
            return somebody_elses(measurement.mode)
        return self._ask_again(measurement.mode, elapsed_s, came_back=after_restart)

    def _goes_on(self, measurement: Measurement, elapsed_s: float) -> bool:
        """Return whether what was ended flows as before where no mode is told; ask again, later once a lease."""
        if not self._ended.pending:
            return False
        why = self._ended.objection(measurement, can_set_mode=True)
        if why is None:
            return False
        if self._known.standing.sent_for_s(elapsed_s) >= self._ended.pause_s():
            self._ended.tell(why)
            self._known.standing.resend = True
        return True

    def _ask_again(self, mode: OperatingMode, elapsed_s: float, *, came_back: bool) -> Verdict | None:
        """Ask for automatic mode again, but not for ever."""
        settled = self._known.standing.sent_for_s(elapsed_s) >= self._known.options.settle_s
        if settled and not self._known.standing.resend and (times := self._returns.note(elapsed_s)) > TRIES:
            why = f"{times} times within an hour the battery was to be in automatic mode, and it is in mode {mode}"
            return Verdict(Course.GIVE_UP, why)
        self._known.standing.resend = self._known.standing.resend or settled or came_back
        return None
