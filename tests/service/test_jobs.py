"""Jobs: due at multiples of their period, never fatal, the same on simulated and on real time."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from hypothesis import given
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock, WallClock
from optimizer.errors import TariffError
from optimizer.service import scheduler_runner
from optimizer.service.jobs import Job, JobBook, next_run
from optimizer.service.scheduler_runner import AlignedTrigger, ApschedulerRunner
from optimizer.service.stepped_runner import SteppedRunner
from support.machine import wait_for

START = datetime(2026, 5, 4, 10, 7, tzinfo=UTC)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


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


def test_a_job_that_fails_in_an_unforeseen_way_shows_where_once(caplog: pytest.LogCaptureFixture) -> None:
    """A traceback a minute would be 27,000 lines a day; another error, or one after a success, has its own."""
    clock = SimulatedClock(START)
    outcomes = iter([KeyError("a 1"), KeyError("a 2"), TypeError("b"), None, TypeError("b")])

    def work() -> str:
        if outcome := next(outcomes):
            raise outcome
        return "done"

    runner, book = SteppedRunner(clock), JobBook(clock)
    runner.start([Job(name="replan", run=work, period=QUARTER)], book)
    for _ in range(5):
        clock.advance(900)
    shown = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert shown == ["'a 1'", "b", "b"]
    assert book.record("replan").failures == 4


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


def test_the_scheduler_runs_late_jobs_once_and_never_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, not by APScheduler's own defaults: what piled up is one run, and the time zone is UTC."""
    told: dict[str, Any] = {}

    def made(**options: Any) -> BackgroundScheduler:
        told.update(options)
        return BackgroundScheduler(**options)

    monkeypatch.setattr(scheduler_runner, "BackgroundScheduler", made)
    runner = ApschedulerRunner(WallClock())
    assert told["job_defaults"] == {"coalesce": True, "max_instances": 1}
    assert told["timezone"] is UTC
    jobs = [Job(name="plan", run=str, period=QUARTER), Job(name="prune", run=str, period=QUARTER, grace=4 * QUARTER)]
    runner.start(jobs, JobBook(WallClock()))
    known = {one.id: one for one in runner._scheduler.get_jobs()}
    runner.stop()
    assert {name: (one.coalesce, one.max_instances) for name, one in known.items()} == {
        "plan": (True, 1),
        "prune": (True, 1),
    }
    assert {name: one.misfire_grace_time for name, one in known.items()} == {"plan": 300, "prune": 3600}
    assert {one.next_run_time.tzinfo for one in known.values()} == {UTC}


def test_a_job_that_takes_longer_than_its_period_never_runs_beside_itself() -> None:
    """Nor does it keep another one from running."""
    inside, most, over, other = [], [], threading.Event(), threading.Event()

    def work() -> str:
        inside.append(1)
        most.append(len(inside))
        over.wait(10)
        inside.pop()
        return "done"

    def serve() -> str:
        other.set()
        return "served"

    second = timedelta(seconds=1)
    runner, book = ApschedulerRunner(WallClock()), JobBook(WallClock())
    runner.start([Job(name="long", run=work, period=second), Job(name="other", run=serve, period=second)], book)
    try:
        for _ in range(3):
            assert other.wait(5)
            other.clear()
    finally:
        over.set()
        runner.stop()
    assert set(most) == {1}


def test_the_end_waits_for_a_job_under_way_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A plan may be given minutes, or hang."""
    monkeypatch.setattr(scheduler_runner, "ENDING_S", 0.2)
    begun, over = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        over.wait(30)
        return "done"

    runner, book = ApschedulerRunner(WallClock()), JobBook(WallClock())
    runner.start([Job(name="replan", run=work, period=DAY)], book)
    try:
        runner.trigger("replan")
        assert begun.wait(5)
        runner.stop()
        assert book.record("replan").runs == 0
        assert "ended in the midst of replan, which took longer than 0 s" in caplog.text
    finally:
        over.set()
    wait_for(lambda: book.record("replan").runs == 1, 5.0, "the job's end")


@pytest.mark.parametrize(("grace", "runs"), [(timedelta(minutes=5), True), (timedelta(seconds=1), False)])
def test_a_job_that_finds_no_thread_runs_late_or_is_told_to_be_left_out(grace: timedelta, runs: bool) -> None:
    """As its grace says; two that take their time leave no thread to a third."""
    over, ran = threading.Event(), threading.Event()

    def hold() -> str:
        over.wait(10)
        return "done"

    def late() -> str:
        ran.set()
        return "late"

    runner, book = ApschedulerRunner(WallClock()), JobBook(WallClock())
    holding = [Job(name=name, run=hold, period=DAY) for name in ("one", "other")]
    runner.start([*holding, Job(name="late", run=late, period=DAY, grace=grace)], book)
    for name in ("one", "other", "late"):
        runner.trigger(name)
    assert not ran.wait(1.6)
    over.set()
    wait_for(lambda: book.record("late").runs == 1, 10.0, "the third job")
    runner.stop()
    assert ran.is_set() == runs
    assert (book.record("late").error is None) == runs
    assert runs or "its time had passed" in str(book.record("late").error)


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
