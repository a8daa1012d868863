"""The ready configurations that come with sunshift."""

from __future__ import annotations

import sysconfig
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from optimizer.errors import SunshiftError
from optimizer.settings.suggestion import one_of


def example_folder() -> Path:
    """Return the folder of the examples: in the source tree, else among the data of the installation.

    Raises
    ------
    SunshiftError
        The installation has none.
    """
    source_tree = Path(__file__).parents[2] / "config" / "examples"
    installed = Path(sysconfig.get_path("data")) / "share" / "sunshift" / "config" / "examples"
    for folder in (source_tree, installed):
        if folder.is_dir():
            return folder
    msg = f"the examples are missing from this installation (looked in {source_tree} and {installed}); install it again"
    raise SunshiftError(msg)


def example_names() -> list[str]:
    """Return the names of the examples."""
    return sorted(path.stem for path in example_folder().glob("*.toml"))


def example_path(name: str) -> Path:
    """Return the file of an example.

    Raises
    ------
    SunshiftError
        There is no such example.
    """
    if name not in example_names():
        msg = f"there is no example {name!r}: {one_of(name, example_names())}"
        raise SunshiftError(msg)
    return example_folder() / f"{name}.toml"


def companions(example: Path) -> list[Path]:
    """Return the files beside an example that it names, such as its price file."""
    named = set(_texts(tomllib.loads(example.read_text(encoding="utf-8"))))
    return sorted(path for path in example.parent.iterdir() if path.name in named and path.is_file())


def _texts(table: Mapping[str, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, Mapping):
            yield from _texts(value)
        elif isinstance(value, str):
            yield value
