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

    Attributes
    ----------
    setpoint
        What stands by our command; None: nothing of ours.
    confirmed
        Whether a status has shown the mode that goes with it.
    proven
        Whether one has that is younger than the command.
    sent_s
        When something was sent last, by the clock for ages [s].
    resend
        Whether it is to be sent again, due or not.
    release_failed
        Whether it was to be handed back, and no answer came: that may have worked all the same.
    """

    def __init__(self, options: ControlOptions) -> None:
        self._options = options
        self.setpoint: Setpoint | None = None
        self.confirmed = self.proven = False
        self.resend = self.release_failed = False
        self._began_in = OperatingMode.UNKNOWN
        self.sent_s = self._changed_s = 0.0

    @property
    def power(self) -> Power | None:
        """What is forced; None: nothing is."""
        return self.setpoint if isinstance(self.setpoint, Power) else None

    @property
    def is_automatic(self) -> bool:
        """Whether the battery was told to run itself."""
        return isinstance(self.setpoint, Automatic)

    def replace(self, wanted: Setpoint, seen_mode: OperatingMode, elapsed_s: float) -> None:
        """Note what is sent now, over the mode that the last status told."""
        if wanted != self.setpoint:
            self._changed_s = elapsed_s
        if type(wanted) is not type(self.setpoint):
            self._began_in = seen_mode
        if isinstance(wanted, Automatic) or self.power is None:
            self.confirmed = self.proven = False
        self.setpoint, self.sent_s = wanted, elapsed_s

    def forget(self, elapsed_s: float) -> None:
        """Note that nothing of ours stands from now on."""
        self.setpoint, self._changed_s = None, elapsed_s
        self.confirmed = self.proven = self.resend = False

    def note_again(self, elapsed_s: float) -> None:
        """Note that what ended it was sent once more."""
        self._changed_s = elapsed_s

    def show_manual(self) -> None:
        """Note that a status has shown manual mode: whatever comes after it was chosen then."""
        self.confirmed, self._began_in = True, OperatingMode.MANUAL

    def began_in(self, mode: OperatingMode) -> bool:
        """Return whether it was sent over this mode."""
        return mode is self._began_in

    def sent_for_s(self, elapsed_s: float) -> float:
        """Return how long ago something was sent last [s]."""
        return elapsed_s - self.sent_s

    def changed_for_s(self, elapsed_s: float) -> float:
        """Return how long ago something else was sent last, or it was ended [s]."""
        return elapsed_s - self._changed_s

    def is_settled(self, elapsed_s: float) -> bool:
        """Return whether it has stood long enough for a status to show it."""
        return self.confirmed or self.changed_for_s(elapsed_s) >= self._options.settle_s

    def is_unconfirmed_for_long(self, elapsed_s: float) -> bool:
        """Return whether a status should have shown it by now, and none has, or none that must be younger than it."""
        since_s = self.changed_for_s(elapsed_s)
        settled = not self.confirmed and since_s >= self._options.settle_s
        return settled or (not self.proven and since_s >= self._options.lease_s)

    def is_due(self, wanted: Setpoint, elapsed_s: float) -> bool:
        """Return whether anything has to be sent for a wish."""
        standing, since_s = self.setpoint, self.sent_for_s(elapsed_s)
        if standing is None or self.resend or isinstance(wanted, Automatic) != isinstance(standing, Automatic):
            return True
        if not isinstance(wanted, Power) or not isinstance(standing, Power):
            return False
        if wanted == standing:
            return since_s >= self._options.reassert_s
        turns = wanted.battery_power_w * standing.battery_power_w <= 0
        return turns or since_s >= self._options.min_send_interval_s
