"""Whether a status file tells of a living service."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from optimizer.service.status import Status

AHEAD_S = 300.0
"""So far ahead of the present a status may have been written: the clock was put right in between [s]."""


class Verdict(StrEnum):
    """What a status file is worth."""

    RUNNING = "running"
    STALE = "stale"
    """The process is there and has stopped telling: it hangs."""
    STOPPED = "stopped"
    """It ended by its own way out."""
    GONE = "gone"
    """It ended without a word: killed, or the machine went down."""
    NEVER = "never"
    """There is no status."""


def judge(status: Status | None, *, held: bool, now: datetime) -> Verdict:
    """Return what a status is worth.

    Parameters
    ----------
    status
        What was last written.
    held
        Whether a process holds the runtime folder: the kernel's word, which no left-over file can fake.
    now
        The present instant.
    """
    if status is None:
        return Verdict.STALE if held else Verdict.NEVER
    if not held:
        return Verdict.STOPPED if status.state == "stopped" else Verdict.GONE
    age_s = (now - datetime.fromisoformat(status.written_at)).total_seconds()
    # A service that lives tells by the new clock within a poll of its being set: what lies far ahead is no word of its.
    return Verdict.RUNNING if -AHEAD_S <= age_s <= status.stale_after_s else Verdict.STALE
