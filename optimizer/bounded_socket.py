"""A TCP connection that ends by a deadline, whatever the peer and the name server do.

The time-outs of sockets, and so of ``http.client`` and ``requests``, bound one wait each: a peer that drips a byte a
second keeps a call with a time-out of 1 s alive for as long as it likes. Here every wait gets what is left of one
total, and the bytes that arrive are counted. Standard library only, because the release path stands on it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

Remaining = Callable[[], float]
"""Tells the time left [s]; see :func:`optimizer.clock.real_deadline`."""

AddressInfo = tuple[int, int, int, str, Any]
"""Family, type, protocol, canonical name and address, as ``socket.getaddrinfo`` gives them."""


class CallAborted(Exception):  # noqa: N818 - the family of ends, each named for what happened
    """The call was given up.

    Not an ``OSError``, so that no HTTP library takes it for a transient fault, wraps or retries it.
    """


class DeadlinePassed(CallAborted):
    """The time for the whole call is over; says during what."""


class NotConnected(CallAborted):
    """No connection came about; says why."""


class TooManyBytes(CallAborted):
    """The peer sent more than any sound answer holds."""


class BoundedSocket(socket.socket):
    """A TCP socket whose waits share one deadline and whose received bytes are counted.

    Parameters
    ----------
    remaining
        Tells the time left [s].
    max_bytes
        Largest number of bytes to receive, headers included.
    """

    def __init__(self, family: int, kind: int, protocol: int, *, remaining: Remaining, max_bytes: int) -> None:
        super().__init__(family, kind, protocol)
        self._remaining = remaining
        self._bytes_left = max_bytes

    def _arm(self, doing: str) -> None:
        """Give the next wait what is left of the deadline."""
        left = self._remaining()
        if left <= 0:
            raise DeadlinePassed(doing)
        super().settimeout(left)

    def _count(self, received: int) -> int:
        self._bytes_left -= received
        if self._bytes_left < 0:
            raise TooManyBytes("the answer is longer than any sound one")
        return received

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send everything, or raise :class:`DeadlinePassed`."""
        self._arm("sending")
        try:
            super().sendall(data, flags)
        except TimeoutError as error:
            raise DeadlinePassed("sending") from error

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer (what file objects on the socket call)."""
        self._arm("waiting for the answer")
        try:
            return self._count(super().recv_into(buffer, nbytes, flags))
        except TimeoutError as error:
            raise DeadlinePassed("waiting for the answer") from error


class NameLookup:
    """The addresses of one host, found within a deadline.

    The system's resolver cannot be interrupted, so it runs in a daemon thread that is left behind when it is late:
    one per host at most, because a later call joins the running one. When the name server is away, the addresses
    that were good last are used: the internet may be down while the battery is not.

    Parameters
    ----------
    host, port
        What is looked up.
    found_at
        Address that an earlier process found, to begin with; empty: none is known.

    Attributes
    ----------
    found_at
        Address at which a name was found that answered last; empty: none did, or the host is no name.
    """

    def __init__(self, host: str, port: int, *, found_at: str = "") -> None:
        self._host, self._port = host, port
        self.found_at = found_at
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: Sequence[AddressInfo] = ()
        self._failure = ""
        if found_at:
            with suppress(OSError, ValueError):
                self._last = self._resolve(found_at, socket.AI_NUMERICHOST)

    def addresses(self, remaining: Remaining) -> Sequence[AddressInfo]:
        """Return where the host may be reached.

        Raises
        ------
        NotConnected
            If the name is not known, or was not found in half of the time left.
        """
        try:
            return self._resolve(self._host, socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            pass  # a name, not an address
        thread = self._running_lookup()
        thread.join(remaining() / 2)
        late = thread.is_alive()
        if not self._last:
            why = "the name server does not answer" if late else self._failure
            msg = f"the name {self._host!r} could not be resolved: {why}"
            raise NotConnected(msg)
        return self._last

    def answered(self, address: AddressInfo) -> None:
        """Note that an address answered."""
        if self._last:
            with suppress(OSError):  # the scope of a link-local address is in its words alone
                self.found_at, _ = socket.getnameinfo(address[4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)

    def _resolve(self, host: str, flags: int = 0) -> Sequence[AddressInfo]:
        return socket.getaddrinfo(host, self._port, type=socket.SOCK_STREAM, flags=flags)

    def _running_lookup(self) -> threading.Thread:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look_up, name=f"lookup {self._host}", daemon=True)
                self._thread.start()
            return self._thread

    def _look_up(self) -> None:
        try:
            self._last = self._resolve(self._host)
        except (OSError, UnicodeError) as error:
            self._failure = str(error)


def connect(lookup: NameLookup, remaining: Remaining, *, max_bytes: int) -> BoundedSocket:
    """Return a connection to the first address that answers.

    Each address gets an even share of the time left, so that one that swallows everything (an IPv6 address nobody
    routes) does not use up the time of the next.

    Raises
    ------
    DeadlinePassed, NotConnected
        With the reason given by the last address tried.
    """
    addresses = lookup.addresses(remaining)
    failure: CallAborted = NotConnected("the name has no address")
    for index, address in enumerate(addresses):
        try:
            connection = _connect_one(address, remaining() / (len(addresses) - index), remaining, max_bytes)
        except CallAborted as error:
            failure = error
        else:
            lookup.answered(address)
            return connection
    raise failure


def _connect_one(info: AddressInfo, seconds: float, remaining: Remaining, max_bytes: int) -> BoundedSocket:
    if seconds <= 0:
        raise DeadlinePassed("connecting")
    family, kind, protocol, _, address = info
    connection: BoundedSocket | None = None
    try:
        connection = BoundedSocket(family, kind, protocol, remaining=remaining, max_bytes=max_bytes)
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
    except OSError as error:
        if connection is not None:
            connection.close()
        if isinstance(error, TimeoutError):
            raise DeadlinePassed("connecting") from error
        raise NotConnected((error.strerror or str(error)).lower()) from error
    return connection
