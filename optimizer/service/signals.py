"""SIGTERM, SIGINT and SIGHUP end the service by its own way out.

SIGHUP is what a terminal or an ssh session sends as it closes: left alone it kills the process on the spot, with a
forced power standing at the battery for ever.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    the event's lock: an ``Event.set`` there waits for itself, for ever. Nor does one run while the main thread is in
    native code, as in a wait for a disk. So a thread of its own hears of a signal as it comes
    (:func:`signal.set_wakeup_fd`), and acts.

    Parameters
    ----------
    stop
        What is set.
    impatient
        Called in that thread on a SIGINT two seconds or more after the first signal; one that comes sooner does
        nothing. None: :class:`KeyboardInterrupt` is raised in the main thread, at once.
    clock
        What tells the two seconds; None: real time.
    """
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    ears = _Ears(stop, numbers, impatient, clock or WallClock())
    asked = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        del frame
        # Told to end before, by a signal or by something else; this signal itself may have been heard already.
        told = asked or (stop.is_set() and not ears.have_stopped)
        asked = True
        if impatient is None and number == signal.SIGINT and told:
            raise KeyboardInterrupt

    with ExitStack() as ending:
        read, write = socket.socketpair()
        ending.callback(read.close)
        listener = threading.Thread(target=ears.listen, args=(read,), name="signals", daemon=True)
        listener.start()
        # Not for ever: a KeyboardInterrupt may have left a wait for the event with the event's lock held.
        ending.callback(listener.join, LAST_WORD_S)
        ending.callback(write.close)
        write.setblocking(False)
        ending.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False))
        for number in numbers:
            ending.callback(signal.signal, number, signal.signal(number, interrupt))
        yield


class _Ears:
    """Hears the numbers of signals, and acts on them."""

    def __init__(
        self, stop: threading.Event, numbers: Sequence[int], impatient: Callable[[], object] | None, clock: Clock
    ) -> None:
        self.have_stopped = False
        """Whether it was a signal that set the event."""
        self._stop, self._numbers = stop, numbers
        self._impatient, self._clock = impatient, clock
        self._first_s: float | None = None

    def listen(self, read: socket.socket) -> None:
        """Listen until the other end is closed."""
        while heard := read.recv(64):
            for number in heard:
                if number in self._numbers:
                    self._act(number)

    def _act(self, number: int) -> None:
        now_s = self._clock.elapsed()
        if self._first_s is None:
            self._first_s = now_s
        elif self._impatient is not None and number == signal.SIGINT and now_s - self._first_s >= ONE_PRESS_S:
            self._impatient()
        if not self._stop.is_set():
            self.have_stopped = True
            self._stop.set()
