"""A battery of which nothing is wanted: whether it is handed back, and whether somebody else takes it."""

from __future__ import annotations

from optimizer.control.actuation.repetition import Repetition
from optimizer.control.actuation.state import CommandState
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode


class HandedBack:
    """Reads back a hand-back: what of ours it ended stays on record until the battery shows it.

    Parameters
    ----------
    state
        Since when nothing is commanded, and all that is known of it.
    """

    def __init__(self, state: CommandState) -> None:
        self._state = state
        self._repetition = Repetition(state.options)
        self._pending = False
        self._left_in: OperatingMode | None = None

    @property
    def pending(self) -> bool:
        """Whether the battery has yet to show it."""
        return self._pending

    def begin(self) -> None:
        """Wait for it to show."""
        self._pending = bool(self._state.unended)

    def cancel(self) -> None:
        """Wait no more: the battery is commanded anew, or somebody else's."""
        self._pending = False

    def watch(self) -> None:
        """Take whatever mode comes next for the one that it was left in, and a change of it for somebody's."""
        self._left_in = OperatingMode.UNKNOWN

    def take_as_found(self) -> None:
        """Take no mode for somebody's choice: the owner says that the battery may be taken."""
        self._left_in = None

    def judge_pending(self, measurement: Measurement, elapsed_s: float) -> Verdict | None:
        """Believe it once the battery shows it; return what a battery calls for that does not for long."""
        if self._state.is_chosen(measurement.mode):
            return somebody_elses(measurement.mode)  # what is ours may lie beneath it
        why = self._state.unended.objection(measurement)
        if why is None:
            self._believe()
            return None
        again = self._repetition.is_due(why, self._state.standing.changed_for_s(elapsed_s))
        return Verdict(Course.HAND_BACK, why) if again else None

    def judge(self, measurement: Measurement) -> Verdict | None:
        """Return what a status calls for while nothing of ours stands; None: nothing."""
        mode, before = measurement.mode, self._left_in
        if not self._state.capabilities.can_set_mode and mode not in MAY_BE_MANUAL:
            why = f"the battery is in mode {mode} and its mode cannot be set from here: put it into manual"
            return Verdict(Course.TELL, why)
        if before is None:
            return None
        self._left_in = mode
        return somebody_elses(mode) if self._state.is_chosen(mode) and mode is not before else None

    def believe_in_doubt(self, doubtful: Measurement | None) -> bool:
        """Believe a status that shows it and is in doubt for another reason than age; return whether."""
        return doubtful is not None and doubtful.mode not in MAY_BE_MANUAL and self._believe()

    def _believe(self) -> bool:
        if not self._state.believe_ended():
            return False
        self._pending = False
        self._repetition.end()
        return True
