"""The last thing the service does: hand the battery back, and believe it only once the battery says so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from optimizer.clock import Clock
from optimizer.devices.port import BatteryDevice
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.errors import DeviceError

logger = logging.getLogger("sunshift.service")

TRIES, WITHIN_S = 2, 4.0
"""A second try begins within this, so that all of it takes less than 10 s [s]."""
SETTLE_S = 1.0
"""A mode may show in the status a moment after it was set: it is looked at once more after this [s]."""


class HandBack:
    """Hands back and reads back.

    Parameters
    ----------
    device, clock
        The battery, and what the tries are timed by.
    hand_back
        Takes the control loop's own way back; None where even that failed.
    """

    def __init__(self, *, device: BatteryDevice, clock: Clock, hand_back: Callable[[str], Decision | None]) -> None:
        self._device, self._clock, self._hand_back = device, clock, hand_back

    def __call__(self, reason: str) -> tuple[Decision | None, bool]:
        """Return the last decision, and whether the battery is known to be back."""
        began_s = self._clock.elapsed()
        for _ in range(TRIES):
            decision = self._hand_back(reason)
            accepted = decision is not None and decision.outcome is not Outcome.FAILED
            if accepted and self._confirmed(decision):
                return decision, True
            if self._clock.elapsed() - began_s > WITHIN_S:
                break
        return decision, False

    def _confirmed(self, decision: Decision | None) -> bool:
        """Return whether the battery itself says that it is no longer in manual mode: accepted is not obeyed."""
        observed = decision is not None and decision.outcome is Outcome.OBSERVED
        if observed or not self._device.capabilities.can_set_mode or self._has_left_manual():
            return True
        self._clock.wait(SETTLE_S, threading.Event())
        return self._has_left_manual()

    def _has_left_manual(self) -> bool:
        try:
            mode = self._device.read().mode
        except DeviceError as error:
            logger.warning("the hand-back was accepted and cannot be read back: %s", error)
            return False
        if mode is OperatingMode.MANUAL:
            logger.warning("the hand-back was accepted, but the battery says that it is still in manual mode")
        return mode is not OperatingMode.MANUAL
