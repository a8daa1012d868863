"""Jobs: due at multiples of their period, never fatal, the same on simulated and on real time."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock, WallClock
from optimizer.errors import TariffError
from optimizer.service.jobs import Job, JobBook, next_run
from optimizer.service.scheduler_runner import AlignedTrigger, ApschedulerRunner
from optimizer.service.stepped_runner import SteppedRunner

START = datetime(2026, 5, 4, 10, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def test_jobs_run_at_multiples_of_their_period() -> None:
    """A quarter-hourly job runs at the quarters however the clock steps, once for each jump."""
    clock = SimulatedClock(START)
    ran: list[datetime] = []

    def work() -> str:
        ran.append(clock.now())
        return "done"

    runner, book = SteppedRunner(clock), JobBook(clock)
    runner.start([Job(name="plan", run=work, period=QUARTER)], book)
    for _ in range(60):
        clock.advance(60)
    clock.advance(7200)
    assert [f"{at:%H:%M}" for at in ran] == ["10:15", "10:30", "10:45", "11:00", "13:07"]
    runner.trigger("plan")
    runner.stop()
    clock.advance(7200)
    assert book.record("plan").runs == 6


def test_a_failing_job_is_recorded_logged_once_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    """What a job raises shows in its record; its next run can mend it."""
    caplog.set_level(logging.INFO, logger="sunshift")
    clock = SimulatedClock(START)
    outcomes = iter([TariffError("no prices"), TariffError("no prices"), None, ZeroDivisionError()])

    def work() -> str:
        if outcome := next(outcomes):
            raise outcome
        return "prices known"

    runner, book = SteppedRunner(clock), JobBook(clock)
    runner.start([Job(name="tariff", run=work, period=QUARTER)], book)
    clock.advance(900)
    clock.advance(900)
    assert book.record("tariff").error == "no prices"
    assert caplog.text.count("no prices") == 1
    clock.advance(900)
    assert (book.record("tariff").error, book.record("tariff").last_result) == (None, "prices known")
    assert "works again" in caplog.text
    clock.advance(900)
    record = book.record("tariff")
    assert (record.runs, record.failures) == (4, 3)
    assert "ZeroDivisionError" in str(record.error)


def test_the_scheduler_runs_jobs_on_its_own_threads_and_ends_cleanly() -> None:
    """A triggered job runs soon, a failing one harms nobody, and no thread is left."""
    before = threading.active_count()
    done = threading.Event()

    def work() -> str:
        done.set()
        return threading.current_thread().name

    def fail() -> str:
        raise RuntimeError

    clock = WallClock()
    runner, book = ApschedulerRunner(clock), JobBook(clock)
    runner.start([Job(name="work", run=work, period=QUARTER), Job(name="fail", run=fail, period=QUARTER)], book)
    runner.trigger("fail")
    runner.trigger("work")
    assert done.wait(10)
    runner.realign()
    runner.stop()
    assert book.record("work").last_result != threading.current_thread().name
    assert book.record("fail").failures == 1
    assert threading.active_count() == before


@given(
    previous=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)),  # noqa: DTZ001 - made aware below
    now=st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)),  # noqa: DTZ001
)
def test_a_jump_of_the_clock_makes_one_run_not_millions(previous: datetime | None, now: datetime) -> None:
    """Whatever the clock did, the next run lies after now, at a multiple of the period."""
    last = None if previous is None else previous.replace(tzinfo=UTC)
    trigger = AlignedTrigger(Job(name="plan", run=str, period=QUARTER))
    due = trigger.get_next_fire_time(last, now.replace(tzinfo=UTC))
    assert due > now.replace(tzinfo=UTC)
    assert (due.minute % 15, due.second, due.microsecond) == (0, 0, 0)
    assert next_run(QUARTER, START) == START.replace(minute=15)
