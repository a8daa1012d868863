"""Whether what a status tells is younger than the last forced command: data that froze passes for a while."""

from __future__ import annotations

from optimizer.domain.measurement import Measurement


class Newness:
    """Compares the looks since a command with each other.

    Time alone does not tell: data that stood still when the command was sent is noticed only a while later. So the
    looks since then must have differed, in the device's own clock or in any value; and some time must have passed, for
    a status may lag. A device that tells no time may rightly say the same twice: there the time has to do.

    Parameters
    ----------
    lag_s
        How far a status may lag behind the device, at most [s].
    """

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._sent_s: float | None = None
        self._first: Measurement | None = None
        self._moved = False

    @property
    def began(self) -> bool:
        """Whether there was a command that a status could be older than."""
        return self._sent_s is not None

    def sent(self, elapsed_s: float) -> None:
        """Note that a command may have been sent just now."""
        self._sent_s, self._first, self._moved = elapsed_s, None, False

    def saw(self, measurement: Measurement) -> None:
        """Note a look, one on which no command may rest as well."""
        first = self._first = self._first or measurement
        self._moved = self._moved or measurement.device_time is None or not measurement.says_the_same(first)

    def is_news(self, elapsed_s: float) -> bool:
        """Return whether what the latest look told is younger than the command."""
        return self._sent_s is None or (self._moved and elapsed_s - self._sent_s >= self._lag_s)
