"""A forced command that was refused, or whose answer was lost: whether it took effect all the same."""

from __future__ import annotations

from optimizer.control.actuation.read_back import echoes
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement
from optimizer.domain.setpoint import Power, Setpoint


class Refusal:
    """Judges by what a status says whether a write that failed was taken.

    Attributes
    ----------
    before
        The forced command that was to be replaced by the first write that failed; None: there was none.
    """

    def __init__(self) -> None:
        self.before: Power | None = None
        self._lasts = False

    def note(self, before: Setpoint | None, wanted: Setpoint) -> None:
        """Note that a write failed."""
        forced = isinstance(wanted, Power)
        if forced and isinstance(before, Power) and not self._lasts:
            self.before = before
        self._lasts = forced

    def end(self) -> None:
        """Note that what was sent is taken, or stands no more."""
        self.before, self._lasts = None, False

    def look(self, power: Power, measurement: Measurement) -> None:
        """End it where the battery echoes what stands: it took effect, whatever became of the answer."""
        echo_w = measurement.reported_setpoint_w
        if echo_w is not None and echoes(echo_w, power.battery_power_w):
            self.end()

    def stands(self, measurement: Measurement) -> bool:
        """Return whether nothing shows that the write took effect all the same.

        An echo of what had been sent before it is no foreign hand. Where there is no echo nothing is verified until a
        write is taken: what flows may be the power before, for ever.
        """
        if measurement.mode not in MAY_BE_MANUAL:
            return False
        echo_w = measurement.reported_setpoint_w
        if echo_w is None:
            return self._lasts
        return self.before is not None and echoes(echo_w, self.before.battery_power_w)
