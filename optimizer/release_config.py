"""The few settings that handing back takes, out of a configuration that may be broken. Standard library only."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.errors import ConfigError, ConfigProblem

DEFAULT_PORTS = {"sonnen_v1": 8080, "sonnen_v2": 80, "simulated": 0}
HAND_BACK_MODES = ("automatic", "time_of_use", "backup")

WHOLE_TABLE = "sunshift_battery"
PREFIX = f"{WHOLE_TABLE}__"
TOKEN_FILE_NAME = "sunshift-token"  # noqa: S105 - a file's name
"""Name of the token in ``$CREDENTIALS_DIRECTORY``, and of the copy that the service leaves in ``$RUNTIME_DIRECTORY``
(0600), because systemd takes the credentials away before the commands that clean up."""

NOTHING_TO_RELEASE = "nothing-to-release"
"""File that the service leaves in ``$RUNTIME_DIRECTORY`` while it only observes and once it has handed the battery back
by itself. Whatever else happens it is not there, so that in doubt the battery is released."""


def needs_release(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a service that has ended may have left a command standing."""
    given = os.environ if environ is None else environ
    folders = [Path(part) for part in given.get("RUNTIME_DIRECTORY", "").split(":") if part]
    return not any((folder / NOTHING_TO_RELEASE).exists() for folder in folders)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTarget:
    """The battery to hand back, and how."""

    driver: str
    """``sonnen_v1``, ``sonnen_v2``, or ``simulated``: in the service's own process, gone with it."""
    host: str = ""
    port: int = 0
    mode_control: bool = False
    """Whether a V1 device has the mode call; V2 always has."""
    hand_back_mode: str = "automatic"
    token: str = field(default="", repr=False)


def target_from_config(path: Path, environ: Mapping[str, str] | None = None) -> ReleaseTarget:
    """Return the battery that a configuration names, reading no more of it than that takes.

    Errors anywhere else in the file do not matter, nor does a file that is not there if the environment says enough
    (``SUNSHIFT_BATTERY__HOST`` and so on, which come before the file as everywhere).

    Raises
    ------
    ConfigError
        If driver, host, port or mode cannot be known; with every problem found.
    """
    environment = os.environ if environ is None else environ
    table = _battery_table(path, environment)
    driver = str(table.get("driver", "sonnen_v1"))
    mode = str(table.get("hand_back_mode", "automatic"))
    host, port = str(table.get("host", "")).strip("[] "), str(table.get("port", DEFAULT_PORTS.get(driver, 0)))
    secret = _token(table, path.parent, environment) if driver == "sonnen_v2" else ""
    problems = [
        ConfigProblem(path=f"battery.{key}", message=message)
        for key, message, wrong in (
            ("driver", f"{driver!r} is none of {', '.join(DEFAULT_PORTS)}", driver not in DEFAULT_PORTS),
            ("host", "is missing: give the battery's address", not host and driver != "simulated"),
            ("port", f"{port!r} is not a port", not (port.isdecimal() and len(port) <= 5 and int(port) < 65536)),
            ("hand_back_mode", f"{mode!r} is none of {', '.join(HAND_BACK_MODES)}", mode not in HAND_BACK_MODES),
            ("token_file", "holds no token that can be read", driver == "sonnen_v2" and not secret),
        )
        if wrong
    ]
    if problems:
        raise ConfigError(str(path), problems)
    return ReleaseTarget(
        driver=driver,
        host=host,
        port=int(port),
        mode_control=_flag(table.get("mode_control", False)),
        hand_back_mode=mode,
        token=secret,
    )


def _battery_table(path: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """Return ``[battery]`` with the environment over it, as far as either can be read."""
    overrides = {
        key.lower().removeprefix(PREFIX): value for key, value in environ.items() if key.lower().startswith(PREFIX)
    }
    return {**_table_in_file(path), **_whole_table(environ), **overrides}


def _whole_table(environ: Mapping[str, str]) -> dict[str, object]:
    """Return ``SUNSHIFT_BATTERY``, the whole table as JSON: the service reads that as well."""
    text = next((value for key, value in environ.items() if key.lower() == WHOLE_TABLE), "")
    try:
        table = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _flag(value: object) -> bool:
    """Return whether a setting says yes, also as text from the environment."""
    return str(value).strip().lower() in ("true", "1", "yes", "on", "y", "t")


def _token(table: Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> str:
    """Return the V2 token from the first place that has one; empty where none has."""
    places = [folder / _expanded(Path(str(table["token_file"])))] if table.get("token_file") else []
    for variable in ("CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY"):
        # systemd separates several runtime folders by colons.
        places += [Path(part) / TOKEN_FILE_NAME for part in environ.get(variable, "").split(":") if part]
    return next((found for place in places if (found := _first_word(place))), "")


def _expanded(path: Path) -> Path:
    """Return a path with ``~`` replaced, as it is where there is no such home: the next place may have the token."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


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
