"""The first contact: what an earlier run left standing at the battery is taken back before anything else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from optimizer.devices.port import BatteryDevice
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.errors import DeviceError

logger = logging.getLogger("sunshift.service")


class Steps(Protocol):
    """What takes control steps: :class:`optimizer.control.controller.Controller`."""

    def step(self) -> Decision:
        """Take one."""
        ...

    def release(self, reason: str) -> Decision:
        """Hand the battery back."""
        ...


class TakeOver:
    """A control step that first looks for a forced command of an earlier run.

    The device keeps its last setpoint for ever: found in manual mode, or unable to name its mode, it may hold one; it
    may as well where an earlier run left a command on record, whatever the mode says.

    Parameters
    ----------
    controller
        Takes the steps after that.
    device
        The battery.
    left_over
        Whether an earlier run left a command on record.
    observe
        Whether to leave it as it is and only say so.
    """

    def __init__(self, controller: Steps, device: BatteryDevice, *, left_over: bool, observe: bool) -> None:
        self._controller, self._device, self._observe = controller, device, observe
        self._left_over = left_over
        self._accepted = False
        self._step: Callable[[], Decision] = self._first_step

    def step(self) -> Decision:
        """Take one control step."""
        return self._step()

    def _first_step(self) -> Decision:
        try:
            found = self._device.read()
        except DeviceError as error:
            return self._unread(error)
        if self._observe or not (self._left_over or _may_hold_a_command(found)):
            return self._go_on()
        why = _why(found)
        decision = self._controller.release(why)
        if decision.outcome is not Outcome.HANDED_BACK:
            return decision
        logger.warning("%s: handed back before anything else", why)
        self._step = self._controller.step
        return decision

    def _unread(self, error: DeviceError) -> Decision:
        """Take back what is on record though the battery cannot be read: it may still take a command.

        Where nothing is on record the controller notes the failure; the look is taken again when the battery is there.
        """
        if self._observe or self._accepted or not self._left_over:
            return self._controller.step()
        decision = self._controller.release(f"an earlier run left a command on record, and {error}")
        self._accepted = decision.outcome is Outcome.HANDED_BACK
        return decision

    def _go_on(self) -> Decision:
        self._step = self._controller.step
        return self._controller.step()


def _may_hold_a_command(found: Measurement) -> bool:
    return found.mode in MAY_BE_MANUAL


def _why(found: Measurement) -> str:
    if found.mode is OperatingMode.MANUAL:
        return "found in manual mode at start, where an earlier command may stand"
    if found.mode is OperatingMode.UNKNOWN:
        return "its mode is not told, so that an earlier command may stand"
    return "an earlier run left a command on record"
