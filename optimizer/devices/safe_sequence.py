"""The order in which a sonnen battery is taken and handed back.

Entering manual mode re-applies whatever setpoint was stored last, so both setpoints are zeroed first, on the way in
and on the way out. The device holds one signed command: a new charge replaces a discharge. Idle is both at zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from optimizer.clock import Clock
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceError, DeviceTimeout, DeviceUnreachable

Direction = Literal["charge", "discharge"]

MANUAL, AUTOMATIC = "1", "2"
HAND_BACK_CODES = {
    OperatingMode.AUTOMATIC: AUTOMATIC,
    OperatingMode.TIME_OF_USE: "10",
    OperatingMode.BACKUP: "7",
}
"""Modes that a battery can be handed back to, as the device numbers them."""

MODE_KNOWN_FOR_S = 45.0
"""Age up to which the mode of the last read counts as known: that of a measurement to act on [s]."""


class Writes(Protocol):
    """The two writes that a device knows."""

    def set_watts(self, direction: Direction, watts: int) -> None:
        """Store a setpoint [W]."""
        ...

    def set_mode(self, code: str) -> None:
        """Change the operating mode."""
        ...


class SafeSequence:
    """Writes in the safe order.

    Remembers one thing, and only from a read: that the device was in manual mode. Whatever goes wrong forgets it, so
    that the next command enters anew.

    Parameters
    ----------
    writes
        The device's own writes.
    clock
        For the age of what was read.
    can_set_mode
        Whether the mode may be set; otherwise only watts are written.
    hand_back_mode
        Mode that the owner wants the battery left in.

    Raises
    ------
    ValueError
        If nobody could want to be left in that mode.
    """

    def __init__(
        self,
        writes: Writes,
        *,
        clock: Clock,
        can_set_mode: bool,
        hand_back_mode: OperatingMode = OperatingMode.AUTOMATIC,
    ) -> None:
        if hand_back_mode not in HAND_BACK_CODES:
            msg = f"a battery cannot be handed back to {hand_back_mode!s}: choose {', '.join(HAND_BACK_CODES)}"
            raise ValueError(msg)
        self._writes, self._clock, self._can_set_mode = writes, clock, can_set_mode
        self._hand_back_code = HAND_BACK_CODES[hand_back_mode]
        self._manual_seen_s: float | None = None

    def saw(self, mode: OperatingMode) -> None:
        """Take note of the mode that was just read."""
        self._manual_seen_s = self._clock.elapsed() if mode is OperatingMode.MANUAL else None

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        """Bring the device to a setpoint.

        Parameters
        ----------
        setpoint
            What is to stand.
        not_after_s
            Reading of the clock after which no more of a forced power is sent [s].

        Raises
        ------
        DeviceError
            From the write that failed; what follows it is not written. Also when it has become too late for it.
        ValueError
            If the power is not finite.
        """
        match setpoint:
            case Automatic():
                self._leave(AUTOMATIC)
            case Power(battery_power_w=power_w):
                watts = whole_watts(power_w)
                manual = self._known_to_be_manual()
                self._manual_seen_s, seen_s = None, self._manual_seen_s
                if self._can_set_mode and not manual:
                    self._enter_manual(not_after_s)
                self._still_in_time(not_after_s)
                self._write(watts)
                self._manual_seen_s = seen_s

    def release(self) -> None:
        """Hand the battery back in the owner's mode.

        A refused step does not keep the next from being tried: the mode matters most and comes last.

        Raises
        ------
        DeviceError
            The first refusal, after all steps; or at once where the device does not answer.
        """
        self._leave(self._hand_back_code)

    def zero(self) -> None:
        """Zero both setpoints and leave the mode as it is.

        Raises
        ------
        DeviceError
            The first refusal, after both; or at once where the device does not answer.
        """
        self._take_all(self._zeroes())

    def _known_to_be_manual(self) -> bool:
        seen_s = self._manual_seen_s
        return seen_s is not None and self._clock.elapsed() - seen_s <= MODE_KNOWN_FOR_S

    def _enter_manual(self, not_after_s: float) -> None:
        self._still_in_time(not_after_s)
        self._write(0)
        self._still_in_time(not_after_s)
        self._writes.set_mode(MANUAL)

    def _still_in_time(self, not_after_s: float) -> None:
        late_s = self._clock.elapsed() - not_after_s
        if late_s > 0.0:
            msg = (
                f"the command was held up and came {late_s:.0f} s too late: it is not sent; is the computer overloaded?"
            )
            raise DeviceTimeout(msg)

    def _write(self, watts: int) -> None:
        """Store a signed setpoint, + charging; zero goes to both [W]."""
        if watts >= 0:
            self._writes.set_watts("charge", watts)
        if watts <= 0:
            self._writes.set_watts("discharge", -watts)

    def _leave(self, code: str) -> None:
        self._manual_seen_s = None
        steps = self._zeroes()
        if self._can_set_mode:
            steps.append(lambda: self._writes.set_mode(code))
        self._take_all(steps)

    def _zeroes(self) -> list[Callable[[], None]]:
        return [lambda: self._writes.set_watts("charge", 0), lambda: self._writes.set_watts("discharge", 0)]

    def _take_all(self, steps: Sequence[Callable[[], None]]) -> None:
        """Take every step, whatever came of the one before."""
        refusals = [refusal for step in steps if (refusal := _refusal(step)) is not None]
        if refusals:
            raise refusals[0]


def whole_watts(power_w: float) -> int:
    """Return a power in whole watts, which is all the device's paths can say [W].

    Raises
    ------
    ValueError
        If it is not finite.
    """
    if not math.isfinite(power_w):
        msg = f"a power of {power_w} W cannot be commanded"
        raise ValueError(msg)
    return round(power_w)


def _refusal(step: Callable[[], None]) -> DeviceError | None:
    try:
        step()
    except (DeviceUnreachable, DeviceTimeout):
        raise
    except DeviceError as error:
        return error
    return None
