"""What several commands take as arguments, and what they say where it is something else."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime


def instant(text: str) -> datetime:
    """Return an instant in ISO 8601, with or without an offset."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is not ISO 8601; write it like 2026-03-01T00:00+01:00"
        raise argparse.ArgumentTypeError(msg) from None


def whole_number(what: str, lowest: int, highest: int) -> Callable[[str], int]:
    """Return the reader of a whole number of something, bounds included."""

    def read(text: str) -> int:
        digits = text.strip()
        if (
            digits.isascii()
            and digits.isdigit()
            and len(digits) <= len(str(highest))
            and lowest <= int(digits) <= highest
        ):
            return int(digits)
        msg = f"{text[:20]!r} is no number of {what}; write a whole one from {lowest} to {highest}"
        raise argparse.ArgumentTypeError(msg)

    return read
