"""Time comes from one place, and the simulated clock moves only when told to."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from optimizer.clock import SimulatedClock, WallClock, boot_time_s, real_deadline

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)


def test_waiting_on_a_simulated_clock_moves_it() -> None:
    """A wait passes at once, in both clocks."""
    clock = SimulatedClock(START)
    assert clock.wait(90, threading.Event()) is False
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.elapsed() == 90
    for seconds in (0.25, 0.0, -7.0):  # nobody waits for what has passed
        assert clock.wait(seconds, threading.Event()) is False
    assert clock.elapsed() == 90.25
    assert clock.now() == START + timedelta(seconds=90.25)


def test_a_simulated_clock_tells_utc_and_lets_a_person_watch() -> None:
    """Wherever its start was given; each advance may take as long as is wanted."""
    paced: list[float] = []
    clock = SimulatedClock(START.astimezone(timezone(timedelta(hours=9))), pace=paced.append)
    clock.advance(30.0)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now().tzinfo is UTC
    assert paced == [30.0]


def test_a_set_event_ends_a_wait_before_it_begins() -> None:
    """A stop that is asked for is not slept through."""
    clock, wake = SimulatedClock(START), threading.Event()
    wake.set()
    assert clock.wait(90, wake) is True
    assert clock.now() == START


def test_setting_the_wall_clock_leaves_ages_alone() -> None:
    """A person or NTP may move the wall clock by a year; how long ago something was does not change."""
    clock = SimulatedClock(START)
    clock.advance(10)
    clock.step_wall_clock(-365 * 86400)
    assert clock.elapsed() == 10
    assert clock.now() < START


def test_subscribers_hear_every_advance() -> None:
    """What must keep up with simulated time is told the new instant."""
    clock, heard = SimulatedClock(START), []
    clock.subscribe(heard.append)
    clock.advance(1)
    clock.advance(2)
    assert heard == [START + timedelta(seconds=1), START + timedelta(seconds=3)]


def test_simulated_time_neither_starts_naive_nor_runs_back() -> None:
    """Both mistakes are refused with what to do."""
    with pytest.raises(ValueError, match="aware"):
        SimulatedClock(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="step_wall_clock"):
        SimulatedClock(START).advance(-1)


def test_the_wall_clock_is_aware_and_its_ages_grow() -> None:
    """The real clocks answer in UTC and never run back."""
    clock = WallClock()
    assert clock.now().tzinfo is UTC
    first = clock.elapsed()
    assert clock.wait(0.0, threading.Event()) is False
    assert clock.elapsed() >= first


@pytest.mark.parametrize(("seconds", "waits_s"), [(-1.0, 0.0), (0.0, 0.0), (0.5, 0.5)])
def test_real_waits_take_what_they_are_told(seconds: float, waits_s: float) -> None:
    """And nothing for what has passed."""
    told: list[float] = []

    class Wake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            told.append(timeout)
            return True

    assert WallClock().wait(seconds, Wake()) is True
    assert told == [waits_s]


def test_ages_are_taken_from_the_clock_that_counts_suspend(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour in which the computer slept is an hour, for ages and for deadlines."""
    boot_s = [5000.0]
    monkeypatch.setattr(time, "clock_gettime", lambda which: boot_s[0] if which == time.CLOCK_BOOTTIME else 40.0)
    clock, left_s = WallClock(), real_deadline(4000.0)
    assert (clock.elapsed(), boot_time_s(), left_s()) == (5000.0, 5000.0, 4000.0)
    boot_s[0] += 3600.0
    assert (clock.elapsed(), boot_time_s(), left_s()) == (8600.0, 8600.0, 400.0)


def test_without_a_boot_time_clock_ages_still_never_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has none the monotonic clock serves."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    monkeypatch.setattr(time, "monotonic", lambda: 40.0)
    assert (WallClock().elapsed(), boot_time_s()) == (40.0, 40.0)


def test_a_deadline_runs_out_and_stays_at_zero() -> None:
    """The time left is never negative."""
    assert real_deadline(0.0)() == 0.0
    assert 0.0 < real_deadline(60.0)() <= 60.0
