"""HTTP to a device on the local network, bounded in time and size.

``requests`` is used below its sessions, at the transport adapter: a session would add redirects (which can carry a
token away, and turn a PUT into a GET), cookies, ``.netrc`` and the environment's proxies, and it reads the body of a
redirect without a bound even when told not to follow it. None of that is wanted here.

Every call opens its own connection. On the local network that costs about a millisecond every few seconds, and it
rules out what a kept connection brings: a socket that the device's nightly restart has reset, and the late answer to
a call that was given up being read as the answer to the next.
"""

from __future__ import annotations

import http.client
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from optimizer.bounded_socket import CallAborted, DeadlinePassed, NameLookup, NotConnected, Remaining, connect
from optimizer.clock import real_deadline
from optimizer.errors import DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnreachable

MAX_BODY_BYTES = 64 * 1024
"""Largest body taken in; a status is under 2 KiB."""
MAX_ANSWER_BYTES = 2 * MAX_BODY_BYTES
"""Largest answer on the wire, with headers and chunk marks."""
WAITED_SHARE = 0.97
"""How much of a deadline is waited: that a wait is over is noticed late, and by then the call is to have ended [1]."""

_HOST = re.compile(r"[A-Za-z0-9._:%-]+")
_HEADERS = {
    "User-Agent": "sunshift",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # nothing to unpack, so nothing that grows while it is unpacked
    "Connection": "close",
}

# For a header line it cannot parse, urllib3 logs a traceback and all that follows: kilobytes at every poll, with
# whatever the device echoed in them. The answer is read all the same, and judged by its body.
logging.getLogger("urllib3.connection").addFilter(lambda record: "Failed to parse headers" not in str(record.msg))

_FAILURES = (
    CallAborted,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
"""What the layers below raise for a peer or a network that misbehaves; some let a ``ValueError`` through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the device answered, whatever the HTTP status."""

    where: str
    """Method and address of the request, for messages: ``GET http://192.168.33.185:8080/api/v1/status``."""
    status: int
    body: bytes
    """At most :data:`MAX_BODY_BYTES`, with our secrets blotted out should the device echo them."""

    @property
    def ok(self) -> bool:
        """Whether the HTTP status says success."""
        return 200 <= self.status < 300


class BoundedHttp:
    """Calls to one host and port, each ending by its deadline.

    Parameters
    ----------
    host
        Name or address, without scheme, port or path.
    port
        TCP port.
    deadline_s
        Longest time of one call, from looking up the name to the last byte of the body [s].
    secret_headers
        Sent with every request; their values appear in no message and no ``repr``.

    Raises
    ------
    ValueError
        If the host is not a bare name or address, or the port or the deadline make no sense.
    """

    def __init__(
        self, *, host: str, port: int, deadline_s: float = 5.0, secret_headers: Mapping[str, str] | None = None
    ) -> None:
        bare = host.strip("[]")
        if not _HOST.fullmatch(bare):
            msg = f"{host!r} is not a host: give a bare name or address such as 192.168.33.185, no http:// and no path"
            raise ValueError(msg)
        if not 0 < port < 65536:
            msg = f"port {port} does not exist: give one from 1 to 65535"
            raise ValueError(msg)
        if not 0 < deadline_s < float("inf"):
            msg = f"a deadline of {deadline_s} s cannot be kept: give a positive number of seconds"
            raise ValueError(msg)
        self.address = f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
        self._deadline_s = deadline_s
        self._secret_headers = dict(secret_headers or {})
        self._lookup = NameLookup(bare, port)

    @property
    def found_at(self) -> str:
        """Return the address at which a name answered last, empty where the host is none or nobody has answered."""
        return self._lookup.found_at

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address}, deadline_s={self._deadline_s})"

    def request(self, method: str, path: str, *, form: Mapping[str, str] | None = None) -> Reply:
        """Send one request and return the answer, whatever its status; never retries.

        Parameters
        ----------
        method, path
            Such as ``"PUT"`` and ``"/api/v1/setpoint/charge/1000"``.
        form
            Fields to send form-urlencoded; without them the request has no body.

        Raises
        ------
        DeviceUnreachable
            If no connection came about, or it broke.
        DeviceTimeout
            If the deadline passed.
        DeviceProtocolError
            If the answer is a redirect, compressed, cut short, longer than the bound, or not HTTP.
        """
        where = f"{method} http://{self.address}{path}"
        headers = {**_HEADERS, **self._secret_headers}
        request = requests.Request(method, f"http://{self.address}{path}", headers=headers, data=form)
        try:
            return self._exchange(request.prepare(), where)
        except DeviceError:
            raise
        except _FAILURES as error:
            raise self._explained(error, where) from error

    def _exchange(self, request: requests.PreparedRequest, where: str) -> Reply:
        adapter = _Adapter(self._lookup, real_deadline(WAITED_SHARE * self._deadline_s))
        try:
            response = adapter.send(request, stream=True)
            try:
                self._refuse_redirect(response, where)
                _refuse_encoding(response, where)
                body = _body(response.raw)
            finally:
                response.close()
        finally:
            adapter.close()
        if len(body) > MAX_BODY_BYTES:
            msg = f"{where}: the body is longer than {MAX_BODY_BYTES} bytes. {_WRONG_DEVICE}"
            raise DeviceProtocolError(msg)
        return Reply(where=where, status=response.status_code, body=self._blotted(body))

    def _refuse_redirect(self, response: requests.Response, where: str) -> None:
        if 300 <= response.status_code < 400:
            target = self._blotted(response.headers.get("Location", "nowhere").encode()).decode()[:80]
            msg = (
                f"{where}: answered with a redirect ({response.status_code} to {target!a}), which is "
                f"not followed, as it could carry a token away or turn a PUT into a GET. {_WRONG_DEVICE}"
            )
            raise DeviceProtocolError(msg)

    def _blotted(self, text: bytes) -> bytes:
        """Return the text without our secrets, should the peer echo them.

        Very short ones stay: they would take innocent text with them.
        """
        for secret in self._secret_headers.values():
            if len(secret) >= 8:
                text = text.replace(secret.encode(), b"***")
        return text

    def _explained(self, error: BaseException, where: str) -> DeviceError:
        """Return the error of our tree that says what happened, where and what to do."""
        if isinstance(error, DeadlinePassed):
            return DeviceTimeout(f"{where}: not done within {self._deadline_s:g} s ({error}). {_NOT_ANSWERING}")
        if isinstance(error, NotConnected):
            return DeviceUnreachable(f"{where}: no connection ({error}). {_NOT_ANSWERING}")
        if isinstance(error, CallAborted):
            return DeviceProtocolError(f"{where}: {error}. {_WRONG_DEVICE}")
        if isinstance(error, requests.exceptions.InvalidURL | urllib3.exceptions.LocationValueError):
            return DeviceUnreachable(f"{where}: this is no address. Correct battery.host.")
        broken = next((cause for cause in _causes(error) if isinstance(cause, ConnectionError)), None)
        if broken is not None:
            return DeviceUnreachable(f"{where}: the connection broke before the answer was complete. {_RESTARTING}")
        root = ascii(self._blotted(_root(error).encode(errors="replace")).decode()[:120]).strip("'\"")
        return DeviceProtocolError(f"{where}: the answer is not sound HTTP ({root}). {_WRONG_DEVICE}")


