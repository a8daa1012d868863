"""What a signal to end does, whatever the main thread is in the midst of."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

import pytest

from optimizer.clock import SimulatedClock, WallClock
from optimizer.service.log_stream import in_background
from optimizer.service.signals import ONE_PRESS_S, stop_on_signals
from support.service_process import PATIENCE_S, no_nohup

TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ROUNDS = 1000
NOW = datetime(2026, 5, 4, tzinfo=UTC)
IN_NATIVE_CODE_AFTER_S = 0.2
"""The main thread has begun to wait for a database by then; otherwise nothing is tested."""
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


@pytest.fixture(autouse=True)
def _hangups_are_heard() -> Iterator[None]:
    with no_nohup():
        yield


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
    """A person who cannot wait is obeyed."""
    stop = threading.Event()
    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.is_set()


def in_native_code(folder: Path, meanwhile: Callable[[], object]) -> None:
    """Wait for a locked database, where no handler runs in this thread, while another one does something."""
    with (
        closing(sqlite3.connect(folder / "locked", check_same_thread=False, isolation_level=None)) as holder,
        closing(sqlite3.connect(folder / "locked", timeout=2 * PATIENCE_S, isolation_level=None)) as waiting,
        ThreadPoolExecutor(1) as other,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        done = other.submit(lambda: (WallClock().wait(IN_NATIVE_CODE_AFTER_S, threading.Event()), meanwhile()))
        done.add_done_callback(lambda _: holder.execute("ROLLBACK"))
        waiting.execute("BEGIN IMMEDIATE")
        done.result()


def test_a_first_ctrl_c_interrupts_nothing(tmp_path: Path) -> None:
    """The thread that hears it may be quicker than the handler in the main thread, as it is here."""
    stop = threading.Event()

    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(PATIENCE_S)

    with not_interrupted(), stop_on_signals(stop):
        in_native_code(tmp_path, press)


@contextmanager
def not_interrupted() -> Iterator[None]:
    """Fail this test alone where a KeyboardInterrupt gets through, not the whole session."""
    try:
        yield
    except KeyboardInterrupt:
        pytest.fail("interrupted")


def test_a_ctrl_c_after_an_end_for_another_reason_interrupts() -> None:
    """Nobody waits for the event any more then: the demo's days are over, and it sums up."""
    stop = threading.Event()
    stop.set()
    with stop_on_signals(stop), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


class Impatience:
    """Signals that come at given times, and what is made of them."""

    def __init__(self) -> None:
        self.stop, self.clock = threading.Event(), SimulatedClock(NOW)
        self.clock.advance(3600.0)
        self._told = SimpleQueue[threading.Thread]()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear signals."""
        with not_interrupted(), stop_on_signals(self.stop, impatient=self._note, clock=self.clock):
            yield

    def _note(self) -> None:
        self._told.put(threading.current_thread())

    def first(self, number: signal.Signals) -> None:
        """Send a first signal, and wait until it was heard."""
        signal.raise_signal(number)
        assert self.stop.wait(PATIENCE_S)

    def thread(self) -> threading.Thread:
        """Return the thread in which an impatience was told."""
        return self._told.get(timeout=PATIENCE_S)

    @property
    def is_told(self) -> bool:
        return not self._told.empty()


@pytest.mark.parametrize("first", TO_END)
def test_a_ctrl_c_a_while_after_the_first_signal_is_passed_on(first: signal.Signals) -> None:
    """To whoever asked for it, in a thread of its own; the main thread goes on with what it does."""
    person = Impatience()
    with person.heard():
        person.first(first)
        person.clock.advance(ONE_PRESS_S)
        signal.raise_signal(signal.SIGINT)
        assert person.thread() is not threading.main_thread()


@pytest.mark.parametrize("second", TO_END)
@pytest.mark.parametrize("first", TO_END)
def test_what_comes_within_two_seconds_is_the_same_wish(first: signal.Signals, second: signal.Signals) -> None:
    """A tool passes Ctrl-C on to a process that has had it, or a person presses twice: no hand-back is cut short."""
    person = Impatience()
    with person.heard():
        person.first(first)
        person.clock.advance(ONE_PRESS_S - 0.01)
        signal.raise_signal(second)
    assert not person.is_told


@pytest.mark.parametrize("between", TO_END)
def test_the_two_seconds_begin_with_the_first_signal(between: signal.Signals) -> None:
    """Whoever sends others meanwhile does not keep a person waiting."""
    person = Impatience()
    with person.heard():
        person.first(signal.SIGTERM)
        person.clock.advance(ONE_PRESS_S - 0.5)
        signal.raise_signal(between)
        person.clock.advance(0.5)
        signal.raise_signal(signal.SIGINT)
        person.thread()


def test_a_first_ctrl_c_after_an_end_for_another_reason_is_no_impatience() -> None:
    """The service is handing back by itself then; who presses cannot know it."""
    person = Impatience()
    person.stop.set()
    with person.heard():
        signal.raise_signal(signal.SIGINT)
    assert not person.is_told


def test_impatience_is_heard_while_the_main_thread_is_in_native_code(tmp_path: Path) -> None:
    """It is told then and there, and not once the main thread is back."""
    person = Impatience()

    def press() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert person.stop.wait(PATIENCE_S)
        person.clock.advance(ONE_PRESS_S)
        os.kill(os.getpid(), signal.SIGINT)
        person.thread()

    with person.heard():
        in_native_code(tmp_path, press)


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


def interrupted_within(function: str, caller: str, doing: Callable[[], object]) -> None:
    """Do something, with Ctrl-C coming twice as one of Python's own functions begins."""

    def trace(frame: FrameType, event: str, _: object) -> None:
        back = frame.f_back
        if event == "call" and frame.f_code.co_name == function and back is not None and back.f_code.co_name == caller:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        doing()
    finally:
        sys.settrace(before)


def test_a_second_ctrl_c_in_the_midst_of_a_wait_does_not_hold_up_the_end() -> None:
    """It may leave the event's lock held for ever: whoever waits for the event afterwards must not be waited for."""
    stop = threading.Event()
    with stop_on_signals(stop), pytest.raises(KeyboardInterrupt):
        interrupted_within("__exit__", "wait", lambda: stop.wait(0.01))


def test_a_second_ctrl_c_in_the_midst_of_a_log_line_does_not_hold_up_the_hand_back() -> None:
    """The lines that tell of the hand-back go through the same queue.

    Python's own one runs Python code with its lock held: there Ctrl-C comes in. What is in C cannot be interrupted so.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading) as read, os.fdopen(writing, "w") as file, in_background(file) as lines:
        assert lines is not None
        with suppress(KeyboardInterrupt), stop_on_signals(threading.Event()):
            interrupted_within("__exit__", "put", lambda: lines.write("a step\n"))
        writer = threading.Thread(target=lines.write, args=("handed back\n",), daemon=True)
        writer.start()
        writer.join(PATIENCE_S)
        assert not writer.is_alive()
        assert [read.readline(), read.readline()] == ["a step\n", "handed back\n"]
