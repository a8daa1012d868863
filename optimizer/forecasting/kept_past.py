"""A past that grows by one interval at a time, read once and then kept up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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

    Read anew every so often (whole days, UTC), so that an import or a correction counts from then on. What was unknown
    right up to the end is asked for again: a source that was late or could not be read may know it by now. What lies
    past the end is forgotten: after a clock was set back those intervals are lived once more.

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
        first_s, step_s = start.timestamp(), step.total_seconds()
        count = max(0, (end - start) // step)
        kept = self._still_good(first_s, first_s + count * step_s, step_s)
        if kept is None:
            kept = Past(start_s=first_s, step_s=step_s, values=self._read(start, count, step))
        else:
            missing = round((first_s - kept.end_s) / step_s) + count
            if missing:
                fresh = self._read(start + (count - missing) * step, missing, step)
                kept = replace(kept, values=np.concatenate([kept.values, fresh]))
        self._kept = kept
        return Past(start_s=first_s, step_s=step_s, values=kept.values[len(kept.values) - count :])

    def _still_good(self, first_s: float, end_s: float, step_s: float) -> Past | None:
        """Return what is kept up to the last known interval before an end; None where all is to be read."""
        kept = self._kept
        if kept is None or kept.step_s != step_s or kept.end_s // self._anew_s != end_s // self._anew_s:
            return None
        offset = (first_s - kept.start_s) / step_s
        if offset < 0 or not offset.is_integer():
            return None
        return replace(kept, values=_up_to_the_last_known(kept.values[: round((end_s - kept.start_s) / step_s)]))


def _up_to_the_last_known(values: Floats) -> Floats:
    count = len(values)
    while count and np.isnan(values[count - 1]).all():
        count -= 1
    return values[:count]
