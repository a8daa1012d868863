"""What the battery told last, and whether it may have restarted before that."""

from __future__ import annotations

import math

from optimizer.domain.measurement import Measurement, OperatingMode


class LastLook:
    """Remembers what the battery told last.

    Parameters
    ----------
    longest_s
        A battery that gave no answer for longer may have restarted: that takes minutes [s].
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._measurement: Measurement | None = None
        self._mode = OperatingMode.UNKNOWN
        self._answered_s, self._away_s = -math.inf, 0.0
        self._missed, self._has_moved = False, True

    @property
    def measurement(self) -> Measurement | None:
        """The last status that could be believed; None: there was none yet."""
        return self._measurement

    @property
    def mode(self) -> OperatingMode:
        """The mode that it was in last, as a status in doubt may have told as well."""
        return self._mode

    @property
    def has_moved(self) -> bool:
        """Whether the last status told anything new; one of a device that tells no time may rightly repeat itself."""
        return self._has_moved

    def note(self, measurement: Measurement, elapsed_s: float) -> None:
        """Note a status that can be believed."""
        before = self._measurement
        self._has_moved = before is None or not measurement.stands_still_since(before)
        self.show(measurement)
        self.note_answer(elapsed_s)

    def show(self, measurement: Measurement) -> None:
        """Note a status by which no time is reckoned."""
        self._measurement, self._mode = measurement, measurement.mode

    def show_mode(self, mode: OperatingMode) -> None:
        """Note a mode that a status in doubt tells, and that is left alone."""
        self._mode = mode

    def note_answer(self, elapsed_s: float) -> None:
        """Note that the battery answers, be it in doubt: it is there."""
        self._away_s = max(self._away_s, elapsed_s - self._answered_s)
        self._answered_s = elapsed_s

    def note_missed(self) -> None:
        """Note that a look has failed."""
        self._missed = True

    def take_outage(self) -> tuple[bool, bool]:
        """Return, once, whether a look has failed before this one, and whether the battery may have restarted since."""
        missed, away_s = self._missed, self._away_s
        self._missed, self._away_s = False, 0.0
        return missed, missed and away_s >= self._longest_s
