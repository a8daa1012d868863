"""Every HTTP call ends by its deadline, keeps 64 KiB at most, and says what went wrong."""

from __future__ import annotations

import gzip
import re
import socket
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.bounded_socket import DeadlinePassed, NameLookup, connect
from optimizer.clock import real_deadline
from optimizer.devices.http import MAX_BODY_BYTES, BoundedHttp, Reply
from optimizer.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnreachable
from support.canary import CANARY
from support.hostile_peer import STATUS_LINE, Drip, Flood, Hang, HostilePeer, Reset, Send, Step, answer

TOKEN = CANARY
BOMB = gzip.compress(b"0" * 30_000_000) * 10
"""300 MB, in ten members that follow each other as the format allows."""
JSON = b'{"ReturnCode":"0"}'
SOUND = Send(answer(JSON))


def call(*script: Step, method: str = "GET", deadline_s: float = 2.0, read_request: bool = True) -> Reply:
    with HostilePeer([script], read_request=read_request) as peer:
        http = BoundedHttp(
            host="127.0.0.1", port=peer.port, deadline_s=deadline_s, secret_headers={"Auth-Token": TOKEN}
        )
        return http.request(method, "/api/v1/status")


@pytest.mark.parametrize(
    "answered",
    [
        answer(JSON),
        answer(JSON, content_type="text/html; charset=UTF-8"),
        STATUS_LINE + b"\r\n" + JSON,
        STATUS_LINE
        + b"Transfer-Encoding: chunked\r\n\r\n9\r\n"
        + JSON[:9]
        + b"\r\n9\r\n"
        + JSON[9:]
        + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(JSON),
        answer(JSON, headers="Set-Cookie: a=b\r\nContent-Encoding: identity\r\n"),
        answer(JSON, headers="Content-Encoding: \r\n"),
    ],
    ids=["plain", "text/html", "ended-by-close", "chunked", "continue", "cookie", "no-encoding"],
)
def test_sound_answers(answered: bytes) -> None:
    """Every way in which HTTP 1.1 may carry a body is read."""
    reply = call(Send(answered))
    assert (reply.status, reply.ok, reply.body) == (200, True, JSON)
    assert re.fullmatch(r"GET http://127\.0\.0\.1:\d+/api/v1/status", reply.where)


@pytest.mark.parametrize("status", [400, 404, 500, 502])
def test_statuses_are_for_the_caller_to_judge(status: int) -> None:
    """An HTTP status of failure is an answer like any other here."""
    reply = call(Send(answer(JSON, status=f"{status} No")))
    assert (reply.status, reply.ok, reply.body) == (status, False, JSON)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        pytest.param([Hang()], DeviceTimeout, "not done within 0.2 s .waiting", id="hangs"),
        pytest.param([Drip(answer(JSON))], DeviceTimeout, "waiting for the answer", id="drips-the-headers"),
        pytest.param([Send(answer(JSON)[:-10]), Drip(JSON * 9)], DeviceTimeout, "waiting", id="drips-the-body"),
        pytest.param([Send(answer(JSON)[:-3]), Hang()], DeviceTimeout, "waiting", id="hangs-in-the-body"),
        pytest.param([Drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 999, 0.001)], DeviceTimeout, "waiting", id="continues"),
        pytest.param([Reset()], DeviceUnreachable, "connection broke", id="reset"),
        pytest.param([Send(answer(JSON)[:-5]), Reset()], DeviceUnreachable, "broke", id="reset-in-the-body"),
        pytest.param([], DeviceUnreachable, "connection broke", id="closes-without-a-word"),
        pytest.param([Send(answer(JSON)[:-5])], DeviceProtocolError, "IncompleteRead", id="body-cut-short"),
        pytest.param([Send(b"hello\r\n\r\n")], DeviceProtocolError, "not sound HTTP", id="not-http"),
        pytest.param([Send(b"\x00" * 200)], DeviceProtocolError, "not sound HTTP", id="binary"),
        pytest.param([Send(b"HTTP/1.1 abc\r\n\r\n")], DeviceProtocolError, "not sound HTTP", id="no-status"),
        pytest.param(
            [Send(STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")],
            DeviceProtocolError,
            "HTTP",
            id="bad-chunk",
        ),
        pytest.param([Send(STATUS_LINE), Flood(b"A: b\r\n")], DeviceProtocolError, "HTTP", id="endless-headers"),
        pytest.param([Send(STATUS_LINE + b"A: "), Flood(b"b" * 999)], DeviceProtocolError, "HTTP", id="endless-header"),
        pytest.param(
            [Send(STATUS_LINE + b"\r\n"), Flood(b" " * 9999)],
            DeviceProtocolError,
            "longer than 65536",
            id="endless-body",
        ),
        pytest.param(
            [Flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 99)],
            DeviceProtocolError,
            "longer than any",
            id="endless-continue",
        ),
        pytest.param(
            [Send(answer(b" " * (MAX_BODY_BYTES + 1)))],
            DeviceProtocolError,
            "longer than 65536",
            id="one-byte-too-long",
        ),
        pytest.param(
            [Send(answer(b" " * (MAX_BODY_BYTES + 9))[:-8]), Hang()],
            DeviceProtocolError,
            "longer than 65536",
            id="one-byte-too-long-and-hangs",
        ),
        pytest.param(
            [Send(answer(BOMB, headers="Content-Encoding: gzip\r\n"))],
            DeviceProtocolError,
            "encoded as 'gzip'",
            id="gzip-bomb",
        ),
        pytest.param(
            [
                Send(
                    answer(
                        BOMB,
                        status="302 X",
                        headers="Location: /\r\nContent-Encoding: gzip\r\n",
                    )
                )
            ],
            DeviceProtocolError,
            "redirect",
            id="gzip-bomb-behind-a-redirect",
        ),
    ],
)
def test_hostile_answers(script: list[Step], error: type[DeviceError], message: str) -> None:
    """Whatever the peer does, the call ends, with an error of ours that names the place and holds no secret."""
    with pytest.raises(error, match=message) as caught:
        call(*script, deadline_s=0.2 if error is DeviceTimeout else 5.0)
    text = str(caught.value)
    assert "GET http://127.0.0.1:" in text
    assert "/api/v1/status" in text
    assert "battery" in text
    assert TOKEN not in text


