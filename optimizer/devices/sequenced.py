"""What every interface of the sonnenBatterie does alike: commands in the safe order, no connection kept."""

from __future__ import annotations

import math

from optimizer.devices.http import BoundedHttp
from optimizer.devices.safe_sequence import SafeSequence
from optimizer.domain.setpoint import Setpoint


class Sequenced:
    """The commanding half of a :class:`optimizer.devices.port.BatteryDevice`, on an interface's own two writes.

    Attributes
    ----------
    _sequence
        Made by the interface, around itself.
    _http
        What it calls the battery by.
    """

    _sequence: SafeSequence
    _http: BoundedHttp

    @property
    def found_at(self) -> str:
        """Return the address at which its name was found last, see :class:`optimizer.devices.port.FoundByName`."""
        return self._http.found_at

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        """Bring the battery to a setpoint, in the safe order.

        Parameters
        ----------
        setpoint
            What is to stand.
        not_after_s
            Reading of the clock for ages after which no more of a forced power is sent [s].

        Raises
        ------
        DeviceError
            If a write failed.
        """
        self._sequence.apply(setpoint, not_after_s=not_after_s)

    def release(self) -> None:
        """Hand the battery back.

        Raises
        ------
        DeviceError
            If a write failed.
        """
        self._sequence.release()

    def zero(self) -> None:
        """Zero both setpoints and leave the mode as it is.

        Raises
        ------
        DeviceError
            If a write failed.
        """
        self._sequence.zero()

    def close(self) -> None:
        """Do nothing: no connection outlives its call."""
