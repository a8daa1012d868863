"""What is done beside the control loop: plain named functions with a period, and a record of how they went.

A job never ends the service and never ends itself: what it raises is written down, logged once and shown in the status.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from optimizer.clock import Clock
from optimizer.domain.time_grid import floor_to_step
from optimizer.errors import SunshiftError

logger = logging.getLogger("sunshift.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing to do again and again."""

    name: str
    run: Callable[[], str]
    """What to do; returns what came of it, for a person."""
    period: timedelta
    """Time between two runs, which begin at multiples of it since midnight UTC; divides a day."""
    grace: timedelta = timedelta(minutes=5)
    """A run that could not begin so long after its time is left out."""


def next_run(period: timedelta, now: datetime) -> datetime:
    """Return the first multiple of ``period`` after ``now``."""
    return floor_to_step(now, period) + period


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """How a job has gone so far."""

    name: str
    runs: int = 0
    failures: int = 0
    """Runs that failed, of all."""
    last_at: datetime | None = None
    """When the last run began."""
    last_seconds: float = 0.0
    """How long it took [s]."""
    last_result: str = ""
    error: str | None = None
    """Why the last run failed; None: it did not."""


class JobBook:
    """Runs jobs and keeps their records; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, JobRecord] = {}

    @property
    def records(self) -> tuple[JobRecord, ...]:
        """How every job has gone, in the order of their first runs."""
        with self._lock:
            return tuple(self._records.values())

    def record(self, name: str) -> JobRecord:
        """Return how one job has gone."""
        with self._lock:
            return self._records.get(name, JobRecord(name=name))

    def execute(self, job: Job) -> None:
        """Run a job; never raises."""
        began_at, began_s = self._clock.now(), self._clock.elapsed()
        result, error = "", None
        try:
            result = job.run()
        except SunshiftError as failure:
            error = str(failure)
        except Exception as failure:  # a job may fail in any way; the service goes on
            error = f"{type(failure).__name__}: {failure}"
            if _is_news(error, self.record(job.name)):
                logger.exception("the job %s failed in an unforeseen way", job.name)
        self._note(job.name, began_at, self._clock.elapsed() - began_s, result, error)

    def note_failure(self, name: str, error: str) -> None:
        """Write down that a job could not even be run."""
        self._note(name, self._clock.now(), 0.0, "", error)

    def _note(self, name: str, at: datetime, seconds: float, result: str, error: str | None) -> None:
        with self._lock:
            before = self._records.get(name, JobRecord(name=name))
            self._records[name] = replace(
                before,
                runs=before.runs + 1,
                failures=before.failures + (error is not None),
                last_at=at,
                last_seconds=seconds,
                last_result=result or before.last_result,
                error=error,
            )
        # One line when it begins to fail and one when it works again, not one a run.
        if error is not None and _is_news(error, before):
            logger.warning("the job %s failed: %s", name, error)
        elif error is None and before.error is not None:
            logger.info("the job %s works again: %s", name, result)


def _is_news(error: str, before: JobRecord) -> bool:
    """Return whether a job fails in another way than the last time, or did not fail then."""
    return before.error is None or _gist(error) != _gist(before.error)


def _gist(error: str) -> str:
    """Return an error without its numbers: ages and counts change from run to run, what failed does not."""
    return re.sub(r"\d+", "#", error)


class JobRunner(Protocol):
    """What runs jobs when they are due: the scheduler in life, the advancing clock in simulation."""

    def start(self, jobs: Sequence[Job], book: JobBook) -> None:
        """Begin to run jobs."""
        ...

    def trigger(self, name: str) -> None:
        """Run one job as soon as possible, besides its own times."""
        ...

    def realign(self) -> None:
        """Work out anew when every job is due, after the wall clock was set."""
        ...

    def stop(self) -> None:
        """End; wait for a run under way, though not for ever."""
        ...
