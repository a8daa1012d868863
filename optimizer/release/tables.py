"""Single tables out of a configuration that may be broken elsewhere, as the service reads them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from optimizer.bounded_toml import parse_toml


def read_table(path: Path | None, name: str, environ: Mapping[str, str]) -> tuple[dict[str, object], str]:
    """Return a table as the service reads it, and why its file cannot be read at all.

    Parameters
    ----------
    path
        The file; None: the environment alone.
    name
        Of the table.
    environ
        With what lies over the file: ``SUNSHIFT_BATTERY__HOST`` and its like.
    """
    in_file, unread = ({}, "") if path is None else _table_in_file(path, name)
    return {**in_file, **_whole_table(environ, name), **_single_values(environ, name)}, unread


def _single_values(environ: Mapping[str, str], name: str) -> dict[str, object]:
    """Return what single variables say, such as ``SUNSHIFT_BATTERY__HOST``."""
    prefix = f"sunshift_{name}__"
    return {key.lower().removeprefix(prefix): value for key, value in environ.items() if key.lower().startswith(prefix)}


def _whole_table(environ: Mapping[str, str], name: str) -> dict[str, object]:
    """Return ``SUNSHIFT_BATTERY`` and its like, a whole table as JSON: the service reads that as well."""
    text = next((value for key, value in environ.items() if key.lower() == f"sunshift_{name}"), "")
    try:
        table = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _table_in_file(path: Path, name: str) -> tuple[dict[str, object], str]:
    """Return one table as far as it can be read, and why the file cannot be read at all."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return {}, "no such file; give the service's own configuration with --config"
    except OSError as error:
        return {}, f"cannot be read ({error.strerror}); check the path, its owner and mode"
    try:
        table = parse_toml(text).get(name, {})
    except tomllib.TOMLDecodeError:
        table = _table_line_by_line(text, name)
    return (table if isinstance(table, dict) else {}), ""


def _table_line_by_line(text: str, name: str) -> dict[str, object]:
    """Return what can be read of a table in a file that is not TOML as a whole."""
    table: dict[str, object] = {}
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = "".join(line.split("#")[0].split()) == f"[{name}]"  # [ battery ] is the same
        elif inside:
            table |= _one_line(line)
    return table


def _one_line(line: str) -> dict[str, object]:
    try:
        return parse_toml(line)
    except tomllib.TOMLDecodeError:
        return {}