_NOT_ANSWERING = "Is the battery on and in this network, and is its address still battery.host and battery.port?"
_RESTARTING = "It may be restarting, which takes minutes; if it stays so, restart the battery's network connection."
_WRONG_DEVICE = "Is this address (battery.host, battery.port) the battery itself, and not a router or a proxy?"


class _Connection(HTTPConnection):
    """An HTTP connection over a bounded socket."""

    lookup: NameLookup
    remaining: Remaining

    def connect(self) -> None:
        """Connect within the deadline."""
        self.sock = connect(self.lookup, self.remaining, max_bytes=MAX_ANSWER_BYTES)


class _Adapter(HTTPAdapter):
    """The transport of ``requests``, for one call."""

    def __init__(self, lookup: NameLookup, remaining: Remaining) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._lookup, self._remaining = lookup, remaining
        self._pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ARG002 - the signature is the base class's
        proxies: Any = None,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        """Return a pool of the one bounded connection."""
        parts = urllib3.util.parse_url(request.url or "")
        self._pool = HTTPConnectionPool(parts.host or "", parts.port, maxsize=1)
        self._pool.ConnectionCls = self._connection  # type: ignore[assignment]  # any maker will do
        return self._pool

    def _connection(self, *args: Any, **kwargs: Any) -> _Connection:
        connection = _Connection(*args, **kwargs)
        connection.lookup, connection.remaining = self._lookup, self._remaining
        return connection

    def close(self) -> None:
        """Close the connection, if one came about."""
        if self._pool is not None:
            self._pool.close()
        super().close()


def _body(raw: Any) -> bytes:
    """Return the body, or one byte more than is allowed of it.

    Read until nothing comes: only a further read notices that a body was cut short.
    """
    body = b""
    while len(body) <= MAX_BODY_BYTES and (piece := raw.read(MAX_BODY_BYTES + 1 - len(body), decode_content=False)):
        body += piece
    return body


def _refuse_encoding(response: requests.Response, where: str) -> None:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        msg = f"{where}: the body is encoded as {encoding[:40]!a} although none was asked for. {_WRONG_DEVICE}"
        raise DeviceProtocolError(msg)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from or during, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _root(error: BaseException) -> str:
    innermost = list(_causes(error))[-1]
    return f"{type(innermost).__name__}: {innermost}"
