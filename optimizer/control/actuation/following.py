"""Whether the battery does what it is told: the power that flows, against the powers that were commanded."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from optimizer.control.actuation.flow import follows
from optimizer.control.actuation.read_back import tells
from optimizer.control.actuation.unended import Unended
from optimizer.control.options import ControlOptions
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power, Setpoint


class FollowCheck:
    """Compares the power that flows with the powers that were commanded while it could settle.

    Parameters
    ----------
    battery, options
        What it can do, and how long it may take.
    unended
        Where what was sent before is forgotten once the battery follows.
    """

    def __init__(self, battery: Battery, options: ControlOptions, unended: Unended) -> None:
        self._battery, self._unended = battery, unended
        self._settle_s = options.settle_s
        self._sent: deque[tuple[float, float]] = deque()
        self._misses = 0

    def begin(self) -> None:
        """Begin anew: the battery runs itself."""
        self._sent.clear()

    def forgive(self) -> None:
        """Begin anew, and forget past misses."""
        self.begin()
        self._misses = 0

    def note(self, sent: Setpoint, elapsed_s: float) -> None:
        """Note what was sent; automatic mode is nothing to follow."""
        if isinstance(sent, Power):
            self._sent.append((elapsed_s, sent.battery_power_w))

    def was_replaced_lately(self, echo_w: float, elapsed_s: float) -> bool:
        """Return whether an echo is of a power that another replaced no longer than a settling time ago: it lags."""
        return any(
            tells(echo_w, power_w) and elapsed_s - replaced_s < self._settle_s
            for (_, power_w), (replaced_s, _) in pairwise(self._sent)
        )

    def misses(self, measurement: Measurement, elapsed_s: float) -> int:
        """Return how many settling times in a row the battery has not followed."""
        if not self._sent or elapsed_s - self._sent[0][0] < self._settle_s:
            return self._misses
        while len(self._sent) > 1 and elapsed_s - self._sent[1][0] >= self._settle_s:
            self._sent.popleft()
        powers_w = [power_w for _, power_w in self._sent]
        if follows(min(powers_w), max(powers_w), measurement, self._battery):
            self._misses = 0
            echo_w = measurement.reported_setpoint_w
            if echo_w is None or tells(echo_w, powers_w[-1]):
                self._unended.note_replaced(map(Power, powers_w))
        else:
            self._misses += 1
            self._sent = deque([(elapsed_s, self._sent[-1][1])])
        return self._misses
