"""The last thing the service does: hand the battery back, and believe it only once the battery says so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from optimizer.clock import Clock
from optimizer.control.actuation.read_back import is_back
from optimizer.devices.port import BatteryDevice
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Power
from optimizer.errors import DeviceError

logger = logging.getLogger("sunshift.service")

TRIES, WITHIN_S = 2, 4.0
"""A second try begins within this, so that all of it takes less than 10 s; 29 s where each request takes as long as it
may, for a try is a look, three writes and another look [s]."""
MODE_SHOWS_AFTER_S = (0.0, 1.0, 1.5)
"""A mode may show in the status a moment after it was set: looked at once more, this after the look before [s]."""
POWER_FADES_AFTER_S = (0.0, 2.0, 5.0)
"""The same where only the power that flows shows it: batteries obey within 2 to 10 s [s]."""


class HandBack:
    """Hands back and reads back.

    Parameters
    ----------
    device, clock
        The battery, and what the tries are timed by.
    hand_back
        Takes the control loop's own way back; None where even that failed.
    seen
        The last status from before; None: there is none.
    on_record
        Whether a command is on record. Otherwise data that does not move is believed: nothing is known to stand.
    """

    def __init__(
        self,
        *,
        device: BatteryDevice,
        clock: Clock,
        hand_back: Callable[[str], Decision | None],
        seen: Callable[[], Measurement | None] = lambda: None,
        on_record: Callable[[], bool] = lambda: True,
    ) -> None:
        self._device, self._clock, self._hand_back, self._seen = device, clock, hand_back, seen
        self._on_record, self._stood = on_record, True
        self._before: Measurement | None = None

    def __call__(self, reason: str) -> tuple[Decision | None, bool]:
        """Return the last decision, and whether the battery is known to be back."""
        began_s, self._before, self._stood = self._clock.elapsed(), self._seen(), self._on_record()
        for _ in range(TRIES):
            decision = self._hand_back(reason)
            accepted = decision is not None and decision.outcome is not Outcome.FAILED
            if accepted and self._confirmed(decision, began_s):
                return decision, True
            if self._clock.elapsed() - began_s > WITHIN_S:
                break
        return decision, False

    def _confirmed(self, decision: Decision | None, began_s: float) -> bool:
        """Return whether the battery itself says that it is back: accepted is not obeyed."""
        if decision is not None and decision.outcome is Outcome.OBSERVED:
            return True
        says = ""
        for after_s in self._looks_after_s():
            self._clock.wait(after_s, threading.Event())
            says = self._objection()
            if not says or self._clock.elapsed() - began_s > WITHIN_S:
                break
        if says:
            logger.warning("the hand-back was accepted, but %s", says)
        return not says

    def _looks_after_s(self) -> tuple[float, ...]:
        return MODE_SHOWS_AFTER_S if self._device.capabilities.can_set_mode else POWER_FADES_AFTER_S

    def _objection(self) -> str:
        """Return what speaks against the battery being back; empty: it is."""
        can_set_mode = self._device.capabilities.can_set_mode
        try:
            found = self._device.read()
        except DeviceError as error:
            return f"cannot be read back: {error}"
        before, self._before = self._before, self._before or found
        wanted = self._device.capabilities.hand_back_mode
        if can_set_mode and found.mode is OperatingMode.AUTOMATIC and wanted is not OperatingMode.AUTOMATIC:
            return f"the battery is in mode {found.mode} instead of {wanted}"
        if is_back(found, can_set_mode=can_set_mode):
            old = self._stood and found.stands_still_since(before or found)
            return "its data has not moved since before, so that it may be old" if old else ""
        if can_set_mode and found.mode is OperatingMode.MANUAL:
            return "the battery says that it is still in manual mode"
        return f"the battery still does {Power(round(found.battery_power_w))}"