WRONG_DEVICE = "Is this address (battery.host, battery.port) the battery itself, and not a router or a proxy?"
UNSOUND = "the answer is not sound HTTP"
NOT_FOLLOWED = "which is not followed, as it could carry a token away or turn a PUT into a GET"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"hello\r\n\r\n", f"{UNSOUND} (BadStatusLine: hello\\r\\n)"),
        (b"X" * 300 + b"\r\n\r\n", f"{UNSOUND} (BadStatusLine: {'X' * 105})"),
        (answer(JSON)[:-5], f"{UNSOUND} (IncompleteRead: IncompleteRead(13 bytes read, 5 more expected))"),
        (
            answer(b" " * (MAX_BODY_BYTES + 10))[:-10],
            f"{UNSOUND} (IncompleteRead: IncompleteRead(65536 bytes read, 10 more expected))",
        ),
        (answer(b"", status="300 X"), f"answered with a redirect (300 to 'nowhere'), {NOT_FOLLOWED}"),
        (
            answer(b"", status="302 X", headers=f"Location: /{'y' * 100}\r\n"),
            f"answered with a redirect (302 to '/{'y' * 79}'), {NOT_FOLLOWED}",
        ),
        (
            answer(JSON, headers=f"Content-Encoding: {'Z' * 50}\r\n"),
            f"the body is encoded as '{'z' * 40}' although none was asked for",
        ),
    ],
    ids=["not-http", "much-of-it", "cut-short", "cut-short-at-the-bound", "no-place", "far-place", "strange-encoding"],
)
def test_what_is_wrong_with_an_answer_is_said_in_one_line(sent: bytes, says: str) -> None:
    """Where, what, and what to do; of what came no more than identifies it."""
    with HostilePeer([[Send(sent)]]) as peer, pytest.raises(DeviceProtocolError) as caught:
        BoundedHttp(host="127.0.0.1", port=peer.port).request("GET", "/x")
    assert str(caught.value) == f"GET http://127.0.0.1:{peer.port}/x: {says}. {WRONG_DEVICE}"


def test_a_call_waits_for_a_little_less_than_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it has ended by then, although the end of a wait is noticed late."""
    waited_s: list[float] = []
    monkeypatch.setattr("optimizer.devices.http.real_deadline", lambda s: (waited_s.append(s), real_deadline(s))[1])
    call(SOUND, deadline_s=5.0)
    assert waited_s == [pytest.approx(4.85)]


def test_peer_that_never_reads() -> None:
    """A peer that accepts and takes nothing in ends the call too."""
    with pytest.raises(DeviceTimeout):
        call(Hang(), read_request=False, deadline_s=0.2)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.integers(0, len(answer(JSON))), st.integers(0, 20))
def test_any_bytes_are_an_answer_or_an_error(noise: bytes, place: int, cut: int) -> None:
    """Whatever bytes come, alone or in the midst of a sound answer, the call gives an answer or an error of ours."""
    sound = answer(JSON)
    for sent in (noise, sound[:place] + noise + sound[place + cut :]):
        try:
            reply = call(Send(sent), deadline_s=5.0)
        except DeviceError:
            continue
        assert 200 <= reply.status <= 999


def test_echoed_token_is_not_quoted() -> None:
    """A peer that puts the token where a message would quote it does not get it there, nor a piece of it."""
    with pytest.raises(DeviceProtocolError, match=r"\*\*\*") as caught:
        call(Send(f"{TOKEN}\r\n\r\n".encode()))
    assert TOKEN[:8] not in str(caught.value)
    for fill in range(60, 120, 5):
        with pytest.raises(DeviceProtocolError) as caught:
            call(Send(answer(b"", status="302 Found", headers=f"Location: /{'x' * fill}{TOKEN}\r\n")))
        assert TOKEN[:8] not in str(caught.value)


def test_malformed_header_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A header line that cannot be parsed costs neither the answer nor a line in the log."""
    assert call(Send(answer(JSON, headers=f"no colon {TOKEN}\r\n"))).body == JSON
    assert not caplog.records


