"""Jobs on simulated time: run in the caller's thread while the clock advances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from optimizer.clock import SimulatedClock
from optimizer.service.jobs import Job, JobBook, next_run


class SteppedRunner:
    """Runs what has become due whenever a simulated clock has moved, each job once however far it moved.

    Parameters
    ----------
    clock
        The clock to follow.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._due: dict[str, datetime] = {}
        self._book: JobBook | None = None
        clock.subscribe(self._follow)

    def start(self, jobs: Sequence[Job], book: JobBook) -> None:
        """Begin to follow the clock."""
        self._book = book
        self._jobs = {job.name: job for job in jobs}
        self.realign()

    def trigger(self, name: str) -> None:
        """Run a job now."""
        if self._book is not None:
            self._book.execute(self._jobs[name])

    def realign(self) -> None:
        """Work out anew when every job is due."""
        now = self._clock.now()
        self._due = {job.name: next_run(job.period, now) for job in self._jobs.values()}

    def stop(self) -> None:
        """Follow the clock no longer."""
        self._book = None

    def _follow(self, now: datetime) -> None:
        for job in self._jobs.values():
            if self._book is not None and self._due[job.name] <= now:
                self._due[job.name] = next_run(job.period, now)
                self._book.execute(job)
