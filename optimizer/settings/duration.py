"""Lengths of time as a person writes them: ``10s``, ``15min``, ``36h``, ``1d``, ``1h 30min``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

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
        raise ValueError(msg)
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
            return f"{count}{name}"
    # By hand, for :g would round what is longer than a few seconds, or write it with an exponent.
    return f"{value / UNITS['ms']:.3f}".rstrip("0").rstrip(".") + "ms"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
"""A length of time with its unit."""


def within(low: timedelta, high: timedelta | None = None) -> AfterValidator:
    """Return a check that a length of time is at least ``low`` and at most ``high``."""

    def check(value: timedelta) -> timedelta:
        if value < low:
            msg = f"must be at least {format_duration(low)}, got {format_duration(value)}"
            raise ValueError(msg)
        if high is not None and value > high:
            msg = f"must be at most {format_duration(high)}, got {format_duration(value)}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)
