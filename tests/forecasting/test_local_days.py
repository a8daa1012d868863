"""The same local time of earlier days, where clocks are set forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.local_days import day_likeness, local_clock_s, same_time_on, starts_s_of

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


def day_before(local: datetime, *, step: timedelta = QUARTER) -> datetime:
    """Return what stands for an instant on the day before."""
    starts_s = np.array([local.timestamp()])
    places = same_time_on(
        starts_s, (1,), timezone=local.tzinfo, origin_s=ORIGIN.timestamp(), step_s=step.total_seconds()
    )
    return (ORIGIN + int(places[0, 0]) * step).astimezone(local.tzinfo)


@pytest.mark.parametrize("step", [timedelta(minutes=1), timedelta(minutes=5), QUARTER])
@pytest.mark.parametrize(
    ("zone", "today", "yesterday", "offset_h"),
    [
        ("Europe/Berlin", "2026-03-30T02:30", "2026-03-29T03:30", 2.0),  # skipped: an hour later
        ("Europe/Berlin", "2026-03-30T04:00", "2026-03-29T04:00", 2.0),
        ("Europe/Berlin", "2026-10-26T02:30", "2026-10-25T02:30", 2.0),  # twice: the first
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-24T12:00", 2.0),
        ("America/St_Johns", "2026-03-09T02:30", "2026-03-08T03:30", -2.5),
        ("America/Havana", "2026-03-09T00:15", "2026-03-08T01:15", -4.0),  # midnight itself was skipped
        ("America/Havana", "2026-11-02T00:15", "2026-11-01T00:15", -4.0),
        ("Australia/Lord_Howe", "2026-10-05T02:15", "2026-10-04T02:45", 11.0),  # set forward by half an hour
        ("Asia/Kathmandu", "2026-05-11T00:00", "2026-05-10T00:00", 5.75),
    ],
)
def test_the_same_local_time_of_the_day_before(
    zone: str, today: str, yesterday: str, offset_h: float, step: timedelta
) -> None:
    """What was skipped comes from after the change, what was there twice from the first time."""
    found = day_before(datetime.fromisoformat(today).replace(tzinfo=ZoneInfo(zone)), step=step)
    assert found.replace(tzinfo=None) == datetime.fromisoformat(yesterday)
    assert found.utcoffset() == timedelta(hours=offset_h)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Atlantic/Azores", "Pacific/Chatham", "UTC"])
def test_the_local_clock_is_that_of_the_zone_all_the_year(zone: str) -> None:
    """Every quarter hour of a year, days of 23 and 25 hours among them."""
    grid = TimeGrid(start=ORIGIN, step=QUARTER, count=365 * 96)
    shown = local_clock_s(starts_s_of(grid), ZoneInfo(zone))
    clocks = [interval.start.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC).timestamp() for interval in grid]
    assert shown.tolist() == clocks


def test_weekdays_are_those_of_the_local_calendar() -> None:
    """Sunday night in UTC is Monday in Auckland: alike to a Monday most, to a Sunday least."""
    monday = np.array([datetime(2026, 5, 10, 20, tzinfo=UTC).timestamp()])
    alike = day_likeness(monday, (1, 3, 4, 7), timezone=ZoneInfo("Pacific/Auckland"), same_weekday=1.5, other_kind=0.5)
    assert alike[:, 0].tolist() == [0.5, 1.0, 1.0, 1.5]  # Sunday, Friday, Thursday, Monday
