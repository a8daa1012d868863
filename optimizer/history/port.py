"""What the rest of the project asks of history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import pandas as pd

from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement


class HistoryReader(Protocol):
    """The past, as it was known at an instant."""

    def means(self, start: datetime, end: datetime, step: timedelta) -> pd.DataFrame:
        """Return mean powers per interval of ``[start, end)``.

        Returns
        -------
        pandas.DataFrame
            Index ``timestamp``: starts of the intervals, aware, UTC, complete and regular. Columns
            ``consumption_w``, ``production_w``, ``battery_power_w``, ``grid_power_w`` [W] and ``soc`` (at the end,
            0..1); NaN where less than half of the interval was measured: a gap stays a gap.
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
