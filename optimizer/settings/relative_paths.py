"""Paths in tables that are about to leave their file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from optimizer.settings.places import paths_relative_to, resolve
from optimizer.settings.root import Settings
from optimizer.settings.schema import locate


def with_absolute_paths(tables: Mapping[str, Any], folder: Path, *, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return configuration tables whose relative paths no longer depend on the file they stood in.

    Parameters
    ----------
    tables
        What a configuration file holds, or the table at ``above`` of one.
    folder
        Where the file lies.
    """
    with paths_relative_to(folder):
        return _absolute(tables, above)


def _absolute(tables: Mapping[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
    return {key: _value(value, (*above, key)) for key, value in tables.items()}


def _value(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return _absolute(value, path)
    field = locate(Settings, path).field
    if isinstance(value, str) and field is not None and _is_path(field.annotation):
        return str(resolve(Path(value)))
    return value


def _is_path(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_path(get_args(annotation)[0])
    return annotation is Path or any(_is_path(part) for part in get_args(annotation))
