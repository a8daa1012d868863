"""Jobs on real time: APScheduler in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from optimizer.clock import Clock
from optimizer.service.jobs import Job, JobBook, next_run

logger = logging.getLogger("sunshift.service")

ENDING_S = 10.0
"""How long the end waits for jobs under way [s]."""


class AlignedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler carries no types
    """Fires at multiples of a period since midnight UTC, and only ever in the future.

    APScheduler's own interval trigger lists every run time that a jump of the clock has passed over: a year made 6.3
    million of them for a job of 5 s, which took 25 s and 658 MiB.
    """

    def __init__(self, job: Job) -> None:
        self._period = job.period

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return when to fire next: after ``now`` and after the last time."""
        return next_run(self._period, now if previous_fire_time is None else max(previous_fire_time, now))


class ApschedulerRunner:
    """Runs jobs on two threads of APScheduler's, one run of each job at a time.

    Parameters
    ----------
    clock
        The wall clock; APScheduler reads the system's own besides.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._book: JobBook | None = None
        self._again: set[str] = set()
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1},
        )

    def start(self, jobs: Sequence[Job], book: JobBook) -> None:
        """Begin to run jobs."""
        self._book = book
        self._jobs = {job.name: job for job in jobs}
        for job in jobs:
            self._scheduler.add_job(
                self._run,
                AlignedTrigger(job),
                args=(job,),
                id=job.name,
                misfire_grace_time=int(job.grace.total_seconds()),
            )
        self._scheduler.add_listener(self._tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self._scheduler.start()

    def trigger(self, name: str) -> None:
        """Run a job at once; where it runs already, once more after that."""
        with self._lock:
            if name in self._running:
                self._again.add(name)
                return
        self._scheduler.modify_job(name, next_run_time=self._clock.now())

    def realign(self) -> None:
        """Work out anew when every job is due: a clock set back would leave them waiting for the old time."""
        now = self._clock.now()
        for job in self._jobs.values():
            self._scheduler.modify_job(job.name, next_run_time=next_run(job.period, now))

    def stop(self) -> None:
        """End the threads, waiting ten seconds for runs under way: a plan may be given minutes, or hang."""
        if not self._scheduler.running:
            return
        ending = threading.Thread(target=self._scheduler.shutdown, name="ending", daemon=True)
        ending.start()
        ending.join(ENDING_S)
        with self._lock:
            under_way = ", ".join(sorted(self._running))
        if under_way:
            logger.warning("ended in the midst of %s, which took longer than %.0f s", under_way, ENDING_S)

    def _run(self, job: Job) -> None:
        if self._book is None:
            return
        with self._lock:
            self._running.add(job.name)
        try:
            self._book.execute(job)
        finally:
            with self._lock:
                self._running.discard(job.name)
                again = job.name in self._again
                self._again.discard(job.name)
        if again and self._scheduler.running:
            self._run(job)

    def _tell(self, event: Any) -> None:
        """Show what APScheduler itself could not do; what a job raises is caught before."""
        if self._book is not None:
            why = f"it could not be run: {event.exception or 'its time had passed'}"
            self._book.note_failure(event.job_id, why)
