"""A connection whose every wait ends by one deadline: its parts by themselves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from optimizer import bounded_socket
from optimizer.bounded_socket import (
    BoundedSocket,
    CallAborted,
    DeadlinePassed,
    NameLookup,
    NotConnected,
    TooManyBytes,
    connect,
)

LOOPBACK = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server


def address_of(server: socket.socket) -> tuple[int, int, int, str, tuple[str, int]]:
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", server.getsockname()


def connected(
    server: socket.socket, remaining: Callable[[], float] = lambda: 5.0, max_bytes: int = 100
) -> BoundedSocket:
    return connect(NameLookup(*server.getsockname()), remaining, max_bytes=max_bytes)


# -- one connection -------------------------------------------------------------------------------------------------


def test_every_wait_gets_what_is_left(server: socket.socket) -> None:
    """Less with each one, whoever uses the socket."""
    left = iter([9.0, 8.0, 7.0])
    with connected(server, lambda: next(left)) as connection, closing(server.accept()[0]) as peer:
        assert connection.gettimeout() == 9.0
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.sendall(b"ask")
        assert connection.gettimeout() == 8.0
        assert peer.recv(10) == b"ask"
        peer.sendall(b"answer")
        buffer = bytearray(10)
        assert connection.recv_into(buffer, 4) == 4
        assert connection.gettimeout() == 7.0
        assert bytes(buffer[:5]) == b"answ\0"


@pytest.mark.parametrize("left_s", [0.0, -1.0])
def test_nothing_begins_after_the_deadline(left_s: float, server: socket.socket) -> None:
    """Neither sending nor receiving, though it could be done at once."""
    left = iter([5.0])
    with connected(server, lambda: next(left, left_s)) as connection, closing(server.accept()[0]) as peer:
        peer.sendall(b"answer")
        with pytest.raises(DeadlinePassed, match=r"^sending$"):
            connection.sendall(b"ask")
        with pytest.raises(DeadlinePassed, match=r"^waiting for the answer$"):
            connection.recv_into(bytearray(10))


def test_a_wait_that_takes_too_long_is_given_up(server: socket.socket) -> None:
    """It says during what."""
    with connected(server, lambda: 0.05) as connection, closing(server.accept()[0]):
        with pytest.raises(DeadlinePassed, match=r"^waiting for the answer$"):
            connection.recv_into(bytearray(10))
        with pytest.raises(DeadlinePassed, match=r"^sending$"):
            connection.sendall(b" " * 50_000_000)


def test_bytes_are_counted(server: socket.socket) -> None:
    """As many as allowed are taken, however they come; one more is too many."""
    with connected(server, max_bytes=6) as connection, closing(server.accept()[0]) as peer:
        for piece in (b"abcd", b"ef"):
            peer.sendall(piece)
            assert connection.recv_into(bytearray(10)) == len(piece)
        peer.sendall(b"g")
        with pytest.raises(TooManyBytes, match=r"^the answer is longer than any sound one$"):
            connection.recv_into(bytearray(10))


def test_flags_are_passed_on(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a socket like any other: what is asked for besides is done."""
    with connected(server) as connection, closing(server.accept()[0]) as peer:
        peer.sendall(b"!")
        for flags in (socket.MSG_PEEK, 0):
            buffer = bytearray(1)
            assert connection.recv_into(buffer, 1, flags) == 1
            assert buffer == b"!"
        sent: list[tuple[bytes, int]] = []
        monkeypatch.setattr(socket.socket, "sendall", lambda _, *what: sent.append(what), raising=False)
        connection.sendall(b"ask", socket.MSG_DONTROUTE)
        assert sent == [(b"ask", socket.MSG_DONTROUTE)]


# -- a name ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], object]]:
    """Return what looking up each name does; none is an address."""
    table: dict[str, Callable[[], object]] = {}

    def resolve(host: str, port: int, *, type: int, flags: int) -> object:  # noqa: A002 - the name it has there
        assert (port, type) == (80, socket.SOCK_STREAM)
        if flags:
            assert flags == socket.AI_NUMERICHOST
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return table[host]()

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def unknown() -> object:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]


