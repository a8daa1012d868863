"""SIGTERM, SIGINT and SIGHUP end the service by its own way out.

SIGHUP is what a terminal or an ssh session sends as it closes: left alone it kills the process on the spot, with a
forced power standing at the battery for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from optimizer.clock import Clock, WallClock

LAST_WORD_S = 1.0
"""How long the end waits for the last signal to be passed on [s]."""

ONE_PRESS_S = 2.0
"""A SIGINT within this of the first signal is the same wish to end, and cuts no hand-back short [s].

A tool that starts others may pass the terminal's Ctrl-C on to a process that has had it already, and whoever is in
doubt presses twice. A hand-back that the battery's mode confirms seldom takes longer than this.
"""


@contextmanager
def stop_on_signals(
    stop: threading.Event, *, impatient: Callable[[], object] | None = None, clock: Clock | None = None
) -> Iterator[None]:
    """Set ``stop`` on a signal to end; a SIGINT after it is a person who cannot wait.

    A SIGHUP that is ignored already (``nohup``) stays so.

    A handler runs in the midst of whatever the main thread does, and that may be :meth:`threading.Event.wait` holding
    the event's lock: an ``Event.set`` there waits for itself, for ever. So the handler only leaves word, in the one
    queue whose ``put`` may interrupt anything, and a thread of its own sets the event.

    Parameters
    ----------
    stop
        What is set.
    impatient
        Called in that thread on a SIGINT two seconds or more after the first signal; one that comes sooner does
        nothing. None: :class:`KeyboardInterrupt` is raised at once.
    clock
        What tells the two seconds; None: real time.
    """
    words: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
    now_s = (clock or WallClock()).elapsed
    asked_s: float | None = None

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked_s
        del frame
        if impatient is None and number == signal.SIGINT and (asked_s is not None or stop.is_set()):
            raise KeyboardInterrupt
        if asked_s is None:
            asked_s = now_s()
        elif impatient is not None and number == signal.SIGINT and now_s() - asked_s >= ONE_PRESS_S:
            words.put(impatient)
        words.put(stop.set)

    def pass_on() -> None:
        while (act := words.get()) is not None:
            act()

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
        words.put(None)
        # Not for ever: a second SIGINT may have left a wait for the event with the event's lock held.
        listener.join(LAST_WORD_S)
