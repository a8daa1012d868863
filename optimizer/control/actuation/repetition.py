"""Ending again what does not end: soon at first, then once a lease, and told once."""

from __future__ import annotations

import logging

from optimizer.control.options import ControlOptions

logger = logging.getLogger(__name__)

QUICK_TRIES = 5
"""What is not obeyed is ended again so often one settling time after the other, then once a lease."""


class Repetition:
    """Paces how often a battery is handed back again that has accepted it and does not obey.

    Parameters
    ----------
    options
        Settling time and lease.
    """

    def __init__(self, options: ControlOptions) -> None:
        self._options = options
        self._times = 0

    def end(self) -> None:
        """Note that the battery is seen handed back."""
        self._times = 0

    def is_due(self, why: str, since_s: float) -> bool:
        """Return whether it is handed back again, so long after the last time [s]; tell it, and count it."""
        pause_s = self._options.lease_s if self._times >= QUICK_TRIES else self._options.settle_s
        if since_s < pause_s:
            return False
        logger.log(logging.DEBUG if self._times else logging.WARNING, "%s: handing it back again", why)
        self._times += 1
        return True
