"""Keeps the status file: what the service does, since when, and why."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from optimizer.clock import Clock
from optimizer.control.plan_board import PlanBoard
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement
from optimizer.history.store import HistoryStore
from optimizer.service import status
from optimizer.service.jobs import JobBook
from optimizer.service.lease_files import LeaseFiles
from optimizer.service.lock_watch import LockWatch
from optimizer.service.loop import Counters
from optimizer.service.process import memory_mib, version
from optimizer.service.resuming import Resuming

logger = logging.getLogger("sunshift.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What does not change while the service runs."""

    battery: str
    strategy: str
    observe: bool
    currency: str
    timezone: str
    config: str
    stale_after_s: float
    """Within how long a new status is to be expected [s]."""


class Reporter:
    """Writes the status after every step.

    Parameters
    ----------
    path
        The status file.
    clock
        The time.
    identity
        What does not change.
    counters, book, board, history, lease, lock_watch, resuming
        Where the rest is found.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        identity: Identity,
        counters: Counters,
        book: JobBook,
        board: PlanBoard,
        history: HistoryStore,
        lease: LeaseFiles,
        lock_watch: LockWatch,
        resuming: Resuming,
    ) -> None:
        self._path, self._clock, self._identity = path, clock, identity
        self._counters, self._book, self._board, self._history = counters, book, board, history
        self._lease, self._lock_watch, self._resuming = lease, lock_watch, resuming
        self._since = clock.now()
        self._decision: Decision | None = None
        self._measurement: Measurement | None = None
        self._defect = False
        self._write_fault: str | None = None

    @property
    def measurement(self) -> Measurement | None:
        """The last measurement."""
        return self._measurement

    def note(self, decision: Decision | None) -> None:
        """Take notice of a step; None: it ended in an unforeseen error."""
        self._defect = decision is None
        if decision is not None:
            self._decision = decision
            self._measurement = decision.measurement or self._measurement

    def write(self, state: str) -> None:
        """Write the status; a folder that cannot be written to is told once and never stops control."""
        try:
            status.write_status(self._path, self.status(state))
        except (OSError, ValueError) as error:
            # Without the name of the temporary file, which is another one every time.
            fault = (isinstance(error, OSError) and error.strerror) or str(error)
            if fault != self._write_fault:
                logger.warning("%s: the status cannot be written (%s); control goes on", self._path, fault)
            self._write_fault = fault
        else:
            self._write_fault = None

    def status(self, state: str) -> status.Status:
        """Return the service as it is now."""
        now, who, plan = self._clock.now(), self._identity, self._board.newest
        stand_down = self._resuming.stand_down
        return status.Status(
            version=version(),
            pid=os.getpid(),
            state=state,
            since=self._since.isoformat(timespec="seconds"),
            written_at=now.isoformat(timespec="seconds"),
            stale_after_s=who.stale_after_s,
            battery=who.battery,
            mode="observe" if who.observe else "control",
            strategy=who.strategy,
            currency=who.currency,
            timezone=who.timezone,
            config=who.config,
            memory_mib=round(memory_mib(), 1),
            counters=asdict(self._counters),
            faults=self.faults(),
            measurement=None if self._measurement is None else status.measurement_record(self._measurement),
            decision=None if self._decision is None else status.decision_record(self._decision),
            stand_down=None if stand_down is None else status.stand_down_record(stand_down, now),
            resume_requests=self._resuming.taken,
            plan=None if plan is None else status.plan_record(plan, now),
            jobs=tuple(status.job_record(record) for record in self._book.records),
        )

    def faults(self) -> dict[str, str]:
        """Return what is wrong now, by part."""
        decision = self._decision
        device = None
        if decision is not None and (decision.outcome is Outcome.FAILED or decision.error):
            device = decision.error or decision.reason
        found = {
            "control": "the last step ended in an unforeseen error: see the log" if self._defect else None,
            "device": device,
            "history": self._history.fault,
            "lease": self._lease.fault,
            "lock": self._lock_watch.fault,
            "tariff": self._book.record("tariff").error,
            "plan": self._book.record("replan").error,
        }
        return {part: text for part, text in found.items() if text}
