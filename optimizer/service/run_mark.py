"""A mark on disk that a run has touched the battery, and has not ended as it should.

A start is the owner's word: the battery is taken up in whatever mode it is found. One that follows a crash or a power
cut is nobody's word, nor is one after a run that left a chosen mode alone: that mode stays.
"""

from __future__ import annotations

import logging
from pathlib import Path

from optimizer.domain.decision import Decision, Outcome

logger = logging.getLogger("sunshift.service")

RUN_MARK_NAME = "running"


class RunMark:
    """The mark in the state folder, which outlives a power cut but for one in the first half minute.

    Parameters
    ----------
    state_dir
        The folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / RUN_MARK_NAME
        self._is_set = self._is_told = False

    @property
    def found(self) -> bool:
        """Whether a run has begun and not ended as it should."""
        try:
            return self._path.exists()
        except OSError:
            return False

    def note(self, decision: Decision) -> None:
        """Mark that the battery was touched, or may have been: before that a crash changes nothing."""
        touched = decision.outcome in (Outcome.APPLIED, Outcome.HANDED_BACK)
        if touched or (decision.outcome is Outcome.FAILED and decision.setpoint is not None):
            self.set()

    def at_end(self, *, handed_back: bool, leaves_a_choice: bool) -> None:
        """Take the mark back once the battery is; not where a chosen mode is left alone, for a restart is no word."""
        if handed_back and not leaves_a_choice:
            self.clear()

    def set(self) -> None:
        """Write the mark, once; a full disk is told and does not keep control away."""
        if self._is_set:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        except OSError as error:
            why = f"{self._path}: cannot be written ({error.strerror})"
            level = logging.DEBUG if self._is_told else logging.WARNING
            logger.log(level, "%s: after a crash, a mode that you chose meanwhile will not be recognised", why)
            self._is_told = True
        else:
            self._is_set = True

    def clear(self) -> None:
        """Take it back."""
        self._is_set = False
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s: cannot be removed (%s)", self._path, error.strerror)
