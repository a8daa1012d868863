"""Whether the battery does what it is told: the power that flows, against the powers that were commanded."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from optimizer.control.actuation.read_back import ECHO_TOLERANCE_W, echoes, shown_w, tells
from optimizer.control.options import ControlOptions
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power

FLOW_TOLERANCE_W, FLOW_TOLERANCE_SHARE = 250.0, 0.15
"""How far the power that flows may lie from the power sent [W, 1]."""
LONGEST_MEMORY = 64
"""So many commands are remembered while the battery does not follow."""
TAPER_FROM_SOC, TAPER_BELOW_SOC = 0.92, 0.06
"""Near full and near empty the battery gives less than it is told, and that is right [1]."""


def follows(low_w: float, high_w: float, measurement: Measurement, battery: Battery) -> bool:
    """Return whether what flows lies within what was asked for, limits and taper allowed."""
    if measurement.soc >= TAPER_FROM_SOC:
        low_w = min(low_w, 0.0)
    if measurement.soc <= max(battery.min_soc, measurement.backup_soc or 0.0) + TAPER_BELOW_SOC:
        high_w = max(high_w, 0.0)
    tolerance_w = max(FLOW_TOLERANCE_W, FLOW_TOLERANCE_SHARE * max(abs(low_w), abs(high_w)))
    return low_w - tolerance_w <= measurement.battery_power_w <= high_w + tolerance_w


def still_follows(ended: Power, measurement: Measurement, battery: Battery) -> bool:
    """Return whether a power that should have ended may stand, by the echo or by what flows; idle flows always."""
    power_w, echo_w = ended.battery_power_w, measurement.reported_setpoint_w
    if echo_w is not None:
        return echoes(echo_w, power_w)
    return power_w != 0.0 and follows(power_w, power_w, measurement, battery)


class FollowCheck:
    """Compares the power that flows with the powers that were commanded while it could settle."""

    def __init__(self, battery: Battery, options: ControlOptions) -> None:
        self._battery = battery
        self._settle_s = options.settle_s
        self._sent: deque[tuple[float, float]] = deque()
        self._misses = 0
        self._in_force_w: deque[float] = deque(maxlen=LONGEST_MEMORY)

    def reset(self) -> None:
        """Forget what was sent: the battery is in its own hands, or was told anew."""
        self._sent.clear()
        self._in_force_w.clear()

    def forgive(self) -> None:
        """Forget past misses."""
        self._misses = 0

    def note(self, power_w: float, elapsed_s: float) -> None:
        """Note a power that was sent [W]."""
        self._sent.append((elapsed_s, power_w))
        self._in_force_w.append(power_w)

    def suspect(self, power_w: float) -> None:
        """Note a power that may be one of ours from before, and in force until the battery follows [W]."""
        self._in_force_w.append(power_w)

    def was_replaced_lately(self, echo_w: float, elapsed_s: float) -> bool:
        """Return whether an echo is of a power that another replaced no longer than a settling time ago: it lags."""
        return any(
            tells(echo_w, power_w) and elapsed_s - replaced_s < self._settle_s
            for (_, power_w), (replaced_s, _) in pairwise(self._sent)
        )

    def goes_on_with(self, measurement: Measurement) -> tuple[Power, ...]:
        """Return what a battery that took the last command for nothing goes on with, where it is one of ours.

        Its echo is a power that was sent since it last followed; what flows may be on its way between two of them.
        """
        sent_w, now_w = self._in_force_w, shown_w(measurement)
        if measurement.reported_setpoint_w is not None:
            ours = any(echoes(now_w, power_w) for power_w in sent_w)
        else:
            tolerance_w = ECHO_TOLERANCE_W + FLOW_TOLERANCE_SHARE * abs(now_w)
            ours = bool(sent_w) and min(sent_w) - tolerance_w <= now_w <= max(sent_w) + tolerance_w
        return (Power(now_w),) if ours else ()

    def misses(self, measurement: Measurement, elapsed_s: float) -> int:
        """Return how many settling times in a row the battery has not followed."""
        if not self._sent or elapsed_s - self._sent[0][0] < self._settle_s:
            return self._misses
        while len(self._sent) > 1 and elapsed_s - self._sent[1][0] >= self._settle_s:
            self._sent.popleft()
        if self._follows(measurement):
            self._misses = 0
            self._in_force_w = deque((power_w for _, power_w in self._sent), maxlen=LONGEST_MEMORY)
        else:
            self._misses += 1
            self._sent = deque([(elapsed_s, self._sent[-1][1])])
        return self._misses

    def _follows(self, measurement: Measurement) -> bool:
        powers = [power_w for _, power_w in self._sent]
        return follows(min(powers), max(powers), measurement, self._battery)
