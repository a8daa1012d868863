"""A battery of which nothing is wanted: whether it is handed back, and whether somebody else takes it."""

from __future__ import annotations

import logging

from optimizer.control.actuation.awaited_release import AwaitedRelease
from optimizer.control.actuation.known import Known
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.devices.port import BatteryDevice
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power, Setpoint
from optimizer.errors import DeviceError

logger = logging.getLogger(__name__)


class HandedBack:
    """Reads back a hand-back: what it ended stays on record until the battery shows it.

    Parameters
    ----------
    device
        The battery.
    known
        Since when nothing of ours stands, and what is known of it.
    """

    def __init__(self, device: BatteryDevice, known: Known) -> None:
        self._device, self._known = device, known
        self._awaited = AwaitedRelease(known.battery, known.options)
        self._left_in: OperatingMode | None = None

    @property
    def pending(self) -> bool:
        """Whether the battery has yet to show it."""
        return self._awaited.pending

    def begin(self, standing: Setpoint | None, *going_on: Power) -> None:
        """Wait for it to show, of what stood and what the battery may have gone on with instead."""
        self._awaited.begin(standing, *going_on)

    def cancel(self) -> None:
        """Wait no more: the battery is commanded anew, or somebody else's."""
        self._awaited.cancel()

    def watch(self) -> None:
        """Take whatever mode comes next for the one that it was left in, and a change of it for somebody's."""
        self._left_in = OperatingMode.UNKNOWN

    def ignore(self) -> None:
        """Take no change of mode for somebody's."""
        self._left_in = None

    def is_contradicted(self, measurement: Measurement) -> bool:
        """Return whether the battery has yet to show it, and a status shows the contrary."""
        return self.pending and self._objection(measurement) is not None

    def judge_awaited(self, measurement: Measurement, elapsed_s: float) -> Verdict | None:
        """Believe it once the battery shows it; return what a battery calls for that does not for long."""
        why = self._objection(measurement)
        if why is None:
            self._believe(elapsed_s)
            return None
        if self._known.standing.changed_for_s(elapsed_s) < self._awaited.pause_s():
            return None
        self._awaited.tell(why)
        return Verdict(Course.HAND_BACK, why)

    def judge(self, measurement: Measurement, elapsed_s: float) -> Verdict | None:
        """Return what a status calls for while nothing of ours stands; None: nothing."""
        mode = measurement.mode
        if not self._known.capabilities.can_set_mode and mode not in MAY_BE_MANUAL:
            why = f"the battery is in mode {mode} and its mode cannot be set from here: put it into manual"
            return Verdict(Course.TELL, why)
        before = self._left_in
        if before is None:
            return None
        self._left_in = mode
        settling = self._known.standing.changed_for_s(elapsed_s) < self._known.options.settle_s
        if settling or mode is before or self._known.may_be_taken(mode):
            return None
        return somebody_elses(mode)

    def pursue(self, doubtful: Measurement | None, elapsed_s: float) -> None:
        """Hand back again what was accepted and cannot be seen; told once, with the first hand-back.

        Parameters
        ----------
        doubtful
            A status on which no command may rest; None: there is none.
        """
        automatic = doubtful is not None and doubtful.mode is OperatingMode.AUTOMATIC
        if automatic and self._believe(elapsed_s):  # in doubt for another reason than age
            return
        self._known.standing.note_again(elapsed_s)
        try:
            self._device.release()
        except DeviceError as error:
            logger.debug("what was handed back and never seen cannot be handed back again: %s", error)

    def _believe(self, elapsed_s: float) -> bool:
        """Take what was ended off the record, if the status that shows it is younger than that; return whether."""
        if not self._known.newness.is_news(elapsed_s):
            return False
        self._awaited.shown()
        self._known.lease.drop()
        return True

    def _objection(self, measurement: Measurement) -> str | None:
        return self._awaited.objection(measurement, can_set_mode=self._known.capabilities.can_set_mode)
