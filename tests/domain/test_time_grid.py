"""A grid of intervals is regular in UTC, whatever the local clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.domain.time_grid import TimeGrid, floor_to_step

QUARTER = timedelta(minutes=15)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("day", "quarters"), [((2026, 3, 29), 92), ((2026, 10, 25), 100), ((2026, 6, 1), 96)])
def test_a_local_day_has_as_many_quarter_hours_as_it_lasts(day: tuple[int, int, int], quarters: int) -> None:
    """The day the clocks go forward has 92 quarter hours, the day they go back 100."""
    start = datetime(*day, tzinfo=BERLIN)
    next_day = datetime(*day, tzinfo=BERLIN) + timedelta(days=1)  # wall time: midnight to midnight
    grid = TimeGrid(start=start, step=QUARTER, count=quarters)
    assert grid.end == next_day.astimezone(UTC)


@given(st.integers(1, 400), st.integers(0, 399), st.floats(0, 0.999))
def test_every_instant_of_the_grid_lies_in_exactly_one_interval(count: int, index: int, part: float) -> None:
    """Intervals follow one another without gap or overlap, and an instant finds its own."""
    grid = TimeGrid(start=datetime(2026, 1, 1, tzinfo=UTC), step=QUARTER, count=count)
    assert all(earlier.end == later.start for earlier, later in pairwise(grid))
    instant = grid.start + (index + part) * QUARTER
    assert grid.index_of(instant) == (index if index < count else None)
    if index < count:
        assert instant in grid.interval(index)


def test_outside_the_grid_there_is_no_index() -> None:
    """Neither the instant before the start nor the end itself belongs to the grid."""
    grid = TimeGrid(start=datetime(2026, 1, 1, tzinfo=UTC), step=QUARTER, count=4)
    assert grid.index_of(grid.start - timedelta(microseconds=1)) is None
    assert grid.index_of(grid.end) is None


def test_a_naive_start_is_refused() -> None:
    """Without an offset nobody knows which instant is meant."""
    with pytest.raises(ValueError, match="aware"):
        TimeGrid(start=datetime(2026, 1, 1), step=QUARTER, count=4)  # noqa: DTZ001


def test_an_instant_is_floored_to_its_step_in_utc() -> None:
    """Half past two and a bit in Berlin lies in the UTC quarter hour that began at 00:30."""
    instant = datetime(2026, 6, 1, 2, 44, 59, tzinfo=BERLIN)
    assert floor_to_step(instant, QUARTER) == datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
