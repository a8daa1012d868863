"""A peer on loopback that sends exactly the bytes it is told to, when it is told to, however wrong they are."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drip:
    """Send bytes one by one, with a pause before each."""

    data: bytes
    pause_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Flood:
    """Send the same bytes until the other side has had enough."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until the test is over."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a TCP reset."""


Step = Send | Drip | Flood | Hang | Reset


def answer(body: bytes, *, status: str = "200 OK", content_type: str = "application/json", headers: str = "") -> bytes:
    """Return a sound HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: {content_type}\r\n{headers}\r\n"
    return head.encode() + body


@dataclass
class HostilePeer:
    """Answers each connection with the next script, the last one for ever after.

    ``requests`` holds the bytes of every request, as they came.
    """

    scripts: Sequence[Sequence[Step]]
    read_request: bool = True
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve, daemon=True)]

    def __enter__(self) -> HostilePeer:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        for script in self._scripts():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._play, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _scripts(self) -> Iterator[Sequence[Step]]:
        yield from self.scripts
        while True:
            yield self.scripts[-1]

    def _play(self, connection: socket.socket, script: Sequence[Step]) -> None:
        with connection, contextlib.suppress(OSError):
            if self.read_request:
                self.requests.append(_request(connection))
            for step in script:
                self._take(connection, step)

    def _take(self, connection: socket.socket, step: Step) -> None:
        match step:
            case Send(data):
                connection.sendall(data)
            case Drip(data, pause_s):
                for byte in data:
                    if self._over.wait(pause_s):
                        return
                    connection.sendall(bytes([byte]))
            case Flood(data):
                while not self._over.is_set():
                    connection.sendall(data)
            case Hang():
                self._over.wait()
            case Reset():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()


def _request(connection: socket.socket) -> bytes:
    """Return one request, its body by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(4096)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body
