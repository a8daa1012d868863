"""How long an HTTP call takes at most, and what is kept of an answer, whatever the peer does.

    python benchmarks/http_bounds.py

Every hostile peer of the tests (those of ``tests/devices/test_http.py`` are read from its own table, so that none is
left out), and what can go wrong before there is a peer, against both clients on real sockets: the driver's, at the
deadline of a configuration that names none, and the one of the way back, with each of its calls. The peers that drip
do so as much slower as the deadline is longer than in the tests. All peers at once, each in a thread of its own: they
wait nearly all the time.

**Kept** is what is left with the caller when the call is over: the body, or the longest text in the error and in those
that it was raised from, which is what an error can hold of an answer. **Taken in** is what came from the wire
meanwhile, headers and chunk marks included.

Exit code 1 where a call takes longer or keeps more than the aims in the last line. A wait that ends is noticed a little
later, which on a busy machine takes some hundredths of a second: the driver waits for less than its deadline.
"""

from __future__ import annotations

import importlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from optimizer.bounded_socket import BoundedSocket
from optimizer.clock import WallClock, real_deadline
from optimizer.devices.http import MAX_BODY_BYTES, BoundedHttp, Reply
from optimizer.errors import DeviceError
from optimizer.release.client import ReleaseClient, StepFailed
from optimizer.release.target import ReleaseTarget
from optimizer.settings.battery import BatterySettings

TESTS = Path(__file__).parents[1] / "tests"
ENDS_WITHIN_S = 5.0
KEPT_BYTES = 64 * 1024
DEADLINE_S: float = BatterySettings.model_fields["request_deadline"].default.total_seconds()
TESTS_DEADLINE_S = 0.2
"""The deadline that the peers of the tests are made for [s]."""
LOOPBACK = "127.0.0.1"
LOST_NAME = "battery.test"
TOKEN = "benchmark"

Place = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One way to be hostile."""

    name: str
    opened: Callable[[], AbstractContextManager[Place]]
    """Opens it; gives the place to call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the calls of one client to one peer came to, at worst."""

    peer: str
    client: str
    seconds: float
    kept: int
    taken_in: int
    end: str
    """What the slowest call ended with."""


# -- the peers --------------------------------------------------------------------------------------------------------


def peers() -> list[Peer]:
    """Return all of them."""
    tests, scripts = of_tests("devices.test_http"), of_tests("support.hostile_peer")
    long = b'{"Pac_total_W":0}'.rjust(MAX_BODY_BYTES)
    more: dict[str, list[Any]] = {
        "full-body": [scripts.Send(scripts.answer(long))],
        "status-one-byte-too-long": [scripts.Send(scripts.answer(b" " + long))],
        "token-echoed": [scripts.Send(scripts.answer(b'{"error":"%s"}' % TOKEN.encode() * 1000, status="401 No"))],
    }
    tables = {**scripts_of(tests.test_hostile_answers), **more}
    tables |= {name: [scripts.Send(answered)] for name, answered in parameters(tests.test_sound_answers)}
    return [
        *(Peer(name=name, opened=partial(scripted, script)) for name, script in tables.items()),
        Peer(name="never-reads", opened=partial(scripted, [scripts.Hang()], read_request=False)),
        Peer(name="nobody-listens", opened=nobody),
        Peer(name="never-accepts", opened=never_accepting),
        Peer(name="name-server-hangs", opened=lost_name),
    ]


def of_tests(name: str) -> Any:
    """Return a module of the tests, which are no package of the program."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    return importlib.import_module(name)


def parameters(test: Any) -> list[tuple[str, Any]]:
    """Return the names and the first values that a test is run with."""
    mark = next(one for one in test.pytestmark if one.name == "parametrize")
    given = mark.args[1]
    if "ids" in mark.kwargs:
        return list(zip(mark.kwargs["ids"], given, strict=True))
    return [(one.id, one.values[0]) for one in given]


def scripts_of(test: Any) -> dict[str, list[Any]]:
    """Return what each peer of a test does, at the pace of the deadline here."""
    slower = DEADLINE_S / TESTS_DEADLINE_S
    return {name: [slowed(step, slower) for step in script] for name, script in parameters(test)}


def slowed(step: Any, times: float) -> Any:
    return replace(step, pause_s=step.pause_s * times) if hasattr(step, "pause_s") else step


@contextmanager
def scripted(script: Sequence[Any], *, read_request: bool = True) -> Iterator[Place]:
    with of_tests("support.hostile_peer").HostilePeer([script], read_request=read_request) as peer:
        yield LOOPBACK, peer.port


@contextmanager
def nobody() -> Iterator[Place]:
    """Give a place at which nobody listens: bound, so that nobody will."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield bound.getsockname()


@contextmanager
def never_accepting() -> Iterator[Place]:
    """Give a place whose queue is full: whoever connects gets no answer at all."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind((LOOPBACK, 0))
        server.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()


