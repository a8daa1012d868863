"""Grids over local days, and calendars written in one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.domain.time_grid import TimeGrid
from optimizer.tariffs.calendar import Calendar, CalendarRule

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def local_midnight(day: date, zone: ZoneInfo = BERLIN) -> datetime:
    """Return the beginning of a local day in UTC."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def day_grid(day: date, *, step: timedelta = QUARTER, zone: ZoneInfo = BERLIN) -> TimeGrid:
    """Return the intervals of a local day: 92, 96 or 100 quarter hours."""
    start = local_midnight(day, zone)
    return TimeGrid(start=start, step=step, count=int((local_midnight(day + timedelta(days=1), zone) - start) / step))


def local_clocks(grid: TimeGrid, zone: ZoneInfo = BERLIN) -> list[str]:
    """Return the wall clock at the start of every interval."""
    return [f"{interval.start.astimezone(zone):%H:%M}" for interval in grid]


def rule(value: float, hours: str = "00:00-00:00", **conditions: Any) -> CalendarRule:
    """Return a rule for hours such as ``22:00-06:00``."""
    start, end = (time.fromisoformat(part) for part in hours.split("-"))
    return CalendarRule(value=value, start=start, end=end, **conditions)


def calendar(rules: Sequence[CalendarRule], *, default: float = 0.0, zone: ZoneInfo = BERLIN, **more: Any) -> Calendar:
    """Return a calendar on the clock of Berlin unless told otherwise."""
    return Calendar(rules, default=default, timezone=zone, **more)
