"""Automatic mode that was asked for: whether the battery is in it."""

from __future__ import annotations

from optimizer.control.actuation.recurrence import TRIES, Recurrence
from optimizer.control.actuation.repetition import Repetition
from optimizer.control.actuation.state import CommandState
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.domain.measurement import Measurement, OperatingMode


class HandedOver:
    """Reads back automatic mode: what of ours it ended stays on record until the battery shows it.

    Parameters
    ----------
    state
        What was asked for, and all that is known of it.
    """

    def __init__(self, state: CommandState) -> None:
        self._state = state
        self._repetition = Repetition(state.options)
        self._returns = Recurrence()

    def end(self) -> None:
        """Note that it stands no more."""
        self._returns.forget()

    def judge(self, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> Verdict | None:
        """Return what a status calls for; None: nothing.

        Parameters
        ----------
        after_restart
            Whether the battery may have restarted since the status before.
        """
        mode, standing = measurement.mode, self._state.standing
        if mode is OperatingMode.UNKNOWN and self._state.unended:
            why = self._state.unended.objection(measurement)
            if why is not None:
                again = self._repetition.is_due(why, standing.sent_for_s(elapsed_s))
                return Verdict(Course.SEND_AGAIN) if again else None
        if mode in (OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN):
            proven = self._state.believe_ended()
            standing.confirm(proven=proven)
            if proven:
                self._repetition.end()
            return None
        came_back = after_restart and self._state.may_be_taken(mode)
        if self._state.is_chosen(mode) or (standing.proven and not came_back):
            return somebody_elses(mode)
        return self._ask_again(mode, elapsed_s)

    def _ask_again(self, mode: OperatingMode, elapsed_s: float) -> Verdict | None:
        """Ask for it again where another mode shows, but not for ever."""
        standing = self._state.standing
        if standing.sent_for_s(elapsed_s) < self._state.options.settle_s:
            return None
        if not standing.is_asked_again and (times := self._returns.note(elapsed_s)) > TRIES:
            why = f"{times} times within an hour the battery was to be in automatic mode, and it is in mode {mode}"
            return Verdict(Course.GIVE_UP, why)
        return Verdict(Course.SEND_AGAIN)
