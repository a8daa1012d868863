"""A kept past is asked for once, and yet follows a source that was late and a clock that was set back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from optimizer.forecasting.kept_past import KeptPast, Past

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = datetime(2026, 5, 11, 6, tzinfo=UTC)


class Source:
    """Tells of each interval the hours since an instant, NaN of those it does not know."""

    def __init__(self) -> None:
        self.unknown: set[datetime] = set()
        self.added = 0.0
        self.asked: list[tuple[datetime, int]] = []
        self.past = KeptPast(self.read)

    def read(self, start: datetime, count: int, step: timedelta) -> np.ndarray:
        self.asked.append((start, count))
        starts = [start + number * step for number in range(count)]
        return np.array([np.nan if at in self.unknown else hours_of(at) + self.added for at in starts], dtype=float)

    def day_before(self, end: datetime) -> Past:
        return self.past.between(end - DAY, end, HOUR)


def hours_of(at: datetime) -> float:
    return (at - MORNING) / HOUR


def test_only_what_is_over_since_is_asked_for() -> None:
    """Each interval is read once, whatever the number of forecasts, until the next day reads all anew."""
    source = Source()
    for hours in (0, 0, 1, 3, 3):
        source.day_before(MORNING + hours * HOUR)
    assert source.asked == [(MORNING - DAY, 24), (MORNING, 1), (MORNING + HOUR, 2)]
    source.added = 100.0
    assert source.day_before(MORNING + DAY).values[0] == 100.0


def test_what_a_source_told_late_counts_at_once() -> None:
    """A past that could not be read at the first forecast of a day does not stay unknown until the next day."""
    source = Source()
    source.unknown = {MORNING - hours * HOUR for hours in range(-1, 25)}
    assert np.isnan(source.day_before(MORNING).values).all()
    source.unknown = {MORNING - 5 * HOUR}
    late = source.day_before(MORNING + HOUR).values
    assert np.flatnonzero(np.isnan(late)).tolist() == [24 - 6]
    assert late[-1] == 0.0


def test_a_gap_that_stays_is_not_asked_for_again() -> None:
    """Once something after it is known, what was not measured is left to the next day."""
    source = Source()
    source.unknown = {MORNING - 2 * HOUR}
    source.day_before(MORNING)
    source.day_before(MORNING + HOUR)
    assert source.asked[1:] == [(MORNING, 1)]


def test_hours_lived_again_after_a_clock_was_set_back_count_as_lived_last() -> None:
    """What was read under the wrong time is forgotten."""
    source = Source()
    source.day_before(MORNING + 3 * HOUR)
    source.day_before(MORNING)
    source.added = 100.0
    again = source.day_before(MORNING + 3 * HOUR).values
    assert again[-4:].tolist() == [-1.0, 100.0, 101.0, 102.0]


def test_it_holds_no_more_than_was_asked_for_and_a_day() -> None:
    """A service that runs for years keeps no more than one that began this week."""
    source = Source()
    held = [len(kept_by(source, MORNING + number * HOUR).values) for number in range(24 * 30)]
    assert max(held) <= 48


def kept_by(source: Source, end: datetime) -> Past:
    source.day_before(end)
    kept = source.past._kept
    assert kept is not None
    return kept