@contextmanager
def lost_name() -> Iterator[Place]:
    """Give a name whose server never answers."""
    yield LOST_NAME, 80


@contextmanager
def hanging_name_server() -> Iterator[None]:
    """Let one name's server hang, for everybody."""
    over, really = threading.Event(), socket.getaddrinfo

    def found(host: Any, *where: Any, **how: Any) -> Any:
        if host == LOST_NAME and not how.get("flags"):
            over.wait(60)
        if host == LOST_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return really(host, *where, **how)

    with patch.object(socket, "getaddrinfo", found):
        yield
        over.set()


# -- the calls --------------------------------------------------------------------------------------------------------


class Meter(threading.local):
    """Counts what the connections of a thread take in."""

    taken_in = 0


METER = Meter()


@contextmanager
def metered() -> Iterator[None]:
    really = BoundedSocket._count  # noqa: SLF001 - where the product itself counts

    def count(connection: BoundedSocket, received: int) -> int:
        METER.taken_in += received
        return really(connection, received)

    with patch.object(BoundedSocket, "_count", count):
        yield


def kept(left: object) -> int:
    """Return how many bytes of an answer are left: its body, or the longest text in an error and what it came from."""
    if isinstance(left, Reply):
        return len(left.body)
    if isinstance(left, BaseException):
        return max(map(len, _texts(left, set())), default=0)
    return len(repr(left))


def _texts(thing: object, seen: set[int]) -> Iterator[str | bytes | bytearray]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, str | bytes | bytearray):
        yield thing
    elif isinstance(thing, BaseException):
        for part in (*thing.args, *vars(thing).values(), thing.__cause__, thing.__context__):
            yield from _texts(part, seen)


def driver_calls(place: Place) -> list[Callable[[], object]]:
    host, port = place
    http = BoundedHttp(host=host, port=port, deadline_s=DEADLINE_S, secret_headers={"Auth-Token": TOKEN})
    return [partial(http.request, "GET", "/api/v1/status")]


def release_calls(place: Place) -> list[Callable[[], object]]:
    """Return every call of the way back; the second status may take longer than the first."""
    host, port = place
    target = ReleaseTarget(driver="sonnen_v2", host=host, port=port, mode_control=True, token=TOKEN)
    client = ReleaseClient(target, real_deadline(60.0))
    return [client.status, client.status, partial(client.zero, client.zero_paths()[0]), client.set_mode]


CLIENTS = {"driver": driver_calls, "release": release_calls}


def called(call: Callable[[], object], clock: WallClock) -> tuple[float, int, int, str]:
    """Make one call; return how long it took, what is kept, what was taken in, and its end in a word."""
    METER.taken_in = 0
    left: object
    began_s = clock.elapsed()
    try:
        left, end = call(), "answered"
    except (DeviceError, StepFailed) as error:
        left, end = error, type(error).__name__
    took_s = clock.elapsed() - began_s
    return took_s, kept(left), METER.taken_in, end


def met(peer: Peer, client: str) -> Outcome:
    """Let a client make its calls to a peer of its own."""
    clock = WallClock()
    with peer.opened() as place:
        calls = [called(call, clock) for call in CLIENTS[client](place)]
    seconds, most_kept, taken_in = (max(column) for column in list(zip(*calls, strict=True))[:3])
    end = max(calls)[3]
    return Outcome(peer=peer.name, client=client, seconds=seconds, kept=most_kept, taken_in=taken_in, end=end)


def measured(wanted: Sequence[Peer]) -> list[Outcome]:
    """Let every client meet every peer, all at once."""
    meetings = [(peer, client) for client in CLIENTS for peer in wanted]
    with hanging_name_server(), metered(), ThreadPoolExecutor(max_workers=len(meetings)) as threads:
        return [one.result() for one in [threads.submit(met, *meeting) for meeting in meetings]]


# -- the table --------------------------------------------------------------------------------------------------------


def told(outcomes: Iterable[Outcome]) -> int:
    """Print a line for each and the worst of all; return the exit code."""
    outcomes = list(outcomes)
    print(f"{'client':8} {'peer':28} {'time [s]':>8} {'kept':>7} {'taken in':>9}  end")
    for one in outcomes:
        print(f"{one.client:8} {one.peer:28} {one.seconds:8.3f} {one.kept:7} {one.taken_in:9}  {one.end}")
    slowest = max(outcomes, key=lambda one: one.seconds)
    largest = max(outcomes, key=lambda one: one.kept)
    print(
        f"worst: {slowest.seconds:.3f} s ({slowest.client}, {slowest.peer}; aim: {ENDS_WITHIN_S:g} s), "
        f"{largest.kept} bytes kept ({largest.client}, {largest.peer}; aim: {KEPT_BYTES})"
    )
    return 1 if slowest.seconds > ENDS_WITHIN_S or largest.kept > KEPT_BYTES else 0


def main() -> int:
    return told(measured(peers()))


if __name__ == "__main__":
    sys.exit(main())
