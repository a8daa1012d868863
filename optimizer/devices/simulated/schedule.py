"""The unit's own time-of-use schedule, which it follows in mode 10.

A window says how much may be drawn from the grid while it lasts: the battery charges with what the limit leaves, and
does not discharge. Windows repeat daily by the unit's own clock. One that is set while mode 10 is already on and has
begun by then is ignored until the next day (battery-api facts, section 2.2).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|(24):(00)")
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One entry of the schedule."""

    start_minute: int
    """Minute of the day it begins at, 0 to 1439."""
    stop_minute: int
    """Minute of the day it ends before, up to 1440."""
    grid_limit_w: float
    """Largest power drawn from the grid while the battery charges [W]; 0: only surplus is stored."""


def parse_schedule(text: str) -> tuple[Window, ...]:
    """Return the windows of ``EM_ToU_Schedule``, earliest first.

    Raises
    ------
    ValueError
        The text is not a list of entries as the unit takes them, or two of them overlap.
    """
    try:
        entries = json.loads(text)
    except RecursionError as error:
        raise ValueError("a schedule is a list of entries, not lists in lists") from error
    if not isinstance(entries, list):
        raise ValueError("a schedule is a list of entries")
    windows = sorted((_window(entry) for entry in entries), key=lambda window: window.start_minute)
    for earlier, later in pairwise(windows):
        if later.start_minute < earlier.stop_minute:
            raise ValueError("two entries overlap")
    return tuple(windows)


def _window(entry: object) -> Window:
    if not isinstance(entry, dict) or set(entry) != {"start", "stop", "threshold_p_max"}:
        raise ValueError("an entry has start, stop and threshold_p_max")
    limit_w = entry["threshold_p_max"]
    if isinstance(limit_w, bool) or not isinstance(limit_w, int) or not 0 <= limit_w <= 100_000:
        raise ValueError("threshold_p_max is a whole number of watts")
    start, stop = _minute(entry["start"]), _minute(entry["stop"])
    if start >= stop:
        raise ValueError("an entry ends after it starts, on the same day")
    return Window(start_minute=start, stop_minute=stop, grid_limit_w=float(limit_w))


def _minute(text: object) -> int:
    clock = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if clock is None:
        raise ValueError("a time of day is written HH:MM")
    return 60 * int(clock[1] or clock[3]) + int(clock[2] or clock[4])


class DeviceSchedule:
    """The schedule in the unit, on the unit's clock.

    Parameters
    ----------
    timezone
        Zone of the unit's clock.
    """

    def __init__(self, timezone: ZoneInfo) -> None:
        self.text = "[]"
        """As it was given."""
        self.skew_s = 0.0
        """How far the unit's clock is ahead [s]."""
        self._timezone = timezone
        self._windows: tuple[Window, ...] = ()
        self._ignored_until_s: dict[Window, float] = {}

    def set(self, text: str, now_s: float, *, followed: bool) -> None:
        """Replace the schedule.

        Parameters
        ----------
        text
            The entries, as JSON.
        now_s
            The present [s since the epoch].
        followed
            Whether the unit is in mode 10 already: what has begun by now is then ignored until tomorrow.

        Raises
        ------
        ValueError
            See :func:`parse_schedule`.
        """
        self._windows = parse_schedule(text)
        self.text = text
        self._ignored_until_s = {}
        begun = self.window_at(now_s) if followed else None
        if begun is not None:
            self._ignored_until_s[begun] = self._instant_s(self._local(now_s).date(), begun.stop_minute)

    def window_at(self, now_s: float) -> Window | None:
        """Return the window that holds at an instant [s since the epoch]."""
        local = self._local(now_s)
        minute = 60 * local.hour + local.minute
        for window in self._windows:
            if window.start_minute <= minute < window.stop_minute:
                return None if now_s < self._ignored_until_s.get(window, now_s) else window
        return None

    def next_edge_s(self, now_s: float) -> float:
        """Return when a window next begins or ends; infinity without windows [s since the epoch]."""
        today = self._local(now_s).date()
        minutes = {minute for window in self._windows for minute in (window.start_minute, window.stop_minute)}
        edges_s = (self._instant_s(today + timedelta(days=day), minute) for day in range(2) for minute in minutes)
        return min((edge_s for edge_s in edges_s if edge_s > now_s + 1e-3), default=float("inf"))

    def _local(self, now_s: float) -> datetime:
        return datetime.fromtimestamp(now_s + self.skew_s + 1e-4, self._timezone)

    def _instant_s(self, day: date, minute: int) -> float:
        days, minute = divmod(minute, _DAY_MINUTES)
        clock = time(minute // 60, minute % 60)
        return datetime.combine(day + timedelta(days=days), clock, self._timezone).timestamp() - self.skew_s
