"""Accepted is not obeyed: what the latest status calls for while a forced command stands."""

from __future__ import annotations

import logging
from dataclasses import replace

from optimizer.control.actuation.known import Known
from optimizer.control.actuation.read_back import Finding, ReadBack, read_back
from optimizer.control.actuation.recurrence import TRIES, Recurrence
from optimizer.control.actuation.refusal import Refusal
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power

logger = logging.getLogger(__name__)

FOLLOW_TRIES = 2
"""A command that is not followed so often in a row is given up."""


class ForcedCommand:
    """Reads back the forced command that stands, and renews its lease where it is as sent.

    Parameters
    ----------
    known
        The command, and what is known of it.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self.refusal = Refusal()
        """Whether it was taken at all."""
        self._losses = Recurrence()

    def forget(self) -> None:
        """Note that it stands no more."""
        self.refusal.end()
        self._losses.forget()
        self._known.follow.reset()
        self._known.follow.forgive()

    def judge(self, power: Power, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> Verdict | None:
        """Return what a status calls for; None: nothing, or that it is sent again.

        Parameters
        ----------
        after_restart
            Whether the battery may have restarted since the status before.
        """
        self.refusal.look(power, measurement)
        if self.refusal.stands(measurement):
            return self._refused(power, elapsed_s)
        found = self._read_back(power, measurement, elapsed_s, after_restart=after_restart)
        if found.finding is Finding.FOREIGN:
            return self._foreign(power, found.message, measurement)
        if found.finding is Finding.LOST:
            return self._lost(found.message, elapsed_s)
        if self._known.follow.misses(measurement, elapsed_s) >= FOLLOW_TRIES:
            flows = Power(round(measurement.battery_power_w))
            why = "; ".join(("the battery does not follow", *measurement.reasons))
            return Verdict(Course.GIVE_UP, f"{why}: told to {power}, it does {flows}")
        if measurement.mode in MAY_BE_MANUAL:
            self._known.lease.vouch(power, elapsed_s)
        if measurement.mode is OperatingMode.MANUAL:
            self._known.standing.show_manual()
        return None

    def _read_back(self, power: Power, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> ReadBack:
        mode, standing = measurement.mode, self._known.standing
        if not standing.confirmed and self._known.is_chosen(mode):
            # At once: with wishes that change at every step a command never settles.
            return ReadBack(finding=Finding.FOREIGN, message=somebody_elses(mode).why)
        if standing.release_failed and mode not in MAY_BE_MANUAL and self._known.may_be_taken(mode):
            return ReadBack(finding=Finding.LOST, message="a hand-back worked, and its answer was lost")
        echo_w = measurement.reported_setpoint_w
        if echo_w is not None and self._known.follow.was_replaced_lately(echo_w, elapsed_s):
            measurement = replace(measurement, reported_setpoint_w=None)  # it lags, and says nothing of the new one yet
        return read_back(power, measurement, after_restart=after_restart, settled=standing.is_settled(elapsed_s))

    def _foreign(self, power: Power, message: str, measurement: Measurement) -> Verdict:
        if measurement.mode in MAY_BE_MANUAL:
            going_on = self._known.follow.goes_on_with(measurement)
            if going_on and measurement.reported_setpoint_w is not None:
                return Verdict(Course.GIVE_UP, f"{power} was sent, and the battery still keeps to {going_on[0]}")
            # It may be a power plant: when that leaves, ours acts again.
            self._known.left_behind.add(power, *going_on)
        elif not self._known.standing.confirmed and self._known.standing.began_in(measurement.mode):
            # Nobody chose that: the status may be old, and what was sent stand all the same.
            return Verdict(Course.GIVE_UP, f"{power} was sent, and the battery's mode is still {measurement.mode}")
        else:
            # It stays stored under the mode that somebody chose, and acts again when the battery is put back in manual.
            self._known.left_behind.add(power)
        return Verdict(Course.STAND_DOWN, message)

    def _refused(self, power: Power, elapsed_s: float) -> Verdict | None:
        """End it with its lease; leave alone a battery that lets manual mode be entered and no more."""
        if not self._known.lease.has_run_out(elapsed_s):
            return None
        if self.refusal.before is None and self._known.capabilities.can_set_mode:
            return Verdict(Course.GIVE_UP, f"{power} cannot be sent")
        return Verdict(Course.HAND_BACK, "what replaces the command before cannot be sent")

    def _lost(self, message: str, elapsed_s: float) -> Verdict | None:
        """Send a command that is gone again, but not for ever: what is forgotten each time is not obeyed."""
        times = self._losses.note(elapsed_s)
        if times > TRIES:
            return Verdict(Course.GIVE_UP, f"{message}, {times} times within an hour")
        logger.log(logging.WARNING if times == 1 else logging.DEBUG, "%s: sending it again", message)
        # Nothing of ours is in force: its lease begins anew, or the guard would end what is sent now.
        self._known.standing.resend = True
        self._known.lease.begin(elapsed_s)
        return None
