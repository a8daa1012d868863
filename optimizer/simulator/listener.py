"""A listening port that can be closed and opened again: a restarting battery refuses connections."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
from collections.abc import Callable
from typing import BinaryIO

from optimizer.errors import SimulatorError
from optimizer.simulator.delivery import Delivery, deliver, reset_on_close
from optimizer.simulator.wire import MalformedRequest, Request, Response, read_request

_LOG = logging.getLogger("sunshift.simulator")
_IDLE_S = 60.0


class Listener:
    """Accepts connections on one port and lets ``answer`` decide what each request gets.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one, which is kept over closing and opening.
    answer
        From a request to its delivery. Called from the threads of the connections.
    """

    def __init__(self, host: str, port: int, answer: Callable[[Request], Delivery]) -> None:
        self._host = host
        self.port = port
        self._answer = answer
        self._socket: socket.socket | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._socket is not None

    def open(self) -> None:
        """Begin to accept; does nothing where it does already.

        Raises
        ------
        SimulatorError
            The address is not ours or the port is taken.
        """
        if self._socket is not None:
            return
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self.port))
            listening.listen(64)
        except (OSError, OverflowError) as error:
            listening.close()
            msg = f"cannot listen on {self._host}:{self.port}: {error}; choose another port or stop what uses it"
            raise SimulatorError(msg) from error
        self.port = listening.getsockname()[1]
        self._socket = listening
        self._start(self._accept, listening)

    def close(self) -> None:
        """Stop accepting and reset every open connection; the port number is kept."""
        listening, self._socket = self._socket, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listening.close()
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                reset_on_close(connection)
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Close for good and wait for every thread."""
        self._stopping.set()
        self.close()
        for thread in tuple(self._threads):
            thread.join(timeout=5.0)

    def _start(self, target: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=self._guarded, args=(target, argument), name="simulator", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _guarded(self, target: Callable[[socket.socket], None], argument: socket.socket) -> None:
        try:
            target(argument)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_IDLE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while self._serve_one(connection, stream):
                    pass
        except OSError:
            pass  # the peer has gone, or we were closed: both are everyday
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve_one(self, connection: socket.socket, stream: BinaryIO) -> bool:
        try:
            request = read_request(stream)
        except MalformedRequest as error:
            _LOG.debug("not HTTP: %s", error)
            connection.sendall(Response(status=400).to_bytes())
            return False
        if request is None:
            return False
        delivery = self._answer(request)
        if not (deliver(delivery, connection, self._stopping) and request.keep_alive):
            return False
        return delivery.idle_s is None or _comes_again(connection, stream, delivery.idle_s)


def _comes_again(connection: socket.socket, stream: BinaryIO, idle_s: float) -> bool:
    """Return whether the next request begins within some time; otherwise the coming close will be a reset."""
    connection.settimeout(idle_s)
    try:
        begun = bool(stream.peek(1)) if isinstance(stream, io.BufferedReader) else True
    except TimeoutError:
        begun = False
    if begun:
        connection.settimeout(_IDLE_S)
    else:
        reset_on_close(connection)
    return begun
