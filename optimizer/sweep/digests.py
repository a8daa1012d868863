"""What a case is known by: a digest of everything its figures depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from optimizer.control.registry import installed_strategies
from optimizer.planning.kernel.choice import why_not_compiled
from optimizer.settings import Settings

SECTIONS = {"site", "battery", "grid", "tariff", "planning", "forecast", "control", "strategy", "strategies"}
"""Sections of the configuration that a replay depends on."""
_NO_PART_IN_FIGURES = ("cli/", "demo/", "service/", "simulator/", "backtest/report/", "sweep/report/")


@cache
def digest_of_file(path: Path) -> str:
    """Return the digest of what a file holds."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of_program(strategies: Iterable[str]) -> str:
    """Return the digest of the source that replays: sunshift's own and that of the strategies.

    A change of the program may change every figure, and two machines may have two versions of it. The compiled and the
    plain recursion round differently in the last digits.
    """
    packages = {"optimizer", *_packages_of(strategies)}
    digest = hashlib.sha256(b"plain" if why_not_compiled() else b"compiled")
    for package in sorted(packages):
        for name, content in _sources(package):
            digest.update(f"{package}/{name}\n".encode() + content)
    return digest.hexdigest()


def digest_of_case(settings: Settings, *, recording: str, program: str, asked: tuple[Any, ...]) -> str:
    """Return the digest of a case.

    Parameters
    ----------
    recording, program
        Digests of the recording's file and of the program.
    asked
        Strategies and period.
    """
    tables = settings.model_dump(mode="json", by_alias=True, include=SECTIONS)
    parts = [_with_contents(tables), recording, program, repr(asked)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _with_contents(value: Any) -> Any:
    """Return tables in which a price file counts by what it holds, not by where it lies."""
    if isinstance(value, Mapping):
        return {
            key: digest_of_file(Path(item)) if key == "path" and isinstance(item, str) else _with_contents(item)
            for key, item in value.items()
        }
    return [_with_contents(item) for item in value] if isinstance(value, list) else value


def _packages_of(strategies: Iterable[str]) -> Iterator[str]:
    entries = installed_strategies()
    for name in strategies:
        strategy = entries[name].strategy if name in entries else None
        if strategy is not None:
            yield strategy.__module__.partition(".")[0]


@cache
def _sources(package: str) -> tuple[tuple[str, bytes], ...]:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ()
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        return ((origin.name, origin.read_bytes()),)
    files = ((path.relative_to(origin.parent), path) for path in sorted(origin.parent.rglob("*.py")))
    return tuple(
        (name.as_posix(), path.read_bytes())
        for name, path in files
        if package != "optimizer" or not name.as_posix().startswith(_NO_PART_IN_FIGURES)
    )
