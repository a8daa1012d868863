"""A past that grows by one interval at a time, read once and then kept up to date."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from optimizer.forecasting.sun import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Values of regular intervals, NaN where not known."""

    start_s: float
    """Start of the first interval, seconds since 1970 [s]."""
    step_s: float
    values: Floats
    """One row an interval: shape (n,) or, of load and sun, (n, 2) [W]."""

    @property
    def end_s(self) -> float:
        """End of the last interval [s]."""
        return self.start_s + len(self.values) * self.step_s


class KeptPast:
    """Asks for each interval once, not once a forecast, until it is time to read all anew.

    Read anew every so often (whole days, UTC), so that an import or a correction counts from then on.

    Parameters
    ----------
    read
        From the start, count and length of intervals to their values.
    anew
        How long what was read is kept.
    """

    def __init__(
        self, read: Callable[[datetime, int, timedelta], Floats], *, anew: timedelta = timedelta(days=1)
    ) -> None:
        self._read, self._anew_s = read, anew.total_seconds()
        self._kept: Past | None = None

    def between(self, start: datetime, end: datetime, step: timedelta) -> Past:
        """Return the whole intervals of ``[start, end)``; nothing later is ever asked for."""
        step_s = step.total_seconds()
        first_s, count = start.timestamp(), max(0, (end - start) // step)
        kept = self._kept
        offset = math.nan if kept is None or kept.step_s != step_s else (first_s - kept.start_s) / step_s
        still_good = kept is not None and end.timestamp() // self._anew_s == kept.end_s // self._anew_s
        if kept is None or not still_good or not (offset >= 0 and offset.is_integer()):
            kept = Past(start_s=first_s, step_s=step_s, values=self._read(start, count, step))
        elif first_s + count * step_s > kept.end_s:
            known = len(kept.values) - int(offset)
            fresh = self._read(start + known * step, count - known, step)
            kept = Past(start_s=kept.start_s, step_s=step_s, values=np.concatenate([kept.values, fresh]))
        self._kept = kept
        skipped = round((first_s - kept.start_s) / step_s)
        return Past(start_s=first_s, step_s=step_s, values=kept.values[skipped : skipped + count])
