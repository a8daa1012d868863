"""HTTP 1.1, byte for byte: a request read from a socket, a response written to one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

_LONGEST_LINE, _LARGEST_BODY = 8192, 65_536

JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=UTF-8"


class MalformedRequest(Exception):  # noqa: N818 - never leaves the package
    """What came is not HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str
    keep_alive: bool

    @property
    def target(self) -> str:
        """Path and query, as a person reads them."""
        words = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.path}?{words}" if words else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response. ``Content-Length`` is that of the body, always."""

    status: int = 200
    content_type: str = JSON_TYPE
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())

    def head(self, *, length: int | None = None) -> bytes:
        """Return status line and headers, with another length where the wire is to lie."""
        lines = [
            f"HTTP/1.1 {self.status} {_phrase(self.status)}",
            f"Content-Length: {len(self.body) if length is None else length}",
            f"Content-Type: {self.content_type}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def to_bytes(self) -> bytes:
        """Return everything that goes over the wire."""
        return self.head() + self.body

    def with_body(self, body: bytes) -> Response:
        """Return the same response around another body."""
        return replace(self, body=body)


def compact_json(value: Any) -> bytes:
    """Return JSON as the device writes it: no spaces, keys in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def json_response(value: Any, *, status: int = 200, content_type: str = JSON_TYPE) -> Response:
    """Return a response that carries JSON."""
    return Response(status=status, content_type=content_type, body=compact_json(value))


def html_response(status: int, title: str) -> Response:
    """Return the page a web server shows when there is no battery behind it."""
    page = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<h1>{status} {title}</h1>\r\n</body>\r\n"
    )
    return Response(status=status, content_type="text/html", body=(page + "</html>\r\n").encode())


def read_request(stream: BinaryIO) -> Request | None:
    """Return the next request, or None where the peer has closed.

    Raises
    ------
    MalformedRequest
        What came is not HTTP, or larger than a battery would take.
    """
    line = stream.readline(_LONGEST_LINE + 1)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(line) > _LONGEST_LINE or len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedRequest(line[:80])
    method, target, version = words
    try:
        headers = {name.lower(): value for name, value in parse_headers(stream).items()}
        length = int(headers.get("content-length", "0"))
    except (HTTPException, ValueError) as error:
        raise MalformedRequest(str(error)) from error
    if not 0 <= length <= _LARGEST_BODY:
        msg = f"a body of {length} bytes"
        raise MalformedRequest(msg)
    body = stream.read(length) if length else b""
    parts = urlsplit(target)
    connection = headers.get("connection", "").lower()
    return Request(
        method=method,
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=body.decode("utf-8", errors="replace"),
        keep_alive=connection != "close" and (version == "HTTP/1.1" or connection == "keep-alive"),
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
