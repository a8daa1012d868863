"""sd_notify: what systemd hears."""

import logging
import os
import socket
import threading
from pathlib import Path

import pytest

from optimizer.service.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_every_message_reaches_the_socket(tmp_path: Path, abstract: bool) -> None:
    """READY, STATUS, WATCHDOG and STOPPING arrive over a path and over an abstract socket."""
    name = f"sunshift-notify-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name if abstract else name)
        manager.settimeout(5)
        notifier = Notifier("@" + name if abstract else name, watchdog_s=90.0)
        notifier.ready()
        notifier.status("charging\nbecause it is cheap")
        notifier.status("charging because it is cheap")
        notifier.watchdog()
        notifier.stopping()
        heard = [manager.recv(4096).decode() for _ in range(4)]
    assert heard == ["READY=1", "STATUS=charging because it is cheap", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    """Outside systemd, and when the socket is gone, telling is harmless: the next message that can be told is."""
    outside = Notifier.from_environment({})
    outside.ready()
    assert outside.watchdog_s is None
    place = str(tmp_path / "gone")
    notifier = Notifier(place)
    notifier.ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place)
        manager.settimeout(5)
        notifier.stopping()
        assert manager.recv(4096) == b"STOPPING=1"


def test_a_service_manager_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    """Its queue is full after a few messages; the rest are lost, and nobody waits."""
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place)
        notifier, told = Notifier(place), threading.Event()

        def tell() -> None:
            for _ in range(2000):
                notifier.ready()
            told.set()

        threading.Thread(target=tell, daemon=True).start()
        assert told.wait(5)


def test_what_systemd_was_not_told_is_in_the_debug_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the reason."""
    with caplog.at_level(logging.DEBUG, "sunshift.service"):
        Notifier(str(tmp_path / "gone")).ready()
    assert caplog.messages == ["systemd was not told READY=1: [Errno 2] No such file or directory"]


@pytest.mark.parametrize(
    ("environ", "expected_s"),
    [
        ({"WATCHDOG_USEC": "90000000"}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_only_when_it_watches_this_process(
    environ: dict[str, str], expected_s: float | None
) -> None:
    """The variables of sd_watchdog_enabled(3) decide."""
    assert Notifier.from_environment(environ).watchdog_s == expected_s
