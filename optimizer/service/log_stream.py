"""A log that nobody reads must not hold up control.

A pipe whose reader has stopped (``sunshift run 2>&1 | less``, a journal or a container's log driver that hangs) takes
64 KiB and then blocks whoever writes: the control loop would stand still with a command standing, deaf to SIGTERM.
So lines go through a bounded queue to a thread of their own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

LINES_HELD = 2000
"""Lines kept for a reader that is slow; what comes after them is left out and counted."""
LAST_WORDS_S = 2.0
"""How long the end of the process waits for the last lines to be written [s]."""


class BackgroundStream:
    """What a :class:`logging.StreamHandler` writes to: takes every line at once, never blocks, never raises.

    The thread writes to the descriptor itself. A buffered file would be flushed once more as the interpreter ends, and
    block there.

    Parameters
    ----------
    descriptor
        Where the lines go in the end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # Its lock is in C: an interrupt in the midst of `put` cannot leave it held, as it can that of `queue.Queue`.
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._left_out = 0
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def write(self, line: str) -> int:
        """Take a line."""
        if self._is_full:
            self._left_out += 1
        else:
            self._lines.put(line)
        return len(line)

    def flush(self) -> None:
        """Do nothing: lines are written as fast as they are taken."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def drain(self, within_s: float) -> bool:
        """Wait until all that was taken is written; return whether it was in time [s]."""
        if self._is_full:
            return False
        reached = threading.Event()
        self._lines.put(reached)
        return reached.wait(within_s)

    @property
    def _is_full(self) -> bool:
        return self._lines.qsize() >= LINES_HELD

    def _write_all(self) -> None:
        while True:
            line = self._lines.get()
            if isinstance(line, threading.Event):
                line.set()
                continue
            left_out, self._left_out = self._left_out, 0
            if left_out:
                self._write(f"{left_out} lines left out: nobody read the log\n")
            self._write(line)

    def _write(self, text: str) -> None:
        rest = text.encode(errors="backslashreplace")
        # Nobody there to read any more: there is nobody to tell it to either.
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


@contextmanager
def in_background(stream: TextIO | None) -> Iterator[BackgroundStream | None]:
    """Write to ``stream`` in the background, its last lines within two seconds of the end; None where it is closed."""
    try:
        descriptor = -1 if stream is None else stream.fileno()
    except (OSError, ValueError):
        descriptor = -1
    if descriptor < 0:
        yield None
        return
    lines = BackgroundStream(descriptor)
    try:
        yield lines
    finally:
        lines.drain(LAST_WORDS_S)
