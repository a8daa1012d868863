"""What the rest of the project asks of history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.history.mean_powers import MeanPowers


class HistoryReader(Protocol):
    """The past, as it was known at an instant."""

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        """Return mean powers of the whole intervals of ``[start, end)``, complete and regular.

        NaN where less than half of an interval was measured: a gap stays a gap.
        """
        ...


class HistoryWriter(Protocol):
    """What the control loop tells; never blocks on the disk, never raises for it."""

    def add_measurement(self, measurement: Measurement) -> None:
        """Keep a measurement."""
        ...

    def add_decision(self, decision: Decision) -> None:
        """Keep a decision."""
        ...
