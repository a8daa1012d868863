"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How good it is."""

    OK = "OK"
    WARN = "WARN"
    """The service would run; a person should know."""
    FAIL = "FAIL"
    """The service could not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    name: str
    grade: Grade
    message: str
    """What was found."""
    advice: str = ""
    """What to do about it."""


def passed(name: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(name=name, grade=Grade.OK, message=message)


def warned(name: str, message: str, advice: str) -> Finding:
    """Return a finding that a person should know of."""
    return Finding(name=name, grade=Grade.WARN, message=message, advice=advice)


def failed(name: str, message: str, advice: str = "") -> Finding:
    """Return a finding that keeps the service from its work."""
    return Finding(name=name, grade=Grade.FAIL, message=message, advice=advice)
