"""The benchmarks that the documentation's figures rest on can be run: each of them still fits the program."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_finds_what_it_measures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it imports is there."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    importlib.import_module(name)


def test_there_are_benchmarks() -> None:
    """The names above are no empty list."""
    assert {"faults", "torture", "soak"} <= set(NAMES)
