"""The last status that could be believed, and whether the battery may have restarted before it."""

from __future__ import annotations

import math

from optimizer.domain.measurement import Measurement, OperatingMode


class LastLook:
    """Remembers what the battery told last.

    Parameters
    ----------
    longest_s
        A battery that was away for longer may have restarted [s].

    Attributes
    ----------
    measurement
        The status; None: there was none yet.
    mode
        The mode that it was in last, as a status in doubt may have told as well.
    missed
        Whether a look has failed since what it says was last compared with a command.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self.measurement: Measurement | None = None
        self.mode = OperatingMode.UNKNOWN
        self.missed = False
        self._at_s, self._away_s = -math.inf, math.inf

    def note(self, measurement: Measurement, elapsed_s: float) -> None:
        """Note a status that can be believed."""
        self.show(measurement)
        self._away_s, self._at_s = elapsed_s - self._at_s, elapsed_s

    def show(self, measurement: Measurement) -> None:
        """Note a status by which no time is reckoned."""
        self.measurement, self.mode = measurement, measurement.mode

    @property
    def may_follow_a_restart(self) -> bool:
        """Whether the battery was away before it, and for long enough to have restarted: that takes minutes."""
        return self.missed and self._away_s >= self._longest_s
