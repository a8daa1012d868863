"""The few settings that handing back takes, out of a configuration that may be broken. Standard library only."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

PREFIX = "sunshift_battery__"
TOKEN_FILE_NAME = "battery-token"  # noqa: S105 - a file's name
"""Name of the token in ``$CREDENTIALS_DIRECTORY``, and of the copy that the service leaves in ``$RUNTIME_DIRECTORY``
(0600), because systemd takes the credentials away before the commands that clean up."""


def battery_table(path: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """Return ``[battery]`` with the environment over it, as far as either can be read."""
    overrides = {
        key.lower().removeprefix(PREFIX): value for key, value in environ.items() if key.lower().startswith(PREFIX)
    }
    return {**_table_in_file(path), **overrides}


def flag(value: object) -> bool:
    """Return whether a setting says yes, also as text from the environment."""
    return str(value).strip().lower() in ("true", "1", "yes", "on", "y", "t")


def token(table: Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> str:
    """Return the V2 token from the first place that has one; empty where none has."""
    places = [folder / str(table["token_file"])] if table.get("token_file") else []
    for variable in ("CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY"):
        # systemd separates several runtime folders by colons.
        places += [Path(part) / TOKEN_FILE_NAME for part in environ.get(variable, "").split(":") if part]
    return next((found for place in places if (found := _first_word(place))), "")


def _first_word(path: Path) -> str:
    try:
        words = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeError):
        return ""
    return words[0] if words else ""


def _table_in_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    try:
        table = tomllib.loads(text).get("battery", {})
    except tomllib.TOMLDecodeError:
        return _table_line_by_line(text)
    return table if isinstance(table, dict) else {}


def _table_line_by_line(text: str) -> dict[str, object]:
    """Return what can be read of ``[battery]`` in a file that is not TOML as a whole."""
    table: dict[str, object] = {}
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = line.split("#")[0].strip() == "[battery]"
        elif inside:
            table |= _one_line(line)
    return table


def _one_line(line: str) -> dict[str, object]:
    try:
        return tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return {}
