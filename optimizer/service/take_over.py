"""The first contact: what an earlier run left standing at the battery is taken back before anything else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
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

    def could_not_read(self, error: DeviceError) -> Decision:
        """Note that the battery could not be read."""
        ...

    def leave_to_others(self, why: str, measurement: Measurement, *, left_over: bool) -> Decision:
        """Stand down to the mode that a status shows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What an earlier run of the service left behind."""

    command: bool = False
    """Whether it left a command on record."""
    crashed: bool = False
    """Whether it ended without handing the battery back: then this start is nobody's word."""
    elsewhere: Callable[[], None] | None = None
    """Takes back what it left at another battery than this; None: it left nothing there."""


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
    earlier
        What an earlier run left.
    observe
        Whether to leave it as it is and only say so.
    """

    def __init__(self, controller: Steps, device: BatteryDevice, *, earlier: EarlierRun, observe: bool) -> None:
        self._controller, self._device, self._observe = controller, device, observe
        self._earlier = earlier
        self._accepted = False
        self._step: Callable[[], Decision] = self._first_step

    def step(self) -> Decision:
        """Take one control step."""
        return self._step()

    def _first_step(self) -> Decision:
        if self._observe:
            return self._only_say_so()
        if self._earlier.elsewhere is not None:
            self._earlier.elsewhere()
        self._step = self._first_look
        return self._first_look()

    def _only_say_so(self) -> Decision:
        if self._earlier.command:
            logger.warning("an earlier run left a command on record: the guard, or `sunshift release`, takes it back")
        return self._go_on()

    def _first_look(self) -> Decision:
        try:
            found = self._device.read()
        except DeviceError as error:
            return self._unread(error)
        if self._earlier.crashed and self._is_chosen(found.mode):
            return self._leave_to_others(found)
        if not (self._earlier.command or _may_hold_a_command(found)):
            return self._go_on()
        why = _why(found)
        decision = self._controller.release(why)
        if decision.outcome is not Outcome.HANDED_BACK:
            return decision
        logger.warning("%s: handed back before anything else", why)
        self._step = self._controller.step
        return decision

    def _is_chosen(self, mode: OperatingMode) -> bool:
        """Whether a mode is neither one of ours nor the one that the battery is handed back to."""
        ours = (OperatingMode.AUTOMATIC, self._device.capabilities.hand_back_mode, *MAY_BE_MANUAL)
        return self._device.capabilities.can_set_mode and mode not in ours

    def _leave_to_others(self, found: Measurement) -> Decision:
        self._step = self._controller.step
        why = f"somebody chose the mode {found.mode} before this start, which follows a crash"
        return self._controller.leave_to_others(why, found, left_over=self._earlier.command)

    def _unread(self, error: DeviceError) -> Decision:
        """Take back what is on record though the battery cannot be read: it may still take a command.

        Where nothing is on record the failure is noted; the look is taken again when the battery is there.
        """
        if self._accepted or not self._earlier.command:
            return self._controller.could_not_read(error)
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
