"""Computers and the cables between them: network namespaces, and frames that pass through the test's hands.

Needs root and ``ip`` (iproute2). Loss and delay are made here and not by the kernel's netem, which many kernels are
built without: a cable is two interfaces in a namespace of its own, and a thread that carries frames from one to the
other.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_ALL_FRAMES = 3
_SOL_PACKET, _WITH_OFFLOAD_HEADER = 263, 15
"""SOL_PACKET, PACKET_VNET_HDR: frames keep the word of the sender's kernel that checksums are still to be made."""
_OUTGOING = 4
_LONGEST_FRAME = 1 << 17


def why_not() -> str | None:
    """Return why no network can be made here; None where one can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "`ip` is missing (Debian package iproute2)"
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    try:
        with namespace("probe") as one, namespace("probe-peer") as other:
            ip("link", "add", "left", "netns", one, "type", "veth", "peer", "name", "right", "netns", other)
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.strip()}"
    return None


@contextmanager
def namespace(purpose: str) -> Iterator[str]:
    """Make a network namespace and return its name."""
    name = f"sunshift-{os.getpid()}-{purpose}"
    ip("netns", "add", name)
    try:
        with suppress(OSError):  # so that no kernel speaks on a cable unasked
            within(name, lambda: Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1"))
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def within(name: str, make: Callable[[], _T]) -> _T:
    """Do something as seen from a namespace; a socket that is opened there stays there."""

    def enter_and_make() -> _T:
        with (_NAMESPACES / name).open() as entrance:
            if ctypes.CDLL(None, use_errno=True).setns(entrance.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {name}")
        return make()

    with ThreadPoolExecutor(1) as pool:  # a thread of its own, because entering holds for the whole thread
        return pool.submit(enter_and_make).result()


def command_within(name: str) -> list[str]:
    """Return what to put before a command so that it runs there, with the namespace's own ``resolv.conf``."""
    return ["ip", "netns", "exec", name]


@contextmanager
def name_server_of(name: str, address: str) -> Iterator[None]:
    """Have programs in a namespace ask a name server."""
    folder = Path("/etc/netns") / name
    folder.mkdir(parents=True)
    try:
        (folder / "resolv.conf").write_text(f"nameserver {address}\n")
        yield
    finally:
        shutil.rmtree(folder)
        with suppress(OSError):
            folder.parent.rmdir()  # where it was made for this


@dataclass(kw_only=True)
class Weather:
    """What befalls frames on a cable, in either direction."""

    loss: float = 0.0
    """Share that is lost, 1: a cable that looks whole and carries nothing."""
    delay_s: float = 0.0
    jitter_s: float = 0.0
    """More delay, up to this; frames overtake each other."""
    twice: float = 0.0
    """Share that arrives twice."""


class Cable:
    """Carries frames between the two ends that it has in a namespace.

    Parameters
    ----------
    inside
        The namespace.
    ends
        Names of the two interfaces in it.
    chance
        Decides what is lost and how long it takes.

    Attributes
    ----------
    weather
        What befalls frames from now on.
    """

    def __init__(self, inside: str, ends: tuple[str, str], chance: random.Random) -> None:
        self.weather = Weather()
        self._inside, self._ends, self._chance = inside, ends, chance
        self._sockets = [within(inside, lambda end=end: _raw(end)) for end in ends]  # type: ignore[misc]
        self._due: list[tuple[float, int, int, bytes]] = []
        self._frames = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def unplug(self) -> None:
        """Pull the plug: both computers see that the link is down."""
        for end in self._ends:
            ip("-n", self._inside, "link", "set", end, "down")

    def plug(self) -> None:
        """Plug it in again."""
        for end in self._ends:
            ip("-n", self._inside, "link", "set", end, "up")

    def __enter__(self) -> Cable:
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _carry(self) -> None:
        while not self._over.is_set():
            wait_s = 0.1 if not self._due else max(0.0, min(0.1, self._due[0][0] - time.perf_counter()))
            for arrived in select.select(self._sockets, [], [], wait_s)[0]:
                self._take(self._sockets.index(arrived))
            while self._due and self._due[0][0] <= time.perf_counter():
                _, _, to, frame = heapq.heappop(self._due)
                with suppress(OSError):
                    self._sockets[to].send(frame)

    def _take(self, end: int) -> None:
        try:
            frame, origin = self._sockets[end].recvfrom(_LONGEST_FRAME)
        except OSError:
            return  # the link has just gone down
        weather = self.weather
        if origin[2] == _OUTGOING or self._chance.random() < weather.loss:
            return
        for _ in range(2 if self._chance.random() < weather.twice else 1):
            self._frames += 1
            at = time.perf_counter() + weather.delay_s + weather.jitter_s * self._chance.random()
            heapq.heappush(self._due, (at, self._frames, 1 - end, frame))


@contextmanager
def cable(purpose: str, left: tuple[str, str], right: tuple[str, str], *, seed: int = 0) -> Iterator[Cable]:
    """Lay a cable between two computers, each told with its address on it; interfaces are named by the purpose.

    Parameters
    ----------
    left, right
        Namespace, and address with its prefix length.
    """
    with ExitStack() as laid:
        inside = laid.enter_context(namespace(f"{left[0].rpartition('-')[2]}-{purpose}"))
        for end, (computer, address) in zip(("left", "right"), (left, right), strict=True):
            ip("link", "add", purpose, "netns", computer, "type", "veth", "peer", "name", end, "netns", inside)
            ip("-n", computer, "address", "add", address, "dev", purpose)
            ip("-n", computer, "link", "set", purpose, "up")
        yield laid.enter_context(Cable(inside, ("left", "right"), random.Random(seed)))


class NameServer:
    """Answers every question for an address with the same one, in a namespace.

    Parameters
    ----------
    inside
        The namespace.
    at
        Address to answer on.
    tells
        Address to tell.
    """

    def __init__(self, inside: str, *, at: str, tells: str) -> None:
        self._socket = within(inside, lambda: _bound(at, 53))
        self._tells = socket.inet_aton(tells)
        self.questions = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def close(self) -> None:
        """Answer nothing any more."""
        self._socket.close()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                asked, who = self._socket.recvfrom(512)
                self.questions += 1
                question = asked[12 : asked.index(b"\0", 12) + 5]
                known = question.endswith(b"\x00\x01\x00\x01")  # type A, class IN
                # RFC 1035, 4.1: the same number and question; one record for the name at offset 12, a minute old.
                head = asked[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if known else b"\x00\x00") + b"\x00" * 4
                record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + self._tells
                self._socket.sendto(head + question + (record if known else b""), who)


def _bound(address: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, port))
    return one


def _raw(interface: str) -> socket.socket:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES))
    one.setsockopt(_SOL_PACKET, _WITH_OFFLOAD_HEADER, 1)
    one.bind((interface, _ALL_FRAMES))
    return one


def ip(*words: str) -> None:
    """Run ``ip``.

    Raises
    ------
    CalledProcessError
        It said no.
    """
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=20)
