"""How an answer reaches the peer, or does not."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass
from enum import StrEnum

from optimizer.simulator.wire import Response


class Manner(StrEnum):
    """What the wire does with an answer."""

    WHOLE = "whole"
    SILENCE = "silence"
    """Nothing is ever sent; the connection stays open."""
    DRIP = "drip"
    """One byte at a time."""
    RESET = "reset"
    """Half of the body, then a reset."""
    TRUNCATED = "truncated"
    """Half of the body under the length of the whole, then a clean close."""
    LONGER = "longer"
    """The whole body under half of its length; the connection lives on."""
    SHORTER = "shorter"
    """The whole body under twice its length; the connection stays open and nothing more comes."""
    LOST = "lost"
    """Nothing is sent and the connection is reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An answer and its fate."""

    response: Response
    manner: Manner = Manner.WHOLE
    drip_s: float = 0.5
    """Real time between two dripped bytes [s]."""
    delay_s: float = 0.0
    """Real time before the first byte [s]."""
    idle_s: float | None = None
    """Real time for which the connection may idle afterwards before it is reset [s]; None: as long as usual."""

    @property
    def is_answered(self) -> bool:
        """Whether a status line goes out at all."""
        return self.manner not in {Manner.SILENCE, Manner.LOST}


def deliver(delivery: Delivery, connection: socket.socket, stopping: threading.Event) -> bool:
    """Send an answer in its manner; return whether the connection may serve another request.

    Waiting is in real time, whatever clock the house runs on, and ends when the simulator stops.
    """
    response = delivery.response
    if delivery.delay_s and stopping.wait(delivery.delay_s):
        return False
    if delivery.manner is Manner.WHOLE:
        connection.sendall(response.to_bytes())
        return True
    if delivery.manner is Manner.LONGER:
        connection.sendall(response.head(length=len(response.body) // 2) + response.body)
        return True
    if delivery.manner is Manner.SHORTER:
        connection.sendall(response.head(length=2 * len(response.body)) + response.body)
    if delivery.manner in {Manner.SILENCE, Manner.SHORTER}:
        _wait_for_peer(connection, stopping)
    elif delivery.manner is Manner.DRIP:
        _drip(response.to_bytes(), connection, delivery.drip_s, stopping)
    elif delivery.manner is Manner.TRUNCATED:
        connection.sendall(response.head() + response.body[: len(response.body) // 2])
    else:
        if delivery.manner is Manner.RESET:
            connection.sendall(response.head() + response.body[: len(response.body) // 2])
        reset_on_close(connection)
    return False


def reset_on_close(connection: socket.socket) -> None:
    """Let the coming close be a reset instead of a farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _drip(content: bytes, connection: socket.socket, pause_s: float, stopping: threading.Event) -> None:
    for index in range(len(content)):
        connection.sendall(content[index : index + 1])
        if stopping.wait(pause_s):
            return


def _wait_for_peer(connection: socket.socket, stopping: threading.Event) -> None:
    """Hold the connection until the peer gives up or the simulator stops."""
    connection.settimeout(0.1)
    while not stopping.is_set():
        try:
            if not connection.recv(4096):
                return
        except TimeoutError:
            continue
