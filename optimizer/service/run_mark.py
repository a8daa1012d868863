"""A mark on disk that a run has begun and not ended by handing the battery back.

A start is the owner's word: the battery is taken up in whatever mode it is found. One that follows a crash or a power
cut is nobody's word, and a mode that somebody chose meanwhile, or to which the service had stood down, is left alone.
"""

from __future__ import annotations

import logging
from pathlib import Path

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

    @property
    def found(self) -> bool:
        """Whether a run has begun and not ended well."""
        return self._path.exists()

    def set(self) -> None:
        """Mark that a run has begun; a full disk is told and does not keep control away."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
        except OSError as error:
            why = f"{self._path}: cannot be written ({error.strerror})"
            logger.warning("%s: after a crash, a mode that you chose meanwhile will not be recognised", why)

    def clear(self) -> None:
        """Mark that the run has ended by handing the battery back."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s: cannot be removed (%s)", self._path, error.strerror)
