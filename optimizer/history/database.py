"""The history file as something that may fail: opened when possible, moved aside when damaged, never fatal."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from optimizer.clock import Clock
from optimizer.errors import HistoryError
from optimizer.history.schema import make_private, open_database

T = TypeVar("T")

_DAMAGED = {11, 26}  # SQLITE_CORRUPT, SQLITE_NOTADB
_ADVICE = {
    5: "another program holds it",  # SQLITE_BUSY
    6: "another program holds it",  # SQLITE_LOCKED
    8: "make the file and its folder writable",  # SQLITE_READONLY
    10: "check the disk",  # SQLITE_IOERR
    13: "free some space",  # SQLITE_FULL
    14: "make the folder exist and writable",  # SQLITE_CANTOPEN
}


class StorageFault(Exception):  # noqa: N818 - reads as the state it names
    """The file cannot be used now; it is tried again later."""


def _primary_code(error: sqlite3.Error) -> int:
    # The low byte of an extended result code, https://www.sqlite.org/rescode.html; absent where Python itself objects.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


class Database:
    """One connection behind one lock.

    Parameters
    ----------
    path
        The file; its folder is made where it is missing.
    clock
        Names the file that a damaged one is moved to.
    recover
        Whether a damaged file is moved aside and begun anew; otherwise it is left alone and raises
        :class:`HistoryError`.
    """

    def __init__(self, path: Path, *, clock: Clock, recover: bool) -> None:
        self.path = path
        self.moved_aside: Path | None = None
        self._clock = clock
        self._recover = recover
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @property
    def lock(self) -> threading.RLock:
        """Held around every use; whoever must keep several uses together takes it himself."""
        return self._lock

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` reads.

        Raises
        ------
        StorageFault
            It cannot be read now.
        """
        with self._lock:
            return self._attempt(work)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in one transaction: all of it or nothing.

        Raises
        ------
        StorageFault
            It cannot be written now; nothing was.
        """
        with self._lock:
            self._find_again()
            return self._attempt(lambda connection: _in_transaction(connection, work))

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            try:
                return work(self._open())
            except sqlite3.DatabaseError as error:
                if _primary_code(error) not in _DAMAGED:
                    raise
                self._set_aside(error)
                return work(self._open())
        except (sqlite3.Error, OSError) as error:
            raise StorageFault(self._explain(error)) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._identity is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = open_database(self.path)
            self._identity = _identity(self.path)
        return self._connection

    def _find_again(self) -> None:
        """Notice that the file was removed or replaced: the kernel would go on writing into what no name leads to.

        Until the folder is back nothing is written, and reads still see the file that was. A folder that vanished is
        not made anew: it may be where a disk was mounted.

        Raises
        ------
        StorageFault
            The folder is gone, or the file cannot be put back.
        """
        if self._connection is None or self._identity == _identity(self.path):
            return
        if not self.path.parent.is_dir():
            msg = f"{self.path.parent} is gone; put the folder back, or restart sunshift to begin a new history"
            raise StorageFault(msg)
        try:
            if self.path.exists():
                with _companions_out_of_the_way(self.path):
                    self.close()
            else:
                self._put_back(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise StorageFault(self._explain(error)) from error

    def _put_back(self, deleted: sqlite3.Connection) -> None:
        """Write what the deleted file held, and its open connection still does, to its place again."""
        copy = self.path.with_name(f"{self.path.name}.copy")
        try:
            make_private(copy)
            with closing(sqlite3.connect(copy)) as target:
                deleted.backup(target)
            self.close()
            copy.replace(self.path)
        finally:
            copy.unlink(missing_ok=True)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        if not self._recover:
            msg = f"{self.path}: not a readable history ({error}); restore it from a backup, or name another file"
            raise HistoryError(msg) from error
        stamp = self._clock.now().strftime("%Y%m%dT%H%M%SZ")
        self.moved_aside = _free_name(self.path, stamp)
        self.path.rename(self.moved_aside)
        for suffix in ("-wal", "-shm"):
            companion = self.path.with_name(self.path.name + suffix)
            if companion.exists():
                companion.rename(self.moved_aside.with_name(self.moved_aside.name + suffix))

    def _explain(self, error: sqlite3.Error | OSError) -> str:
        advice = _ADVICE.get(_primary_code(error)) if isinstance(error, sqlite3.Error) else None
        return f"{self.path}: {error}" + (f"; {advice}" if advice else "")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of the same name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _companions_out_of_the_way(path: Path) -> Iterator[None]:
    """Keep the write-ahead log of a file: closing the connection to a deleted one of its name would remove it."""
    moved = []
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            moved.append((companion, companion.rename(companion.with_name(companion.name + ".kept"))))
    try:
        yield
    finally:
        for companion, kept in moved:
            kept.replace(companion)


def _free_name(path: Path, stamp: str) -> Path:
    plain = path.with_name(f"{path.name}.corrupt-{stamp}")
    number, name = 1, plain
    while name.exists():
        number += 1
        name = plain.with_name(f"{plain.name}-{number}")
    return name


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # A full disk or an I/O error may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
