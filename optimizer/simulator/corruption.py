"""What a fault does to an answer on its way out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import lru_cache

from optimizer.simulator.delivery import Delivery, Manner
from optimizer.simulator.fault import Fault, FaultKind
from optimizer.simulator.return_codes import ErrorStyle, coded
from optimizer.simulator.wire import HTML_TYPE, JSON_TYPE, Response, compact_json, html_response, json_response

_WIRE = {
    FaultKind.HANG: Manner.SILENCE,
    FaultKind.RESET: Manner.RESET,
    FaultKind.TRUNCATED: Manner.TRUNCATED,
    FaultKind.LENGTH_TOO_SHORT: Manner.LONGER,
    FaultKind.LENGTH_TOO_LONG: Manner.SHORTER,
    FaultKind.ANSWER_LOST: Manner.LOST,
}

UNHEARD = frozenset({FaultKind.HANG, FaultKind.HTML, FaultKind.HTTP_STATUS, FaultKind.RETURN_CODE, FaultKind.REDIRECT})
"""Faults whose request never reaches the battery: its effect does not happen."""


def corrupted(response: Response, fault: Fault) -> Delivery:
    """Return the delivery of an answer under a fault."""
    if fault.kind in _WIRE:
        return Delivery(response=response, manner=_WIRE[fault.kind])
    if fault.kind is FaultKind.DRIP:
        return Delivery(response=response, manner=Manner.DRIP, drip_s=fault.number("interval_s"))
    if fault.kind is FaultKind.SLOW:
        return Delivery(response=response, delay_s=fault.number("delay_s"))
    if fault.kind is FaultKind.IDLE_RESET:
        return Delivery(response=response, idle_s=fault.number("idle_s"))
    if fault.kind in _REPLACED:
        return Delivery(response=_REPLACED[fault.kind](fault))
    return Delivery(response=_changed(response, fault))


def _http_status(fault: Fault) -> Response:
    code = int(fault.number("status"))
    words = {401: "Unauthorized", 403: "VPP has priority", 429: "too many requests"}
    if code in words:
        return json_response({"error": words[code]}, status=code)
    return html_response(code, "Not Found" if code == 404 else "Internal Server Error")


def _return_code(fault: Fault) -> Response:
    return coded(int(fault.number("code")), ErrorStyle(fault.text("style")))


def _redirect(fault: Fault) -> Response:
    return Response(status=302, content_type=HTML_TYPE, headers=(("Location", fault.text("location")),))


def _nested(fault: Fault) -> Response:
    depth = int(fault.number("depth"))
    return Response(body=b"[" * depth + b"]" * depth)


@lru_cache(maxsize=2)
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes * 1_000_000), compresslevel=9)


def _gzip_bomb(fault: Fault) -> Response:
    body = _bomb(int(fault.number("megabytes")))
    return Response(content_type=JSON_TYPE, body=body, headers=(("Content-Encoding", "gzip"),))


_REPLACED: dict[FaultKind, Callable[[Fault], Response]] = {
    FaultKind.HTML: lambda fault: html_response(200, "Welcome"),  # noqa: ARG005
    FaultKind.EMPTY: lambda fault: Response(),  # noqa: ARG005
    FaultKind.NESTED: _nested,
    FaultKind.HTTP_STATUS: _http_status,
    FaultKind.RETURN_CODE: _return_code,
    FaultKind.REDIRECT: _redirect,
    FaultKind.GZIP_BOMB: _gzip_bomb,
}


def _changed(response: Response, fault: Fault) -> Response:
    """Return the answer with some of its values changed; an answer that is no JSON object stays as it is."""
    try:
        values = json.loads(response.body)
    except ValueError:
        return response
    if not isinstance(values, dict):
        return response
    members = [(name, compact_json(value).decode()) for name, value in values.items()]
    return response.with_body(_object(_edited(members, fault)))


def _object(members: list[tuple[str, str]]) -> bytes:
    """Return a JSON object from names and literals, which may be what no JSON library would write."""
    return ("{" + ",".join(f"{json.dumps(name)}:{literal}" for name, literal in members) + "}").encode()


def _edited(members: list[tuple[str, str]], fault: Fault) -> list[tuple[str, str]]:
    if fault.kind is FaultKind.WRONG_TYPES:
        return [(name, f'[{{"value":{literal}}}]') for name, literal in members]
    if fault.kind is FaultKind.NUMBERS_AS_TEXT:
        return [(name, f'"{literal}"' if _is_number(literal) else literal) for name, literal in members]
    key = fault.text("key")
    if fault.kind is FaultKind.MISSING_KEY:
        return [(name, literal) for name, literal in members if name != key]
    if fault.kind is FaultKind.DUPLICATE_KEY:
        return [*members, (key, "1")]
    if fault.kind is FaultKind.NULL and not key:
        return [(name, "null") for name, _ in members]
    literal = _literal(fault)
    return [(name, literal if name == key else old) for name, old in members]


def _literal(fault: Fault) -> str:
    fixed = {FaultKind.NULL: "null", FaultKind.NAN: "NaN", FaultKind.HUGE_NUMBER: "1e999"}
    return fixed.get(fault.kind) or compact_json(fault.value("value")).decode()


def _is_number(literal: str) -> bool:
    return literal[0] in "-0123456789"
