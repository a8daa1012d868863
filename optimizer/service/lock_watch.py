"""Holds on to the locks while the service runs: a folder that was deleted takes the lock's file with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from optimizer.errors import LockedError, SunshiftError
from optimizer.service.lock import InstanceLock

logger = logging.getLogger("sunshift.service")


class LockWatch:
    """Looks after every step whether the locks are still in their places, and takes them again where they are not.

    Parameters
    ----------
    lock
        What this process holds in its runtime folder.
    furnish
        Leaves in a folder made anew what belongs there.
    in_state
        The same in its state folder; None: it holds none there. That folder is not made anew: it may be a disk that is
        away, and what is written beneath it would be lost.

    Attributes
    ----------
    fault
        What is wrong with it now, for a person; None: nothing.
    """

    def __init__(
        self, lock: InstanceLock, furnish: Callable[[], None], *, in_state: InstanceLock | None = None
    ) -> None:
        self.fault: str | None = None
        self._lock, self._furnish, self._in_state = lock, furnish, in_state
        self._told: str | None = None

    def look(self) -> None:
        """Take a lock again where its file was removed.

        Raises
        ------
        LockedError
            Another process has taken it meanwhile: the folder is the other's.
        """
        lost = self._lost()
        if not lost:
            self.fault = self._told = None
            return
        try:
            for lock in lost:
                lock.retake()
                if lock is self._lock:
                    self._furnish()
        except LockedError:
            raise
        except SunshiftError as error:
            self.fault = f"the lock was removed with its folder, so that nothing keeps a second service away: {error}"
            self._tell(self.fault)
        else:
            self.fault = None
            paths = ", ".join(str(lock.path) for lock in lost)
            self._tell(f"{paths}: was removed while the service runs; made anew, and the lock taken again")

    def _lost(self) -> list[InstanceLock]:
        lost = [] if self._lock.in_place else [self._lock]
        state = self._in_state
        if state is not None and state.is_lost and _is_there(state.path.parent):
            lost.append(state)
        return lost

    def _tell(self, what: str) -> None:
        """Say it once, until the lock has been found in its place again."""
        if what != self._told:
            logger.warning("%s", what)
            self._told = what


def _is_there(folder: Path) -> bool:
    """Return whether a folder is there; a disk that fails is not."""
    with suppress(OSError):
        return folder.is_dir()
    return False
