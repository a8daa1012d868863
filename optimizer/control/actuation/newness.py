"""Whether what a status tells is younger than the last forced command: data that froze passes for a while."""

from __future__ import annotations

from optimizer.domain.measurement import Measurement


class Newness:
    """Compares the looks since a command with each other.

    Time alone does not tell: data that stood still when the command was sent is noticed only a while later. So data
    must have moved, in the device's own clock or in any value, from one look since the command to the next, and that at
    a time when a status that lags shows no more of what was before it. A device that tells no time may rightly say the
    same twice: there the time has to do.

    Parameters
    ----------
    lag_s
        How far a status may lag behind the device, at most [s].
    """

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._sent_s: float | None = None
        self._last: Measurement | None = None
        self._moved_s: float | None = None

    @property
    def began(self) -> bool:
        """Whether there was a command that a status could be older than."""
        return self._sent_s is not None

    @property
    def is_news(self) -> bool:
        """Whether what the latest looks told is younger than the command."""
        if self._sent_s is None:
            return True
        return self._moved_s is not None and self._moved_s - self._sent_s >= self._lag_s

    def sent(self, elapsed_s: float) -> None:
        """Note that a command may have been sent just now."""
        self._sent_s, self._last, self._moved_s = elapsed_s, None, None

    def saw(self, measurement: Measurement, elapsed_s: float) -> None:
        """Note a look, one on which no command may rest as well."""
        has_moved = self._last is not None and not measurement.says_the_same(self._last)
        if has_moved or measurement.device_time is None:
            self._moved_s = elapsed_s
        self._last = measurement
