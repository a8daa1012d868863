"""SIGTERM, SIGINT and SIGHUP end the service by its own way out.

SIGHUP is what a terminal or an ssh session sends as it closes: left alone it kills the process on the spot, with a
forced power standing at the battery for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

LAST_WORD_S = 1.0
"""How long the end waits for the last signal to be passed on [s]."""


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` on a signal to end; a second SIGINT interrupts at once, for a person who cannot wait.

    A SIGHUP that is ignored already (``nohup``) stays so.

    A handler runs in the midst of whatever the main thread does, and that may be :meth:`threading.Event.wait` holding
    the event's lock: an ``Event.set`` there waits for itself, for ever. So the handler only leaves word, in the one
    queue whose ``put`` may interrupt anything, and a thread of its own sets the event.
    """
    word: SimpleQueue[bool] = SimpleQueue()
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        del frame
        if number == signal.SIGINT and (asked or stop.is_set()):
            raise KeyboardInterrupt
        asked = True
        word.put(True)

    def pass_on() -> None:
        while word.get():
            stop.set()

    listener = threading.Thread(target=pass_on, name="signals", daemon=True)
    listener.start()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        word.put(False)
        # Not for ever: a second SIGINT may have left a wait for the event with the event's lock held.
        listener.join(LAST_WORD_S)
