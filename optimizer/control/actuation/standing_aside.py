"""While the battery is left to somebody else: for how long, and when what is ours beneath theirs is taken back."""

from __future__ import annotations

from optimizer.control.actuation.stand_down import HoldOff, StandDown
from optimizer.control.actuation.state import CommandState
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement


class StandingAside:
    """Leaves the battery alone for the hold-off, and longer while it is in a mode that somebody chose.

    Parameters
    ----------
    state
        What the battery told last, and what is ours beneath what somebody else set or chose.
    """

    def __init__(self, state: CommandState) -> None:
        self._state = state
        self._hold_off = HoldOff(state.options.hold_off_s)
        self._told_s = 0.0

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the battery is in a mode that somebody chose, and left there."""
        return self._hold_off.lasts and not self._state.may_be_taken(self._state.look.mode)

    def told(self, elapsed_s: float) -> StandDown | None:
        """Return why and for how long; None: it is not left alone."""
        return self._hold_off.told(elapsed_s)

    def begin(self, why: str, elapsed_s: float) -> None:
        """Leave it alone from now on."""
        self._hold_off.begin(why, elapsed_s)

    def end(self) -> bool:
        """Take it up again; return whether it was left alone."""
        return self._hold_off.end()

    def note_told(self, elapsed_s: float) -> None:
        """Note that something is sent to the battery: what is ours is taken back a lease later, if then at all."""
        self._told_s = elapsed_s

    def look_after_ours(self, measurement: Measurement, elapsed_s: float) -> bool:
        """Keep what is ours on record until a status shows that it is gone; return whether it is to be ended now."""
        unended = self._state.unended
        if not unended or (unended.is_gone(measurement) and self._state.believe_ended()):
            return False
        self._state.lease.vouch(unended.first, elapsed_s)
        may_act = measurement.mode not in MAY_BE_MANUAL or unended.may_show(measurement)
        return may_act and elapsed_s - self._told_s >= self._state.options.lease_s
