"""A hand-back that the battery has accepted and a status has not shown yet: accepted is not obeyed."""

from __future__ import annotations

import logging

from optimizer.control.read_back import is_back, still_follows
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power, Setpoint

logger = logging.getLogger(__name__)


class AwaitedRelease:
    """Judges by what a status says whether the battery is handed back.

    Parameters
    ----------
    battery
        What it can do.

    Attributes
    ----------
    pending
        Whether a hand-back waits to be shown.
    """

    def __init__(self, battery: Battery) -> None:
        self.pending = False
        self._battery = battery
        self._ended: Power | None = None
        self._told = False

    def begin(self, standing: Setpoint | None) -> None:
        """Wait for a hand-back to show, of what stood before it."""
        self.pending = True
        if isinstance(standing, Power):
            self._ended = standing

    def shown(self) -> None:
        """Note that the battery is seen handed back."""
        self.pending = self._told = False

    def cancel(self) -> None:
        """Wait no more: the battery is commanded anew, or somebody else's."""
        self.pending, self._ended = False, None

    def objection(self, measurement: Measurement, *, can_set_mode: bool) -> str | None:
        """Return what shows that the hand-back is not obeyed; None where nothing does."""
        if is_back(measurement, can_set_mode=can_set_mode):
            return None
        if can_set_mode:
            return "the battery accepted to be handed back and is still in manual mode"
        if self._ended is not None and not still_follows(self._ended, measurement, self._battery):
            return None  # what flows is not ours: it is not zeroed over somebody else's will again and again
        flows = Power(round(measurement.battery_power_w))
        return f"the battery accepted to be handed back, and still does {flows}"

    def tell(self, why: str) -> None:
        """Say that it is handed back again: every settling time, and told once."""
        logger.log(logging.DEBUG if self._told else logging.WARNING, "%s: handing it back again", why)
        self._told = True