def test_sending_is_bounded_too() -> None:
    """A peer that takes nothing in holds up a long send no longer than the deadline, and none begins after it."""
    with HostilePeer([[Hang()]], read_request=False) as peer:
        connection = connect(NameLookup("127.0.0.1", peer.port), real_deadline(0.2), max_bytes=1)
        with connection:
            for _ in range(2):
                with pytest.raises(DeadlinePassed, match="sending"):
                    connection.sendall(b" " * 50_000_000)
    with pytest.raises(DeadlinePassed, match="connecting"):
        connect(NameLookup("127.0.0.1", 1), real_deadline(0), max_bytes=1)


def test_full_body_is_taken() -> None:
    """A body of exactly 64 KiB is still taken."""
    assert len(call(Send(answer(b" " * MAX_BODY_BYTES))).body) == MAX_BODY_BYTES


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_redirects_are_not_followed(status: str, method: str) -> None:
    """A redirect is an error; nobody else is asked, so neither token nor method can change hands."""
    with HostilePeer([[SOUND]]) as elsewhere:
        redirect = Send(answer(b"", status=status, headers=f"Location: http://127.0.0.1:{elsewhere.port}/{TOKEN}\r\n"))
        with pytest.raises(DeviceProtocolError, match=r"redirect.*not followed") as caught:
            call(redirect, method=method)
        assert elsewhere.requests == []
    assert TOKEN not in str(caught.value)


def test_environments_proxy_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named in the environment is not used, and no password is taken from .netrc."""
    with HostilePeer([[SOUND]]) as proxy:
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        assert call(SOUND).ok
        assert proxy.requests == []


def test_request_byte_for_byte() -> None:
    """A request is what it says, without a body and with nothing a session would add."""
    with HostilePeer([[SOUND]]) as peer:
        http = BoundedHttp(host="127.0.0.1", port=peer.port)
        http.request("PUT", "/api/v1/setpoint/charge/1000")
        http.request("PUT", "/api/v2/configurations", form={"EM_OperatingMode": "1"})
    assert (
        peer.requests[0]
        == (
            b"PUT /api/v1/setpoint/charge/1000 HTTP/1.1\r\n"
            b"Host: 127.0.0.1:%d\r\n"
            b"User-Agent: sunshift\r\n"
            b"Accept: application/json\r\n"
            b"Accept-Encoding: identity\r\n"
            b"Connection: close\r\n"
            b"Content-Length: 0\r\n"
            b"\r\n"
        )
        % peer.port
    )
    assert peer.requests[1].endswith(b"\r\n\r\nEM_OperatingMode=1")
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in peer.requests[1]


def test_nothing_is_tried_twice_and_nothing_is_remembered() -> None:
    """A broken call is not repeated, and the next one opens its own connection and works."""
    with HostilePeer([[Reset()], [SOUND], [Send(answer(JSON, headers="Set-Cookie: a=b\r\n"))], [SOUND]]) as peer:
        http = BoundedHttp(host="127.0.0.1", port=peer.port)
        with pytest.raises(DeviceUnreachable):
            http.request("PUT", "/")
        for _ in range(3):
            assert http.request("PUT", "/").ok
        assert len(peer.requests) == 4
        assert b"Cookie" not in peer.requests[-1]


def test_refused_connection() -> None:
    """Nobody listening is said as such."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeviceUnreachable, match=rf"127\.0\.0\.1:{port}/x: no connection \(connection refused\)"):
        BoundedHttp(host="127.0.0.1", port=port).request("GET", "/x")


def test_echoed_token_is_blotted_out() -> None:
    """A device that echoes the token does not bring it into a body, from where it could reach a message."""
    reply = call(Send(answer(b'{"error":"%s"}' % TOKEN.encode())))
    assert reply.body == b'{"error":"***"}'
    assert TOKEN not in repr(reply)


