"""TOML as a person writes it: not nested without end, and whole numbers of 64 bits, as the standard asks of a reader.

``tomllib`` takes what is written; what is beyond any configuration ends far away then, in a message that cannot be
formed or a recursion that is too deep. Standard library only, because the release path stands on it.
"""

from __future__ import annotations

import tomllib
from typing import Any

DEEPEST = 20
"""So many tables and lists within each other at most."""
LARGEST = 2**63
"""Whole numbers lie below (TOML 1.0, "Integer")."""


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises
    ------
    TOMLDecodeError
        The document is not TOML, or beyond these bounds; nothing else is raised, whatever the text.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise tomllib.TOMLDecodeError("a number or a date is out of range") from None
    except RecursionError:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from None
    _refuse_excess(tables)
    return tables


def _refuse_excess(tables: dict[str, Any]) -> None:
    level: list[Any] = [tables]
    for _ in range(DEEPEST):
        if any(isinstance(value, int) and not -LARGEST <= value < LARGEST for value in level):
            raise tomllib.TOMLDecodeError("a whole number is out of range")
        level = [inner for value in level for inner in _within(value)]
        if not level:
            return
    raise tomllib.TOMLDecodeError("it is nested too deeply")


def _within(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
