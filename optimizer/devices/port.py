"""The port every battery speaks through, converted to the project's signs and units at the device's own door."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Setpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a device can be asked for."""

    can_set_mode: bool
    """Whether automatic mode can be entered and left by command; without it the owner has put it in manual."""
    hand_back_mode: OperatingMode = OperatingMode.AUTOMATIC
    """Mode that the owner wants it left in, where it can be set."""
    echoes_setpoint: bool = False
    """Whether the commanded power can be read back."""

    def may_be_taken(self, mode: OperatingMode) -> bool:
        """Return whether control is taken up in a mode: ours, or that it is handed back to; any other was chosen."""
        return mode in (OperatingMode.AUTOMATIC, self.hand_back_mode, *MAY_BE_MANUAL)


class BatteryDevice(Protocol):
    """A battery that can be read and commanded.

    Every call ends within a bounded time and raises a :class:`optimizer.errors.DeviceError` that says what, where
    and what to do. None of them retries: the control loop knows what a failure means, the adapter does not.
    """

    @property
    def name(self) -> str:
        """Return what a person calls it, such as ``sonnen_v1 at 192.168.33.185:8080``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can be asked for."""
        ...

    def read(self) -> Measurement:
        """Return the present status."""
        ...

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        """Bring the battery to a setpoint, in the safe order.

        ``Power``: where the mode can be set and is not known to be manual, zero both setpoints, set manual, then
        the watts; otherwise the watts alone. ``Automatic``: as :meth:`release`, but always into the battery's own
        self-consumption, whatever mode the owner wants it left in. Idempotent: applying again re-asserts.

        Parameters
        ----------
        setpoint
            What is to stand.
        not_after_s
            Reading of the clock for ages after which no more of a ``Power`` is sent: whoever was held up decided on a
            battery as it was [s].
        """
        ...

    def release(self) -> None:
        """Hand the battery back.

        Zero both setpoints, then, where it can be set, the mode that the owner wants it left in.
        """
        ...

    def zero(self) -> None:
        """Zero both setpoints and leave the mode as it is: what was commanded is forgotten, what was chosen stays."""
        ...

    def close(self) -> None:
        """Free connections; never raises."""
        ...


@runtime_checkable
class FoundByName(Protocol):
    """A battery on the network, which may be known by a name."""

    @property
    def found_at(self) -> str:
        """Return the address at which its name was found last; empty where it is known by its address, or not found."""
        ...