@pytest.mark.parametrize(("secret", "body"), [("12345678", b"a *** b"), ("1234567", b"a 1234567 b")])
def test_what_is_too_short_for_a_secret_would_take_innocent_text_with_it(secret: str, body: bytes) -> None:
    """Eight characters are blotted out, fewer stay."""
    with HostilePeer([[Send(answer(b"a %s b" % secret.encode()))]]) as peer:
        http = BoundedHttp(host="127.0.0.1", port=peer.port, secret_headers={"Auth-Token": secret})
        assert http.request("GET", "/").body == body


def test_what_is_called_and_for_how_long_shows() -> None:
    """Five seconds, unless told otherwise."""
    assert repr(BoundedHttp(host="10.0.0.1", port=80)) == "BoundedHttp(10.0.0.1:80, deadline_s=5.0)"


def test_token_is_sent_and_not_shown() -> None:
    """The secret header goes out with the request, and is in no repr."""
    with HostilePeer([[SOUND]]) as peer:
        http = BoundedHttp(host="127.0.0.1", port=peer.port, secret_headers={"Auth-Token": TOKEN})
        http.request("GET", "/")
    assert f"Auth-Token: {TOKEN}\r\n".encode() in peer.requests[0]
    assert TOKEN not in repr(http)


Resolve = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    """Names and what resolving each does."""
    table: dict[str, Callable[[], str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: int, **kwargs: int) -> list[tuple[object, ...]]:
        name = table.get(host)
        return real(host if name is None or kwargs.get("flags") else name(), port, *args, **kwargs)  # type: ignore[return-value]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def unknown() -> str:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_unknown_name(names: dict[str, Callable[[], str]]) -> None:
    """A name that nobody knows is said as such."""
    names["battery.test"] = unknown
    with pytest.raises(DeviceUnreachable, match=r"'battery\.test' could not be resolved.*not known"):
        BoundedHttp(host="battery.test", port=80).request("GET", "/")


def test_name_server_that_never_answers(names: dict[str, Callable[[], str]]) -> None:
    """A lookup that hangs ends by the deadline, and any number of calls leave one thread behind, not one each."""
    release = threading.Event()
    names["battery.test"] = lambda: "127.0.0.1" if release.wait(30) else ""
    http = BoundedHttp(host="battery.test", port=80, deadline_s=0.05)
    for _ in range(3):
        with pytest.raises(DeviceUnreachable, match="name server does not answer"):
            http.request("GET", "/")
    assert [thread.name for thread in threading.enumerate()].count("lookup battery.test") == 1
    release.set()


def test_last_good_address_serves_while_the_name_server_is_away(names: dict[str, Callable[[], str]]) -> None:
    """The internet may be down while the battery is not."""
    with HostilePeer([[SOUND]]) as peer:
        names["battery.test"] = lambda: "127.0.0.1"
        http = BoundedHttp(host="battery.test", port=peer.port)
        assert http.request("GET", "/").ok
        names["battery.test"] = unknown
        assert http.request("GET", "/").ok


def test_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a name has several addresses and the first refuses, the next is tried."""
    with HostilePeer([[SOUND]]) as peer:
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))
        bad = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [bad, good])
        assert BoundedHttp(host="battery.test", port=80).request("GET", "/").ok


@pytest.mark.parametrize("host", ["http://10.0.0.1", "10.0.0.1/api", "", "a b", "user@host", "x\r\ny"])
def test_host_must_be_bare(host: str) -> None:
    """A host with a scheme, a path or worse is refused with an example of a good one."""
    with pytest.raises(ValueError, match=r"192\.168\.33\.185"):
        BoundedHttp(host=host, port=80)


@pytest.mark.parametrize(("port", "deadline_s"), [(0, 5), (65536, 5), (80, 0), (80, -1), (80, float("inf"))])
def test_port_and_deadline_must_make_sense(port: int, deadline_s: float) -> None:
    """A port that does not exist and a deadline that bounds nothing are refused."""
    with pytest.raises(ValueError, match="give"):
        BoundedHttp(host="10.0.0.1", port=port, deadline_s=deadline_s)


@pytest.mark.parametrize("host", ["..", "%%", ":::::", "-", "a..b", "x" * 300])
def test_bare_word_that_is_no_address(host: str) -> None:
    """A host that nothing can be reached by is an error of ours when it is tried."""
    with pytest.raises(DeviceError, match="GET http://"):
        BoundedHttp(host=host, port=1).request("GET", "/")


def test_ipv6_address_is_bracketed() -> None:
    """An IPv6 address is written as addresses with ports are."""
    assert BoundedHttp(host="::1", port=80).address == BoundedHttp(host="[::1]", port=80).address == "[::1]:80"
    assert BoundedHttp(host="XENON-X", port=80).address == "XENON-X:80"
