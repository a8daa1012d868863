"""Lengths of time as a person writes them: ``10s``, ``15min``, ``36h``, ``1d``, ``1h 30min``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

_TERM = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[a-z]+)\s*")
_HELP = 'write a number and a unit (ms, s, min, h, d, w), such as "10s", "15min", "36h" or "1h 30min"'


def parse_duration(value: Any) -> timedelta:
    """Return the length of time that a text names.

    Raises
    ------
    ValueError
        It is not a text, has no unit, an unknown one, or is too long to be meant.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        msg = f"a length of time needs its unit: {_HELP}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns a ValueError into a problem, a TypeError into a crash
    text = value.strip().lower()
    terms = list(_TERM.finditer(text))
    if not terms or "".join(term.group() for term in terms) != text:
        msg = f"not a length of time: {_HELP}"
        raise ValueError(msg)
    return sum((_length(term) for term in terms), timedelta())


def _length(term: re.Match[str]) -> timedelta:
    unit = UNITS.get(term["unit"])
    if unit is None:
        msg = f"unknown unit {term['unit']!r}: {_HELP}"
        raise ValueError(msg)
    try:
        return float(term["number"]) * unit
    except OverflowError:
        msg = f"longer than can be meant: {_HELP}"
        raise ValueError(msg) from None


def format_duration(value: timedelta) -> str:
    """Return the shortest text that :func:`parse_duration` reads back, such as ``36h``."""
    if not value:
        return "0s"
    for name, unit in (("d", UNITS["d"]), ("h", UNITS["h"]), ("min", UNITS["min"]), ("s", UNITS["s"])):
        if value % unit == timedelta():
            count = value // unit
            # 36 h reads better than 1 d 12 h, and 24 h in the field's mouth is one day.
            return f"{count}{name}"
    return f"{value / UNITS['ms']:g}ms"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
"""A length of time with its unit."""
