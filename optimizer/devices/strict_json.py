"""JSON as a device should send it: one object, every key once, every number finite."""

from __future__ import annotations

import json
import math
from collections import Counter

from optimizer.errors import DeviceProtocolError

JsonObject = dict[str, object]


def parse_json(body: bytes, where: str) -> object:
    """Return the value that a body holds, whatever its content type says (the maker sends JSON as text/html).

    Parameters
    ----------
    body
        The body as received.
    where
        The request, for the message.

    Raises
    ------
    DeviceProtocolError
        If it is not UTF-8, not JSON, too deep, holds a key twice (which one is meant?), NaN or an infinite number.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_object_of_unique_keys,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except RecursionError:
        msg = f"{where}: the JSON is nested deeper than any status. {_WHAT_TO_DO}"
        raise DeviceProtocolError(msg) from None
    except ValueError as error:
        msg = f"{where}: {_complaint(body, error)}"
        raise DeviceProtocolError(msg) from error


def excerpt(value: object, length: int = 60) -> str:
    """Return the start of something a device sent, safe to print: ASCII, no control characters, short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int | float):
        return str(value)[:length]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    shown = ascii(text[:length])
    return shown if len(text) <= length else f"{shown}..."


def _complaint(body: bytes, error: ValueError) -> str:
    if not body.strip():
        return f"the body is empty where JSON is expected. {_WHAT_TO_DO}"
    if body.lstrip()[:1] == b"<":
        return (
            f"answered with a web page, not JSON ({excerpt(body)}). Is the battery's API disabled, is this its "
            "user interface, or another device at battery.host and battery.port?"
        )
    return f"the body is not sound JSON ({error}): {excerpt(body)}. {_WHAT_TO_DO}"


_WHAT_TO_DO = (
    "If this lasts, check that battery.host and battery.port are the battery's, and its firmware's API version."
)


def _object_of_unique_keys(pairs: list[tuple[str, object]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        msg = f"key {excerpt(twice)} occurs more than once"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> object:
    msg = f"{name} is not a number a status may hold"
    raise ValueError(msg)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        msg = f"{excerpt(text, 20)} is not finite"
        raise ValueError(msg)
    return number
