"""The command that stands, as far as this process knows: what was sent last, and what a status has shown of it."""

from __future__ import annotations

from optimizer.control.options import ControlOptions
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint


class Standing:
    """Remembers what was sent to the battery last.

    Parameters
    ----------
    options
        Intervals and tolerances.
    """

    def __init__(self, options: ControlOptions) -> None:
        self._options = options
        self._setpoint: Setpoint | None = None
        self._confirmed = self._proven = self._again = False
        self._began_in = OperatingMode.UNKNOWN
        self._sent_s = self._changed_s = 0.0
        self._release_failed_s: float | None = None

    @property
    def setpoint(self) -> Setpoint | None:
        """What stands by our command; None: nothing of ours."""
        return self._setpoint

    @property
    def power(self) -> Power | None:
        """What is forced; None: nothing is."""
        return self._setpoint if isinstance(self._setpoint, Power) else None

    @property
    def is_automatic(self) -> bool:
        """Whether the battery was told to run itself."""
        return isinstance(self._setpoint, Automatic)

    @property
    def confirmed(self) -> bool:
        """Whether a status has shown the mode that goes with it."""
        return self._confirmed

    @property
    def proven(self) -> bool:
        """Whether one that is younger than the command has."""
        return self._proven

    @property
    def is_asked_again(self) -> bool:
        """Whether it is to be sent again, due or not."""
        return self._again

    @property
    def release_failed(self) -> bool:
        """Whether it was to be handed back, and no answer came: that may have worked all the same."""
        return self._release_failed_s is not None

    # -- what is sent, and what becomes of it -------------------------------------------------------------------

    def replace(self, wanted: Setpoint, seen_mode: OperatingMode, elapsed_s: float) -> None:
        """Note what is sent now, over the mode that the last status told."""
        if wanted != self._setpoint:
            self._changed_s = elapsed_s
        if type(wanted) is not type(self._setpoint):
            self._began_in = seen_mode
        if isinstance(wanted, Automatic) or self.power is None:
            self._confirmed = self._proven = False
        self._setpoint, self._sent_s = wanted, elapsed_s

    def note_taken(self) -> None:
        """Note that the battery has accepted it."""
        self._again, self._release_failed_s = False, None

    def ask_again(self) -> None:
        """Have it sent again at the next opportunity."""
        self._again = True

    def confirm(self, *, proven: bool) -> None:
        """Note that a status has shown its mode, and whether that is younger than the command."""
        self._confirmed, self._proven = True, self._proven or proven

    def confirm_manual(self, elapsed_s: float) -> None:
        """Note that a status has shown manual mode: whatever comes after it was chosen then."""
        self._confirmed, self._began_in = True, OperatingMode.MANUAL
        failed_s = self._release_failed_s
        if failed_s is not None and elapsed_s - failed_s >= self._options.max_age_s:
            self._release_failed_s = None  # no status is that old: it has not worked

    def note_release_failed(self, elapsed_s: float) -> None:
        """Note that handing it back failed."""
        self._release_failed_s = elapsed_s

    def end(self, elapsed_s: float) -> None:
        """Note that nothing is commanded from now on."""
        self._setpoint, self._changed_s, self._release_failed_s = None, elapsed_s, None
        self._confirmed = self._proven = self._again = False

    def end_again(self, elapsed_s: float) -> None:
        """Note that what ended it was sent once more."""
        self._changed_s = elapsed_s

    # -- what follows from it -----------------------------------------------------------------------------------

    def began_in(self, mode: OperatingMode) -> bool:
        """Return whether it was sent over this mode."""
        return mode is self._began_in

    def sent_for_s(self, elapsed_s: float) -> float:
        """Return how long ago something was sent last [s]."""
        return elapsed_s - self._sent_s

    def changed_for_s(self, elapsed_s: float) -> float:
        """Return how long ago something else was sent last, or it was ended [s]."""
        return elapsed_s - self._changed_s

    def is_settled(self, elapsed_s: float) -> bool:
        """Return whether it has stood long enough for a status to show it."""
        return self._confirmed or self.changed_for_s(elapsed_s) >= self._options.settle_s

    def is_unconfirmed_for_long(self, elapsed_s: float) -> bool:
        """Return whether a status should have shown it by now, and none has, or none that must be younger than it."""
        since_s = self.changed_for_s(elapsed_s)
        settled = not self._confirmed and since_s >= self._options.settle_s
        return settled or (not self._proven and since_s >= self._options.lease_s)

    def is_due(self, wanted: Setpoint, elapsed_s: float) -> bool:
        """Return whether anything has to be sent for a wish."""
        standing, since_s = self._setpoint, self.sent_for_s(elapsed_s)
        if standing is None or self._again or isinstance(wanted, Automatic) != isinstance(standing, Automatic):
            return True
        if not isinstance(wanted, Power) or not isinstance(standing, Power):
            return False
        if wanted == standing:
            return since_s >= self._options.reassert_s
        turns = wanted.battery_power_w * standing.battery_power_w <= 0
        return turns or since_s >= self._options.min_send_interval_s