def test_a_name_is_found(names: dict[str, Callable[[], object]]) -> None:
    """With all addresses that it has."""
    names["battery.test"] = lambda: FOUND
    assert NameLookup("battery.test", 80).addresses(lambda: 5.0) == FOUND


@pytest.mark.parametrize("broken", [unknown, "\ud800".encode])
def test_a_name_that_is_not_found_is_told(broken: Callable[[], object], names: dict[str, Callable[[], object]]) -> None:
    """With the system's own reason, whatever kind it is."""
    names["battery.test"] = broken
    reason = r"(\[Errno -2\] Name or service not known|'utf-8' codec can't encode .*)"
    with pytest.raises(NotConnected, match=f"^the name 'battery.test' could not be resolved: {reason}$"):
        NameLookup("battery.test", 80).addresses(lambda: 5.0)


def test_half_of_the_time_is_for_the_name(
    names: dict[str, Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other half is for the call; a later call joins the lookup that still runs, in a thread that ends nothing."""
    over, waits = threading.Event(), list[float]()
    names["slow.test"] = lambda: over.wait(10) and FOUND
    join = threading.Thread.join

    def watched(thread: threading.Thread, timeout: float) -> None:
        waits.append(timeout)
        assert (thread.daemon, thread.name) == (True, "lookup slow.test")
        join(thread, 0.01)

    monkeypatch.setattr(threading.Thread, "join", watched)
    lookup = NameLookup("slow.test", 80)
    late = r"^the name 'slow.test' could not be resolved: the name server does not answer$"
    for left_s in (8.0, 3.0):
        with pytest.raises(NotConnected, match=late):
            lookup.addresses(lambda: left_s)  # noqa: B023 - called at once
    assert waits == [4.0, 1.5]
    assert [thread.name for thread in threading.enumerate()].count("lookup slow.test") == 1
    over.set()
    monkeypatch.undo()


def test_the_last_addresses_serve_while_the_name_server_is_away(names: dict[str, Callable[[], object]]) -> None:
    """And give way to the new ones when it is back."""
    lookup = NameLookup("battery.test", 80)
    names["battery.test"] = lambda: FOUND
    assert lookup.addresses(lambda: 5.0) == FOUND
    names["battery.test"] = unknown
    assert lookup.addresses(lambda: 5.0) == FOUND
    names["battery.test"] = lambda: FOUND * 2
    assert lookup.addresses(lambda: 5.0) == FOUND * 2


def test_an_address_that_an_earlier_process_found_serves_as_well(
    names: dict[str, Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody knows the name; what is no address is none."""
    names["battery.test"] = unknown
    with pytest.raises(NotConnected, match="could not be resolved"):
        NameLookup("battery.test", 80, found_at="battery.test").addresses(lambda: 5.0)
    resolve = socket.getaddrinfo

    def numeric(host: str, port: int, **how: int) -> object:
        is_address = host == "10.0.0.1" and how["flags"] == socket.AI_NUMERICHOST
        return FOUND if is_address else resolve(host, port, **how)

    monkeypatch.setattr(socket, "getaddrinfo", numeric)
    lookup = NameLookup("battery.test", 80, found_at="10.0.0.1")
    assert lookup.addresses(lambda: 5.0) == FOUND
    names["battery.test"] = lambda: FOUND * 2
    assert lookup.addresses(lambda: 5.0) == FOUND * 2


def test_where_a_name_answered_is_known(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that took the connection, not one before it that refused; of an address there is nothing to know."""
    host, port = server.getsockname()
    with socket.create_server((LOOPBACK, 0)) as gone:
        refusing = address_of(gone)
    by_address = NameLookup(host, port)
    with connect(by_address, lambda: 5.0, max_bytes=1):
        assert by_address.found_at == ""

    def resolve(_host: str, _port: int, *, flags: int = 0, **_: object) -> object:
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return [(*refusing[:4], ("127.0.0.2", refusing[4][1])), address_of(server)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    lookup = NameLookup("battery.test", port)
    assert lookup.found_at == ""
    with connect(lookup, lambda: 5.0, max_bytes=1):
        assert lookup.found_at == host


@pytest.mark.parametrize("found_at", ["10.0.0.1\0", "x" * 64, "no address"])
def test_what_an_earlier_process_cannot_have_found_is_left_out(found_at: str) -> None:
    """Whatever stands in its place on record."""
    assert NameLookup(LOOPBACK, 80, found_at=found_at).addresses(lambda: 5.0)


def test_an_address_that_has_no_words_is_not_known(
    names: dict[str, Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answered all the same, and that is what counts."""
    names["battery.test"] = lambda: FOUND
    lookup = NameLookup("battery.test", 80)
    (address, *_) = lookup.addresses(lambda: 5.0)

    def wordless(*_: object) -> object:
        raise socket.gaierror(socket.EAI_FAIL, "no words for it")

    monkeypatch.setattr(socket, "getnameinfo", wordless)
    lookup.answered(address)
    assert lookup.found_at == ""


# -- connecting -----------------------------------------------------------------------------------------------------


class Addresses(NameLookup):
    """A name with the given addresses."""

    def __init__(self, *found: object) -> None:
        super().__init__("battery.test", 80)
        self.found = found

    def addresses(self, remaining: object) -> tuple[object, ...]:  # type: ignore[override]
        return self.found


def test_each_address_gets_an_even_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is left when its turn comes; the last reason is told."""
    shares: list[tuple[object, float, int]] = []

    def refused(info: object, seconds: float, _remaining: object, max_bytes: int) -> None:
        shares.append((info, seconds, max_bytes))
        msg = f"no {info}"
        raise NotConnected(msg)

    monkeypatch.setattr(bounded_socket, "_connect_one", refused)
    left = iter([9.0, 8.0, 5.0])
    with pytest.raises(NotConnected, match=r"^no three$"):
        connect(Addresses("one", "two", "three"), lambda: next(left), max_bytes=7)
    assert shares == [("one", 3.0, 7), ("two", 4.0, 7), ("three", 5.0, 7)]


def test_a_name_without_addresses_is_told() -> None:
    """Rather than nothing."""
    with pytest.raises(NotConnected, match=r"^the name has no address$"):
        connect(Addresses(), lambda: 5.0, max_bytes=1)


def test_the_first_that_answers_is_taken(server: socket.socket) -> None:
    """After one that refuses."""
    with socket.create_server((LOOPBACK, 0)) as gone:
        refusing = address_of(gone)
    with connect(Addresses(refusing, address_of(server)), lambda: 5.0, max_bytes=1) as connection:
        assert connection.getpeername() == server.getsockname()
    with pytest.raises(NotConnected, match=r"^connection refused$"):
        connect(Addresses(refusing), lambda: 5.0, max_bytes=1)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (TimeoutError("timed out"), DeadlinePassed, "connecting"),
        (OSError(101, "Network is unreachable"), NotConnected, "network is unreachable"),
        (OSError("Odd"), NotConnected, "odd"),
    ],
)
def test_a_connection_that_fails_is_closed_and_told(
    error: OSError, kind: type[CallAborted], told: str, server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was that failed, in few words; nothing stays open."""
    closed: list[BoundedSocket] = []

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(BoundedSocket, "connect", fail)
    close = BoundedSocket.close
    monkeypatch.setattr(BoundedSocket, "close", lambda one: (closed.append(one), close(one))[1])
    with pytest.raises(kind, match=f"^{told}$"):
        connect(Addresses(address_of(server)), lambda: 5.0, max_bytes=1)
    assert [one.fileno() for one in closed] == [-1]


def test_a_socket_that_cannot_be_had_is_told(server: socket.socket) -> None:
    """Such as IPv6 where the kernel has none."""
    family, *rest = address_of(server)
    with pytest.raises(NotConnected, match="not supported"):
        connect(Addresses((socket.AF_APPLETALK, *rest)), lambda: 5.0, max_bytes=1)
    with pytest.raises(DeadlinePassed, match=r"^connecting$"):
        connect(Addresses((family, *rest)), lambda: 0.0, max_bytes=1)
