"""The last weeks of load and sun, read once and then kept up to date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from optimizer.forecasting.sun import Floats
from optimizer.history.port import HistoryReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Mean load and sun over regular intervals, NaN where not measured."""

    start_s: float
    """Start of the first interval, seconds since 1970 [s]."""
    step_s: float
    values: Floats
    """Load and sun, shape (n, 2) [W]."""

    @property
    def end_s(self) -> float:
        """End of the last interval [s]."""
        return self.start_s + len(self.values) * self.step_s


class PastMeans:
    """Reads history so that each interval is asked for once a day, not once a forecast.

    Read anew every day (UTC), so that an import or a correction counts from then on.

    Parameters
    ----------
    history
        Where to read.
    """

    def __init__(self, history: HistoryReader) -> None:
        self._history = history
        self._kept: Past | None = None

    def between(self, start: datetime, end: datetime, step: timedelta) -> Past:
        """Return the whole intervals of ``[start, end)``; nothing later is ever asked for."""
        step_s = step.total_seconds()
        first_s, count = start.timestamp(), max(0, (end - start) // step)
        kept = self._kept
        offset = math.nan if kept is None or kept.step_s != step_s else (first_s - kept.start_s) / step_s
        same_day = kept is not None and end.timestamp() // 86400 == kept.end_s // 86400
        if kept is None or not same_day or not (offset >= 0 and offset.is_integer()):
            kept = Past(start_s=first_s, step_s=step_s, values=self._read(start, count, step))
        elif first_s + count * step_s > kept.end_s:
            known = len(kept.values) - int(offset)
            fresh = self._read(start + known * step, count - known, step)
            kept = Past(start_s=kept.start_s, step_s=step_s, values=np.concatenate([kept.values, fresh]))
        self._kept = kept
        skipped = round((first_s - kept.start_s) / step_s)
        return Past(start_s=first_s, step_s=step_s, values=kept.values[skipped : skipped + count])

    def _read(self, start: datetime, count: int, step: timedelta) -> Floats:
        frame = self._history.means(start.astimezone(UTC), start + count * step, step)
        # Column by column: to take two columns out of a frame costs pandas ten times as much.
        return np.column_stack([frame[name].to_numpy(dtype=np.float64) for name in ("consumption_w", "production_w")])
