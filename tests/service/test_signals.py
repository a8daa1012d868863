"""What a signal to end does, whatever the main thread is in the midst of."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from optimizer.clock import WallClock
from optimizer.service.signals import stop_on_signals
from support.service_process import PATIENCE_S

TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ROUNDS = 1000
WAITING = """
import threading
from optimizer.service.signals import stop_on_signals

stop, heard = threading.Event(), 0
with stop_on_signals(stop):
    print("waiting", flush=True)
    while heard < {rounds}:
        if stop.wait(1e-4):
            stop.clear()
            heard += 1
            print("heard", flush=True)
"""


@pytest.mark.parametrize("number", TO_END)
def test_each_of_them_ends_a_wait(number: signal.Signals) -> None:
    """The event is set within the wait that the signal interrupts; the old handlers are back afterwards."""
    before = signal.getsignal(number)
    stop = threading.Event()
    with stop_on_signals(stop):
        signal.raise_signal(number)
        assert stop.wait(PATIENCE_S)
    assert signal.getsignal(number) is before


class Watched(threading.Event):
    """An event that tells in which thread it was set."""

    def __init__(self) -> None:
        super().__init__()
        self.set_in: threading.Thread | None = None

    def set(self) -> None:
        self.set_in = threading.current_thread()
        super().set()


def test_the_event_is_not_set_by_the_thread_that_the_signal_interrupts() -> None:
    """It may hold the event's lock at that moment, and would wait for itself for ever."""
    stop = Watched()
    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(PATIENCE_S)
    assert stop.set_in not in (None, threading.main_thread())


def test_a_signal_is_heard_at_every_moment_of_a_wait() -> None:
    """A thousand signals from outside, each at another moment of waits of a tenth of a millisecond: none is lost."""
    chance = random.Random(1)
    with subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", WAITING.format(rounds=ROUNDS)], stdout=subprocess.PIPE, text=True
    ) as process:
        hung = threading.Timer(PATIENCE_S, process.kill)
        hung.start()
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        for _ in range(ROUNDS):
            WallClock().wait(chance.random() * 3e-4, threading.Event())
            os.kill(process.pid, signal.SIGTERM)
            assert process.stdout.readline() == "heard\n", "the wait has not ended: the process hung"
        assert process.wait(PATIENCE_S) == 0
        hung.cancel()


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    """A person who cannot wait for the hand-back is obeyed."""
    stop = threading.Event()
    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.is_set()


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    """Whoever started it so wants it to outlive the terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = threading.Event()
        with stop_on_signals(stop):
            signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
