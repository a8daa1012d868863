"""The last weeks of load and sun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from optimizer.forecasting.kept_past import KeptPast, Past
from optimizer.forecasting.sun import Floats
from optimizer.history.port import HistoryReader


class PastMeans:
    """Reads mean load and sun out of history, each interval once a day.

    Parameters
    ----------
    history
        Where to read.
    """

    def __init__(self, history: HistoryReader) -> None:
        self._history = history
        self._kept = KeptPast(self._read)

    def between(self, start: datetime, end: datetime, step: timedelta) -> Past:
        """Return the whole intervals of ``[start, end)``, shape (n, 2) [W]; nothing later is ever asked for."""
        return self._kept.between(start, end, step)

    def _read(self, start: datetime, count: int, step: timedelta) -> Floats:
        frame = self._history.means(start.astimezone(UTC), start + count * step, step)
        # The array first, then its columns: to take columns out of a frame costs pandas ten times as much.
        means = frame.to_numpy(dtype=np.float64)
        names = frame.columns.tolist()
        return np.column_stack([means[:, names.index(name)] for name in ("consumption_w", "production_w")])
