"""One writer: whoever commands the battery holds a lock in the runtime folder.

A runtime folder belongs to one battery; a second battery gets its own ``[service] runtime_dir`` and ``state_dir``. That
no two folders serve one battery is looked after by :mod:`optimizer.service.battery_claim`. The lock is the kernel's
(flock): it ends with the process however that dies, so that a left-over file never locks anybody out.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from optimizer.clock import real_deadline
from optimizer.errors import LockedError, SunshiftError
from optimizer.release.claim import LOCK_NAME, is_held

logger = logging.getLogger("sunshift.service")

MODE = 0o644
TRY_FOR_S, TRY_EVERY_S = 1.0, 0.05
"""How long to try: whoever asks whether the lock is held shares it for an instant, and must keep no service out [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, by their own account."""

    pid: int
    battery: str
    since: str
    runtime_dir: str = ""
    """Where its lease is found; empty: it does not say."""

    def __str__(self) -> str:
        return f"pid {self.pid}, since {self.since}, for {self.battery}"


class InstanceLock:
    """Holds a runtime folder for this process.

    Parameters
    ----------
    runtime_dir
        Folder to hold; made where it is missing.
    battery
        Name of the battery, for whoever finds the lock held.
    since
        When it was taken.
    lease_dir
        Runtime folder of the same service, for the guard, which may find a lock in its state folder alone; None: it is
        not told.
    """

    def __init__(self, runtime_dir: Path, *, battery: str, since: datetime, lease_dir: Path | None = None) -> None:
        self.path = runtime_dir / LOCK_NAME
        self._holder = Holder(
            pid=os.getpid(),
            battery=battery,
            since=since.isoformat(timespec="seconds"),
            runtime_dir="" if lease_dir is None else str(lease_dir.absolute()),
        )
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        LockedError
            Another process holds it; the text says which and what to do.
        SunshiftError
            The folder cannot be written to.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        except OSError as error:
            msg = (
                f"{self.path}: cannot be written ({error.strerror}); "
                "make the folder writable or set [service] runtime_dir to one that is"
            )
            raise SunshiftError(msg) from error
        try:
            locked = _locked_in_time(descriptor)
        except OSError as error:
            os.close(descriptor)
            msg = f"{self.path}: cannot be locked ({error.strerror}); name a folder on a disk of this computer"
            raise SunshiftError(msg) from error
        if not locked:
            os.close(descriptor)
            raise LockedError(_refusal(self.path))
        self._descriptor = descriptor
        self._say_who(descriptor)

    @property
    def is_held(self) -> bool:
        """Whether this process has taken it."""
        return self._descriptor is not None

    @property
    def in_place(self) -> bool:
        """Whether what is held is still what others find: a file that was removed keeps nobody out."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # cannot be told now: what was taken is held until it is seen that it is not

    @property
    def is_lost(self) -> bool:
        """Whether it was taken and keeps nobody out any more."""
        return self.is_held and not self.in_place

    def retake(self) -> None:
        """Take the lock anew, after its file was removed; what was held before is kept until then.

        Raises
        ------
        LockedError
            Another process has taken it meanwhile.
        SunshiftError
            The folder cannot be written to.
        """
        before = self._descriptor
        self.acquire()
        if before is not None:
            os.close(before)

    def _say_who(self, descriptor: int) -> None:
        """Write who holds the lock; that is a courtesy: a full disk or a file of another user's changes nothing."""
        with suppress(OSError):
            # Past the umask: whoever asks for the status must be able to see that the lock is held.
            os.fchmod(descriptor, MODE)
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(self._holder)).encode(), 0)

    def release(self) -> None:
        """Give the lock back; the file stays, because removing it would race with the next holder."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):  # a courtesy, as above: closing is what gives it back
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked_in_time(descriptor: int) -> bool:
    left = real_deadline(TRY_FOR_S)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left() <= 0.0:
                return False
            time.sleep(TRY_EVERY_S)
        else:
            return True


@contextmanager
def held_where_possible(lock: InstanceLock | None) -> Iterator[None]:
    """Hold a folder as well; one that cannot be written to is told and not held: storage never stops control.

    Raises
    ------
    LockedError
        Another process holds it.
    """
    with ExitStack() as held:
        try:
            if lock is not None:
                held.enter_context(lock)
        except LockedError:
            raise
        except SunshiftError as error:
            logger.warning("nothing keeps a second service from this folder: %s", error)
        yield


def holder(runtime_dir: Path) -> Holder | None:
    """Return who says that they hold the folder, None where nobody does or it cannot be read."""
    return _read_holder(runtime_dir / LOCK_NAME) if is_held(runtime_dir) else None


def _read_holder(path: Path) -> Holder | None:
    try:
        said = json.loads(path.read_text())
        return Holder(
            pid=int(said["pid"]),
            battery=str(said["battery"]),
            since=str(said["since"]),
            runtime_dir=str(said.get("runtime_dir", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _refusal(path: Path) -> str:
    who = _read_holder(path)
    return (
        f"another sunshift holds the battery ({who or 'it does not say who it is'}; {path}): "
        "stop it first (`systemctl stop sunshift`, or end that process); "
        "a second battery needs its own [service] runtime_dir and state_dir, for record and history are one battery's"
    )
