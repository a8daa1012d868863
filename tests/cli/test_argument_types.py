"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import pytest

from optimizer.cli.argument_types import instant, whole_number


def test_what_can_be_read_is_read() -> None:
    """Instants with and without an offset, whole numbers with their bounds."""
    assert instant("2026-03-01T00:00Z") == datetime(2026, 3, 1, tzinfo=UTC)
    assert instant("2026-03-01").tzinfo is None
    assert [whole_number("days", 0, 365)(text) for text in ("0", "28", " 365 ")] == [0, 28, 365]


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "366", "9" * 5000, "²", "1_0"])
def test_a_number_that_is_none_is_told_with_its_bounds(text: str) -> None:
    """Whatever was written, what may be written is said."""
    with pytest.raises(argparse.ArgumentTypeError, match="no number of days; write a whole one from 0 to 365"):
        whole_number("days", 0, 365)(text)


def test_an_instant_that_is_none_is_told_with_an_example() -> None:
    """A person sees how to write it."""
    with pytest.raises(argparse.ArgumentTypeError, match="'yesterday' is not ISO 8601; write it like 2026-"):
        instant("yesterday")
