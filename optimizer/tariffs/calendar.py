"""Values that follow the local clock: weekday, season, public holiday, time of day.

A rule speaks of wall-clock time, the project counts in UTC. Between two *turns* (a rule's edge, a local midnight, a
change of the clock) a value cannot change, so an interval is cut at its turns and its pieces are averaged by length:
exact on days of 23 and 25 hours and for rules that begin at any minute.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.domain.time_grid import Interval

MIDNIGHT = time(0)
DAY = timedelta(days=1)
REMEMBERED = 2048
"""So many intervals are remembered: each plan asks for those of the one before again. A service that runs for years
shall not collect them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """A value, and when it holds: every condition given must be met."""

    value: float
    name: str | None = None
    weekdays: frozenset[int] | None = None
    """0 Monday to 6 Sunday; None: all."""
    months: frozenset[int] | None = None
    """1 January to 12 December; None: all."""
    on_holidays: bool | None = None
    """True: on public holidays only; False: never on them; None: holidays are days like others."""
    start: time = MIDNIGHT
    """Local time from which it holds."""
    end: time = MIDNIGHT
    """Local time until which it holds, 00:00 being the end of the day; not after ``start``: it wraps over midnight."""

    @property
    def wraps(self) -> bool:
        """Whether the rule goes on past midnight."""
        return self.start >= self.end != MIDNIGHT

    def holds(self, local: datetime, holidays: Container[date]) -> bool:
        """Return whether the rule holds at a local wall-clock time."""
        clock, day = local.time(), local.date()
        if not self.wraps:
            return self.start <= clock and (self.end == MIDNIGHT or clock < self.end) and self._has_day(day, holidays)
        if clock >= self.start:
            return self._has_day(day, holidays)
        # The hours after midnight belong to the day on which the rule began: Friday night ends on Saturday.
        return clock < self.end and self._has_day(day - DAY, holidays)

    def _has_day(self, day: date, holidays: Container[date]) -> bool:
        return (
            (self.weekdays is None or day.weekday() in self.weekdays)
            and (self.months is None or day.month in self.months)
            and (self.on_holidays is None or (day in holidays) == self.on_holidays)
        )


class Calendar:
    """Rules in order: the first that holds gives the value, the default does where none holds.

    Parameters
    ----------
    rules
        The rules, first match wins.
    default
        Value where no rule holds.
    timezone
        Zone whose clock the rules speak of.
    holidays
        Public holidays, by local date.
    """

    def __init__(
        self,
        rules: Sequence[CalendarRule],
        *,
        default: float,
        timezone: ZoneInfo,
        holidays: Container[date] = frozenset(),
    ) -> None:
        self._rules = tuple(rules)
        self._default = default
        self._timezone = timezone
        self._holidays = holidays
        self._edges = sorted({MIDNIGHT, *(edge for rule in rules for edge in (rule.start, rule.end))})
        self._mean = lru_cache(maxsize=REMEMBERED)(self._mean_between)

    def __getstate__(self) -> dict[str, Any]:
        """Travel to another process without what was remembered."""
        return {name: value for name, value in vars(self).items() if name != "_mean"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin there with nothing remembered."""
        vars(self).update(state)
        self._mean = lru_cache(maxsize=REMEMBERED)(self._mean_between)

    def rule_at(self, instant: datetime) -> CalendarRule | None:
        """Return the rule that holds at an instant, or None where the default does."""
        local = instant.astimezone(self._timezone).replace(tzinfo=None)
        return next((rule for rule in self._rules if rule.holds(local, self._holidays)), None)

    def value_at(self, instant: datetime) -> float:
        """Return the value at an instant."""
        rule = self.rule_at(instant)
        return self._default if rule is None else rule.value

    def mean(self, interval: Interval) -> float:
        """Return the mean value over an interval, weighted by time."""
        return self._mean(interval.start, interval.end)

    def turns(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the instants strictly between ``start`` and ``end`` at which the value may change, in UTC."""
        found = {turn for turn in self._edges_between(start, end) if start < turn < end}
        found.update(self._clock_changes(start, end))
        return sorted(found)

    def _mean_between(self, start: datetime, end: datetime) -> float:
        cuts = [start, *self.turns(start, end), end]
        pieces = [(self.value_at(left), right - left) for left, right in pairwise(cuts)]
        if len({value for value, _ in pieces}) == 1:
            return pieces[0][0]
        return sum(value * (length / (end - start)) for value, length in pieces)

    def _edges_between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        day, last = (instant.astimezone(self._timezone).date() for instant in (start, end))
        while day <= last:
            for edge in self._edges:
                for fold in (0, 1):  # the hour that occurs twice has two edges
                    yield datetime.combine(day, edge, self._timezone).replace(fold=fold).astimezone(UTC)
            day += DAY

    def _clock_changes(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the changes of the local clock strictly inside, found by halving each day that has one."""
        left = start
        while left < end:
            right = min(left + DAY, end)
            if self._offset(left) != self._offset(right):
                change = self._first_with_offset_of(left, right)
                if change < end:
                    yield change
            left = right

    def _first_with_offset_of(self, left: datetime, right: datetime) -> datetime:
        before = self._offset(left)
        while right - left > timedelta(seconds=1):
            middle = left + (right - left) // 2
            if self._offset(middle) == before:
                left = middle
            else:
                right = middle
        return right.replace(microsecond=0)

    def _offset(self, instant: datetime) -> timedelta | None:
        return instant.astimezone(self._timezone).utcoffset()
