"""The thread that writes, so that the control loop never waits for a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable


class BackgroundFlusher:
    """Calls ``flush`` on its own thread whenever asked; requests that come meanwhile become one.

    Parameters
    ----------
    flush
        What to call; must not raise.
    """

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._wake = threading.Event()
        self._done = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def request(self) -> None:
        """Ask for a flush, and return at once."""
        with self._lock:
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._work, name="sunshift-history", daemon=True)
                self._thread.start()
        self._done.clear()
        self._wake.set()

    def wait(self, seconds: float) -> bool:
        """Wait for a requested flush, in real time; return whether it ended [s]."""
        return self._done.wait(seconds)

    def stop(self, seconds: float) -> None:
        """End the thread, waiting for a flush under way [s]."""
        with self._lock:
            self._stopping = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            self._flush()
            self._done.set()
