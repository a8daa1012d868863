"""What we left at the battery under somebody else's power or mode: it has no timer, and acts again when that leaves."""

from __future__ import annotations

from optimizer.control.actuation.following import still_follows
from optimizer.control.actuation.read_back import echoes, is_back
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power

KEPT = 8
"""So many powers are remembered: the one that stood, and the last that were tried. A power plant may stay for years."""


class LeftBehind:
    """Remembers the powers of ours that may stand behind another's.

    Parameters
    ----------
    battery
        What it can do.
    can_set_mode
        Whether a hand-back shows in its mode.
    """

    def __init__(self, battery: Battery, *, can_set_mode: bool) -> None:
        self._battery, self._can_set_mode = battery, can_set_mode
        self._powers: tuple[Power, ...] = ()
        self._accepted = False

    @property
    def first(self) -> Power | None:
        """What stood when the other came; None: nothing is left behind."""
        return self._powers[0] if self._powers else None

    @property
    def powers(self) -> tuple[Power, ...]:
        """All of them."""
        return self._powers

    def add(self, *powers: Power) -> None:
        """Remember what may act again."""
        kept = self._powers[:1]
        newest_first = dict.fromkeys(reversed((*self._powers[1:], *powers)))
        others = [one for one in newest_first if one not in kept][: KEPT - len(kept)]
        self._powers = (*kept, *reversed(others))
        self._accepted = False

    def clear(self) -> None:
        """Forget all of it: it was taken back, or replaced."""
        self._powers = ()

    def note_accepted(self) -> None:
        """Note that the battery has accepted to forget it; whether it obeys, the next status shows."""
        self._accepted = True

    def may_show(self, measurement: Measurement) -> bool:
        """Return whether what a status says may be what we left behind."""
        echo_w = measurement.reported_setpoint_w
        return echo_w is None or any(echoes(echo_w, one.battery_power_w) for one in self._powers)

    def is_gone(self, measurement: Measurement) -> bool:
        """Return whether a status shows that nothing of ours is there any more.

        It has accepted to be told so, and does nothing of ours since. In another mode than manual it would do nothing
        of ours anyway, and keep it for the next time that it is manual.
        """
        if not self._accepted:
            return False
        if measurement.mode not in MAY_BE_MANUAL:
            return True
        return is_back(measurement, can_set_mode=self._can_set_mode) or not self._acts(measurement)

    def _acts(self, measurement: Measurement) -> bool:
        in_manual = self._can_set_mode and measurement.mode is OperatingMode.MANUAL
        if in_manual or measurement.reported_setpoint_w is not None:
            return self.may_show(measurement)
        return any(still_follows(one, measurement, self._battery) for one in self._powers)
