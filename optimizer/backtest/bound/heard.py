"""Work in native code that can be interrupted: Python hears Ctrl-C only between two of its own instructions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from threading import enumerate as enumerate_threads
from typing import TypeVar

T = TypeVar("T")
NAME = "native work"
HEARS_S = 0.1
"""How often Ctrl-C is looked for, where it does not break a wait by itself [s]."""
PATIENCE_S = 0.5
"""How long a cancelled work may take to end before it is left behind [s]."""


def interruptible(work: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Return what ``work`` returns; while it is at it, Ctrl-C is heard at once.

    Parameters
    ----------
    work
        Runs in a thread of its own and releases the interpreter's lock; what it raises is raised here.
    cancel
        Asks it to end soon. One that does not is left to end by itself, and never holds up the end of the process.
    """
    told: Future[T] = Future()
    try:
        Thread(target=_tell, args=(work, told), name=NAME, daemon=True).start()
        # In short waits: a signal that comes just before a wait begins is seen only when that ends.
        while not told.done():
            wait([told], HEARS_S)
        return told.result()
    except KeyboardInterrupt:
        cancel()
        wait([told], PATIENCE_S)
        raise


def is_left_behind() -> bool:
    """Return whether work that was cancelled still runs: it may not outlive what the process takes down at its end."""
    return any(thread.name == NAME for thread in enumerate_threads())


def _tell(work: Callable[[], T], told: Future[T]) -> None:
    try:
        told.set_result(work())
    except BaseException as error:  # it is raised where the result is asked for
        told.set_exception(error)
