"""Accepted is not obeyed: what the latest status calls for while a forced command stands."""

from __future__ import annotations

import logging
from dataclasses import replace

from optimizer.control.actuation.read_back import Finding, ReadBack, cares, changed_by_somebody, read_back, tells
from optimizer.control.actuation.recurrence import TRIES, Recurrence
from optimizer.control.actuation.refusal import Refusal
from optimizer.control.actuation.state import CommandState
from optimizer.control.actuation.verdict import Course, Verdict
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power, Setpoint

logger = logging.getLogger(__name__)

FOLLOW_TRIES = 2
"""A command that is not followed so often in a row is given up."""


class ForcedCommand:
    """Reads back the forced command that stands, and renews its lease where it is as sent.

    Parameters
    ----------
    state
        The command, and all that is known of it.
    """

    def __init__(self, state: CommandState) -> None:
        self._state = state
        self._refusal = Refusal()
        self._losses = Recurrence()

    def note_refused(self, before: Setpoint | None, wanted: Setpoint) -> None:
        """Note that a write failed; it may have taken effect all the same."""
        self._refusal.note(before, wanted)

    def note_taken(self) -> None:
        """Note that a write was accepted."""
        self._refusal.end()

    def end(self) -> None:
        """Note that it stands no more."""
        self._refusal.end()
        self._losses.forget()
        self._state.follow.forgive()

    def judge(self, power: Power, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> Verdict | None:
        """Return what a status calls for; None: nothing.

        Parameters
        ----------
        after_restart
            Whether the battery may have restarted since the status before.
        """
        self._refusal.look(power, measurement)
        if self._refusal.stands(measurement):
            return self._refused(power, elapsed_s)
        found = self._read_back(power, measurement, elapsed_s, after_restart=after_restart)
        if found.finding is Finding.FOREIGN:
            return self._foreign(power, found.message, measurement)
        if found.finding is Finding.LOST:
            return self._lost(found.message, elapsed_s)
        echo_w, missed = measurement.reported_setpoint_w, self._state.follow.misses(measurement, elapsed_s)
        if echo_w is not None and tells(echo_w, power.battery_power_w) and not self._state.unended.shows(measurement):
            self._state.unended.add(Power(echo_w))  # what limits of the battery's own leave of it
        if missed >= FOLLOW_TRIES:
            return _not_followed(power, measurement)
        return self._as_sent(power, measurement.mode, elapsed_s)

    def _read_back(self, power: Power, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> ReadBack:
        mode, standing = measurement.mode, self._state.standing
        if not standing.confirmed and self._state.is_chosen(mode):
            # At once: with wishes that change at every step a command never settles.
            return ReadBack(finding=Finding.FOREIGN, message=changed_by_somebody(mode))
        if standing.release_failed and mode not in MAY_BE_MANUAL and self._state.may_be_taken(mode):
            return ReadBack(finding=Finding.LOST, message="a hand-back worked, and its answer was lost")
        echo_w = measurement.reported_setpoint_w
        if echo_w is not None and self._state.follow.was_replaced_lately(echo_w, elapsed_s):
            measurement = replace(measurement, reported_setpoint_w=None)  # it lags, and says nothing of the new one yet
        return read_back(power, measurement, after_restart=after_restart, settled=standing.is_settled(elapsed_s))

    def _as_sent(self, power: Power, mode: OperatingMode, elapsed_s: float) -> Verdict | None:
        if mode in MAY_BE_MANUAL and self._state.look.has_moved:  # data that froze is noticed a while later only
            self._state.lease.renew(power, elapsed_s)
        elif self._state.lease.has_run_out(elapsed_s):
            # With wishes that change at every step no command settles, and none is verified.
            return _without_effect(power, mode) if mode not in MAY_BE_MANUAL else _unverified(power)
        if mode is OperatingMode.MANUAL:
            self._state.standing.confirm_manual(elapsed_s)
        return None

    def _foreign(self, power: Power, message: str, measurement: Measurement) -> Verdict:
        """Leave the battery to somebody else, unless what it does is ours; ours acts again when the other leaves."""
        mode, echo_w = measurement.mode, measurement.reported_setpoint_w
        if mode in MAY_BE_MANUAL and echo_w is not None and self._state.unended.shows(measurement):
            return Verdict(Course.GIVE_UP, f"{power} was sent, and the battery still keeps to {Power(echo_w)}")
        if mode not in MAY_BE_MANUAL and not self._state.standing.confirmed and self._state.standing.began_in(mode):
            # Nobody chose that: the status may be old, and what was sent stand all the same.
            return _without_effect(power, mode)
        return Verdict(Course.STAND_DOWN, message)

    def _refused(self, power: Power, elapsed_s: float) -> Verdict | None:
        """End it with its lease; leave alone a battery that lets manual mode be entered and no more."""
        if not self._state.lease.has_run_out(elapsed_s):
            return None
        if self._refusal.before is None and self._state.capabilities.can_set_mode:
            return Verdict(Course.GIVE_UP, f"{power} cannot be sent")
        return Verdict(Course.HAND_BACK, "what replaces the command before cannot be sent")

    def _lost(self, message: str, elapsed_s: float) -> Verdict:
        """Send a command that is gone again, but not for ever: what is forgotten each time is not obeyed."""
        times = self._losses.note(elapsed_s)
        if times > TRIES:
            return Verdict(Course.GIVE_UP, f"{message}, {times} times within an hour")
        logger.log(logging.WARNING if times == 1 else logging.DEBUG, "%s: sending it again", message)
        if self._state.look.has_moved:
            # Nothing of ours is in force: its lease begins anew, or the guard would end what is sent now.
            self._state.lease.begin(elapsed_s)
        return Verdict(Course.SEND_AGAIN)


def _not_followed(power: Power, measurement: Measurement) -> Verdict:
    flows = Power(round(measurement.battery_power_w))
    care = ("battery care seems to charge it",) if cares(measurement, flows.battery_power_w, power) else ()
    why = "; ".join(("the battery does not follow", *care, *measurement.reasons))
    return Verdict(Course.GIVE_UP, f"{why}: told to {power}, it does {flows}")


def _unverified(power: Power) -> Verdict:
    return Verdict(Course.HAND_BACK, f"{power} cannot be verified: the battery's data does not move")


def _without_effect(power: Power, mode: OperatingMode) -> Verdict:
    return Verdict(Course.GIVE_UP, f"{power} was sent, and the battery's mode is still {mode}")
