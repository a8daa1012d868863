"""A hand-back that the battery has accepted and a status has not shown yet: accepted is not obeyed."""

from __future__ import annotations

import logging

from optimizer.control.actuation.following import still_follows
from optimizer.control.actuation.read_back import is_back, shown_w
from optimizer.control.options import ControlOptions
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Power, Setpoint

logger = logging.getLogger(__name__)

QUICK_TRIES = 5
"""What is not obeyed is handed back so often one settling time after the other, then once a lease."""


class AwaitedRelease:
    """Judges by what a status says whether the battery is handed back.

    Parameters
    ----------
    battery
        What it can do.
    options
        Settling time and lease.

    Attributes
    ----------
    pending
        Whether a hand-back waits to be shown.
    times
        How often it was handed back again.
    """

    def __init__(self, battery: Battery, options: ControlOptions) -> None:
        self.pending, self.times = False, 0
        self._battery, self._options = battery, options
        self._ended: tuple[Power, ...] = ()

    def begin(self, standing: Setpoint | None, *before: Power) -> None:
        """Wait for a hand-back to show, of what stood and what the battery may have gone on with instead."""
        self.pending = True
        if isinstance(standing, Power):
            self._ended = (standing, *before)

    def shown(self) -> None:
        """Note that the battery is seen handed back."""
        self.pending, self.times = False, 0

    def cancel(self) -> None:
        """Wait no more: the battery is commanded anew, or somebody else's."""
        self.pending, self._ended = False, ()

    def objection(self, measurement: Measurement, *, can_set_mode: bool) -> str | None:
        """Return what shows that the hand-back is not obeyed; None where nothing does."""
        if is_back(measurement, can_set_mode=can_set_mode):
            return None
        if can_set_mode and measurement.mode is OperatingMode.MANUAL:
            return "the battery accepted to be handed back and is still in manual mode"
        if self._ended and not any(still_follows(one, measurement, self._battery) for one in self._ended):
            return None  # what flows is not ours: it is not zeroed over somebody else's will again and again
        return f"the battery accepted to be handed back, and still does {Power(round(shown_w(measurement)))}"

    def pause_s(self) -> float:
        """Return how long it is waited for before it is handed back again [s]."""
        return self._options.lease_s if self.times >= QUICK_TRIES else self._options.settle_s

    def tell(self, why: str) -> None:
        """Say that it is handed back again: every settling time, later once a lease, and told once."""
        logger.log(logging.DEBUG if self.times else logging.WARNING, "%s: handing it back again", why)
        self.times += 1
