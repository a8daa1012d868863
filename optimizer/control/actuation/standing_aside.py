"""While the battery is left to somebody else: for how long, and how what is ours beneath theirs is taken back."""

from __future__ import annotations

import logging

from optimizer.control.actuation.actuation import Actuation
from optimizer.control.actuation.known import Known
from optimizer.control.actuation.stand_down import HoldOff, StandDown
from optimizer.devices.port import BatteryDevice
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement
from optimizer.errors import DeviceError

logger = logging.getLogger(__name__)


class StandingAside:
    """Leaves the battery alone for the hold-off, and longer while it is in a mode that somebody chose.

    Parameters
    ----------
    device
        The battery.
    known
        What it told last, and what is ours beneath what somebody else set or chose.
    """

    def __init__(self, device: BatteryDevice, known: Known) -> None:
        self._device, self._known = device, known
        self._hold_off = HoldOff(known.options.hold_off_s)
        self._told_s = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the battery is left alone."""
        return self._hold_off.lasts

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the battery is in a mode that somebody chose, and left there."""
        return self.lasts and not self._known.may_be_taken(self._known.look.mode)

    def told(self, elapsed_s: float) -> StandDown | None:
        """Return why and for how long; None: it is not left alone."""
        return self._hold_off.told(elapsed_s)

    def end(self) -> bool:
        """Take it up again; return whether it was left alone."""
        return self._hold_off.end()

    def rest(self, why: str, elapsed_s: float) -> None:
        """Leave a battery alone that was handed back and is nobody else's."""
        self._hold_off.begin(why, elapsed_s)

    def begin(self, why: str, sent_s: float, elapsed_s: float) -> Actuation:
        """Leave the battery to somebody else from now on.

        Parameters
        ----------
        why
            In words for a person.
        sent_s
            When something was sent to it last [s].
        """
        logger.warning("%s: standing down", why)
        self._told_s = max(self._told_s, sent_s)
        if (left := self._known.left_behind.first) is not None:
            self._known.lease.hold(left, elapsed_s)
            if not self._known.may_be_taken(self._known.look.mode):
                self._take_back(elapsed_s)
        else:
            self._known.lease.drop()  # what stands now is theirs
        self._hold_off.begin(why, elapsed_s)
        return Actuation(outcome=Outcome.STOOD_DOWN, note=why)

    def look(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        """Take back what is ours as far as a status allows; None: the battery may be taken up again."""
        stand_down = self._hold_off.told(elapsed_s)
        if stand_down is None:
            return None
        foreign = self._known.capabilities.can_set_mode and not self._known.may_be_taken(measurement.mode)
        if not stand_down.left_s and not foreign:
            self._hold_off.end()
            logger.info("taking the battery up again")
            return None
        self._look_after_what_is_left_behind(measurement, elapsed_s)
        left_min = stand_down.left_s / 60.0
        again = f"for another {left_min:.0f} min" if left_min else f"while its mode is {measurement.mode}"
        return Actuation(outcome=Outcome.STOOD_DOWN, note=f"{stand_down.why}; standing down {again}")

    def leave(self, why: str, elapsed_s: float) -> Actuation:
        """Leave the mode as it is for good, and nothing of ours beneath it."""
        if self._known.left_behind.first is not None:
            error = self._take_back(elapsed_s)
            if error is not None:
                return Actuation(outcome=Outcome.FAILED, note=why, error=str(error))
            self._known.left_behind.clear()
            self._known.lease.drop()
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _look_after_what_is_left_behind(self, measurement: Measurement, elapsed_s: float) -> None:
        """Try, once a lease, to hand back what was ours; on record until a status shows that it is gone."""
        left = self._known.left_behind.first
        if left is None:
            return
        if self._known.left_behind.is_gone(measurement) and self._known.newness.is_news(elapsed_s):
            self._known.left_behind.clear()
            self._known.lease.drop()
            return
        self._known.lease.hold(left, elapsed_s)
        may_act = measurement.mode not in MAY_BE_MANUAL or self._known.left_behind.may_show(measurement)
        if may_act and elapsed_s - self._told_s >= self._known.options.lease_s:
            self._take_back(elapsed_s)

    def _take_back(self, elapsed_s: float) -> DeviceError | None:
        """Have the battery forget what was ours, in the mode that somebody chose; return why it could not be told."""
        self._told_s = elapsed_s
        try:
            if self._known.look.mode in MAY_BE_MANUAL:
                self._device.release()
            else:
                self._device.zero()
        except DeviceError as error:
            logger.debug("what we left at the battery cannot be taken back yet: %s", error)
            return error
        self._known.left_behind.note_accepted()
        return None
