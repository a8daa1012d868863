"""Holds on to the lock while the service runs: a runtime folder that was deleted takes the lock's file with it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from optimizer.errors import LockedError, SunshiftError
from optimizer.service.lock import InstanceLock

logger = logging.getLogger("sunshift.service")


class LockWatch:
    """Looks after every step whether the lock is still in its place, and takes it again where it is not.

    Parameters
    ----------
    lock
        What this process holds.
    furnish
        Leaves in a folder made anew what belongs there.

    Attributes
    ----------
    fault
        What is wrong with it now, for a person; None: nothing.
    """

    def __init__(self, lock: InstanceLock, furnish: Callable[[], None]) -> None:
        self.fault: str | None = None
        self._lock, self._furnish = lock, furnish
        self._told: str | None = None

    def look(self) -> None:
        """Take the lock again where its file was removed.

        Raises
        ------
        LockedError
            Another process has taken it meanwhile: the battery is the other's.
        """
        if self._lock.in_place:
            self.fault = self._told = None
            return
        try:
            self._lock.retake()
            self._furnish()
        except LockedError:
            raise
        except SunshiftError as error:
            self.fault = f"the lock was removed with its folder, so that nothing keeps a second service away: {error}"
            self._tell(self.fault)
        else:
            self.fault = None
            self._tell(f"{self._lock.path}: was removed while the service runs; made anew, and the lock taken again")

    def _tell(self, what: str) -> None:
        """Say it once, until the lock has been found in its place again."""
        if what != self._told:
            logger.warning("%s", what)
            self._told = what
