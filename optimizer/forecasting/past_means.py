"""The last weeks of load and sun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
        means = self._history.means(start.astimezone(UTC), start + count * step, step)
        return means.load_and_sun_w.copy()  # in one piece, and without the columns beside them
