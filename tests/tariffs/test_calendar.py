"""Prices by the clock on the wall: weekdays, seasons, holidays, midnight, and both changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.tariffs.time_of_use import TimeOfUse
from support.tariffs import BERLIN, HOUR, QUARTER, calendar, day_grid, local_clocks, local_midnight, rule

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
FRIDAY, SATURDAY, SUNDAY = date(2026, 6, 5), date(2026, 6, 6), date(2026, 6, 7)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(("day", "quarters"), [(SPRING, 92), (AUTUMN, 100), (SUNDAY, 96)])
def test_a_rule_follows_the_wall_clock_on_days_of_any_length(day: date, quarters: int) -> None:
    """A night rate until 06:00 local ends at 06:00 on the wall on days of 23, 24 and 25 hours."""
    grid = day_grid(day)
    assert len(grid) == quarters
    prices = TimeOfUse(calendar([rule(0.1, "22:00-06:00")], default=0.3)).prices(grid, as_of=grid.start)
    expected = [0.1 if clock < "06:00" or clock >= "22:00" else 0.3 for clock in local_clocks(grid)]
    assert list(prices) == expected


@pytest.mark.parametrize(("day", "expected"), [(SPRING, 0), (AUTUMN, 8), (SUNDAY, 4)])
def test_the_hour_that_is_skipped_or_repeated_is_billed_as_often_as_it_occurs(day: date, expected: int) -> None:
    """A rule from 02:00 to 03:00 holds for no quarter hour in spring and for eight in autumn."""
    grid = day_grid(day)
    prices = TimeOfUse(calendar([rule(1.0, "02:00-03:00")])).prices(grid, as_of=grid.start)
    assert prices.count(1.0) == expected


def test_an_edge_inside_the_skipped_hour_takes_effect_at_the_change() -> None:
    """A rule from 02:30 begins at 03:00 on the day that has no 02:30."""
    grid = day_grid(SPRING)
    prices = TimeOfUse(calendar([rule(1.0, "02:30-04:00")])).prices(grid, as_of=grid.start)
    assert [clock for clock, price in zip(local_clocks(grid), prices, strict=True) if price] == [
        "03:00",
        "03:15",
        "03:30",
        "03:45",
    ]


def test_a_rule_over_midnight_belongs_to_the_day_it_began_on() -> None:
    """Friday night from 22:00 to 06:00 ends on Saturday morning; Friday morning is not part of it."""
    night = calendar([rule(1.0, "22:00-06:00", weekdays=frozenset({4}))])
    assert night.value_at(_at("2026-06-05T05:00")) == 0
    assert night.value_at(_at("2026-06-05T22:00")) == 1
    assert night.value_at(_at("2026-06-06T05:59")) == 1
    assert night.value_at(_at("2026-06-06T06:00")) == 0
    assert night.value_at(_at("2026-06-06T22:00")) == 0


def test_the_first_rule_that_holds_wins() -> None:
    """Order decides between rules, the default stands in for none."""
    prices = calendar([rule(1.0, "10:00-12:00"), rule(2.0, "08:00-20:00")], default=3.0)
    assert [prices.value_at(_at(f"2026-06-05T{hour:02}:00")) for hour in (7, 9, 11, 13, 21)] == [3, 2, 1, 2, 3]


def test_weekdays_and_months_limit_a_rule() -> None:
    """A rule for weekdays of summer holds neither on Saturday nor in January."""
    summer = calendar([rule(1.0, weekdays=frozenset(range(5)), months=frozenset({6, 7, 8}))])
    assert [summer.value_at(_at(f"{day}T12:00")) for day in ("2026-06-05", "2026-06-06", "2026-01-09")] == [1, 0, 0]


def test_holidays_are_those_of_the_state() -> None:
    """Corpus Christi is a holiday in Baden-Württemberg and a working day in Berlin."""
    corpus_christi = _at("2026-06-04T12:00")
    for state, expected in (("BW", 0.1), ("BE", 0.3)):
        days = holidays.country_holidays("DE", subdiv=state)
        prices = calendar([rule(0.1, on_holidays=True), rule(0.3, on_holidays=False)], default=9, holidays=days)
        assert prices.value_at(corpus_christi) == expected


def test_the_night_into_a_holiday_belongs_to_the_eve() -> None:
    """A rule for holidays that wraps over midnight starts on the holiday and ends the morning after."""
    night = calendar([rule(1.0, "22:00-06:00", on_holidays=True)], holidays=frozenset({date(2026, 5, 1)}))
    assert night.value_at(_at("2026-05-01T03:00")) == 0
    assert night.value_at(_at("2026-05-02T03:00")) == 1


def test_an_interval_across_an_edge_costs_the_mean_by_time() -> None:
    """An hour with twenty minutes of the dear rate costs a third of the difference more."""
    dear = calendar([rule(0.40, "17:40-20:00")], default=0.10)
    start = _at("2026-06-05T17:00").astimezone(UTC)
    assert dear.mean(Interval(start=start, end=start + HOUR)) == pytest.approx(0.20)


def test_zones_with_odd_offsets_and_half_hour_changes_are_right() -> None:
    """Lord Howe Island changes its clock by half an hour, in the middle of what would be an interval."""
    zone = ZoneInfo("Australia/Lord_Howe")
    grid = day_grid(date(2026, 4, 5), zone=zone)
    assert len(grid) == 98
    prices = TimeOfUse(calendar([rule(1.0, "00:00-06:00")], zone=zone)).prices(grid, as_of=grid.start)
    assert prices.count(1.0) == 26


_clock = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
_rules = st.lists(
    st.builds(
        lambda value, start, end, weekdays, months: rule(
            value, f"{start:%H:%M}-{end:%H:%M}", weekdays=weekdays, months=months
        ),
        st.floats(-1, 1),
        _clock,
        _clock,
        st.none() | st.frozensets(st.integers(0, 6), min_size=1),
        st.none() | st.frozensets(st.integers(1, 12), min_size=1),
    ),
    max_size=4,
)
_days = st.sampled_from([SPRING, AUTUMN, SUNDAY, date(2025, 12, 31), date(2026, 3, 28), date(2026, 10, 26)])


@settings(max_examples=60, deadline=None)
@given(_rules, _days, st.sampled_from([QUARTER, timedelta(minutes=30), HOUR, timedelta(hours=5)]))
def test_the_mean_of_an_interval_is_the_mean_of_its_minutes(rules: list[object], day: date, step: timedelta) -> None:
    """However rules, steps and clock changes fall, an interval costs the mean of what its minutes cost."""
    prices = calendar(rules, default=0.25)  # type: ignore[arg-type]
    grid = TimeGrid(start=local_midnight(day), step=step, count=int(timedelta(hours=10) / step))
    for interval in grid:
        minutes = int((interval.end - interval.start) / timedelta(minutes=1))
        each = [prices.value_at(interval.start + timedelta(minutes=minute)) for minute in range(0, minutes, 5)]
        assert prices.mean(interval) == pytest.approx(sum(each) / len(each), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(_rules, _days)
def test_nothing_changes_between_two_turns(rules: list[object], day: date) -> None:
    """Turns are complete: between two neighbours the same rule holds throughout."""
    prices = calendar(rules)  # type: ignore[arg-type]
    start = local_midnight(day)
    cuts = [start, *prices.turns(start, start + 30 * HOUR), start + 30 * HOUR]
    assert cuts == sorted(set(cuts))
    for left, right in pairwise(cuts):
        held = {id(prices.rule_at(left + (right - left) * share)) for share in (0, 0.3, 0.7, 0.999)}
        assert len(held) == 1
