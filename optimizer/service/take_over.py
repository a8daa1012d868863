"""The first contact: what an earlier run left standing at the battery is taken back before anything else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from optimizer.control.actuation.stand_down import StandDown
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

    @property
    def stand_down(self) -> StandDown | None:
        """Why and for how long the battery is left to somebody else; None: it is not."""
        ...

    def resume(self) -> bool:
        """End a stand-down now; return whether there was one."""
        ...

    def could_not_read(self, error: DeviceError) -> Decision:
        """Note that the battery could not be read."""
        ...

    def leave_to_others(self, why: str, measurement: Measurement, *, left_over: bool) -> Decision:
        """Stand down to the mode that a status shows."""
        ...

    def look_again(self, why: str, measurement: Measurement) -> Decision:
        """Do nothing on a status yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What an earlier run of the service left behind."""

    command: bool = False
    """Whether it left a command on record."""
    unsettled: bool = False
    """Whether it crashed, or ended while a chosen mode was left alone: then this start is nobody's word."""
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
    on_record
        Tells whether a command of ours is on record now.
    observe
        Whether to leave it as it is and only say so.
    """

    def __init__(
        self,
        controller: Steps,
        device: BatteryDevice,
        *,
        earlier: EarlierRun,
        on_record: Callable[[], bool],
        observe: bool,
    ) -> None:
        self._controller, self._device, self._observe = controller, device, observe
        self._on_record = on_record
        self._earlier = earlier
        self._accepted = False
        self._shown: Measurement | None = None
        self._step: Callable[[], Decision] = self._first_step

    def step(self) -> Decision:
        """Take one control step."""
        return self._step()

    def release(self, reason: str) -> Decision:
        """Hand the battery back; with nothing on record only where a look shows no mode that somebody chose."""
        if self._observe or self._on_record():
            return self._controller.release(reason)
        try:
            found = self._device.read()
        except DeviceError as error:
            return self._controller.could_not_read(error) if self._is_unsettled else self._controller.release(reason)
        if self._is_chosen(found.mode):
            return self._leave_to_others(found, f"{reason}; somebody chose the mode {found.mode}")
        return self._controller.release(reason)

    @property
    def stand_down(self) -> StandDown | None:
        """Why and for how long the battery is left to somebody else; None: it is not."""
        told = self._controller.stand_down
        if told is None and self._is_unsettled:
            return StandDown(why="the run before did not end well, and the battery was not seen since", left_s=0.0)
        return told

    @property
    def _is_unsettled(self) -> bool:
        """Whether a chosen mode would be left alone by the first look, which was not taken yet."""
        return not self._observe and self._earlier.unsettled and self._step != self._controller.step

    def resume(self) -> bool:
        """End a stand-down now, also one that the first look would begin; return whether there was one."""
        unsettled = self._is_unsettled
        self._earlier = replace(self._earlier, unsettled=False)
        return self._controller.resume() or unsettled

    def _first_step(self) -> Decision:
        if self._observe:
            return self._only_say_so()
        self._step = self._first_look
        if self._earlier.elsewhere is not None:
            self._earlier.elsewhere()
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
        if self._earlier.unsettled and self._is_chosen(found.mode):
            return self._on_choice(found)
        if not (self._earlier.command or _may_hold_a_command(found)):
            return self._go_on()
        return self._release(_why(found))

    def _release(self, why: str) -> Decision:
        decision = self._controller.release(why)
        if decision.outcome is not Outcome.HANDED_BACK:
            return decision
        logger.warning("%s: handed back before anything else", why)
        self._step = self._controller.step
        return decision

    def _is_chosen(self, mode: OperatingMode) -> bool:
        capabilities = self._device.capabilities
        return capabilities.can_set_mode and not capabilities.may_be_taken(mode)

    def _on_choice(self, found: Measurement) -> Decision:
        """Leave a chosen mode alone; over a command on record only if the data moves: it may be from before that."""
        why = _chosen(found)
        if self._earlier.command and (self._shown is None or found.says_the_same(self._shown)):
            if self._shown is not None:
                return self._release(f"an earlier run left a command on record, and mode {found.mode} may be old")
            self._shown = found
            return self._controller.look_again(f"{why}, or its data is old: looking again", found)
        return self._leave_to_others(found, why, left_over=self._earlier.command)

    def _leave_to_others(self, found: Measurement, why: str, *, left_over: bool = False) -> Decision:
        self._step = self._controller.step
        return self._controller.leave_to_others(why, found, left_over=left_over)

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


def _chosen(found: Measurement) -> str:
    return f"somebody chose the mode {found.mode} before this start, and has not said that it is over"


def _may_hold_a_command(found: Measurement) -> bool:
    return found.mode in MAY_BE_MANUAL


def _why(found: Measurement) -> str:
    if found.mode is OperatingMode.MANUAL:
        return "found in manual mode at start, where an earlier command may stand"
    if found.mode is OperatingMode.UNKNOWN:
        return "its mode is not told, so that an earlier command may stand"
    return "an earlier run left a command on record"
