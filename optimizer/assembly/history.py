"""From settings to the history file."""

from __future__ import annotations

from optimizer.clock import Clock
from optimizer.history.store import HistoryStore, history_path
from optimizer.settings import Settings


def build_history(settings: Settings, *, clock: Clock) -> HistoryStore:
    """Return the home's history; the file is opened at the first use.

    A reading stands for the time until the next one, so slow polls must not look like gaps.
    """
    hold_s = max(90.0, 3.0 * settings.control.poll_interval.total_seconds())
    return HistoryStore(history_path(settings.service.state_dir), clock=clock, max_hold_s=hold_s)
