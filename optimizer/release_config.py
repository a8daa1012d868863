"""The few settings that handing back takes, out of a configuration that may be broken. Standard library only."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.bounded_toml import parse_toml
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


REFUSED = 69
"""Exit status of a service that was refused because another one commands the battery (EX_UNAVAILABLE, sysexits.h)."""


def was_refused(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether this runs after a service that was refused: what stands at the battery is another one's.

    systemd says how a service ended to its ``ExecStopPost=`` commands and, from version 251 on, to its ``OnFailure=``
    units (systemd.exec(5)). Where nothing is said the battery is released.
    """
    given = os.environ if environ is None else environ
    return str(REFUSED) in (given.get("EXIT_STATUS"), given.get("MONITOR_EXIT_STATUS"))


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
    in_file, unread = _table_in_file(path)
    table = {**in_file, **_whole_table(environment), **_single_values(environment)}
    driver, mode = str(table.get("driver", "sonnen_v1")), str(table.get("hand_back_mode", "automatic"))
    host, port = str(table.get("host", "")).strip("[] "), _digits(table.get("port", DEFAULT_PORTS.get(driver, 0)))
    secret, no_token = _token(table, path.parent, environment) if driver == "sonnen_v2" else ("", "")
    problems = [
        ConfigProblem(path=f"battery.{key}" if key else "", message=message)
        for key, message, wrong in (
            ("", unread, bool(unread and not host) and driver != "simulated"),
            ("driver", f"{driver!r} is none of {', '.join(DEFAULT_PORTS)}", driver not in DEFAULT_PORTS),
            ("host", "is missing: give the battery's address", not host and not unread and driver != "simulated"),
            ("port", f"{port!r} is not a port", not (port.isdecimal() and len(port) <= 5 and int(port) < 65536)),
            ("hand_back_mode", f"{mode!r} is none of {', '.join(HAND_BACK_MODES)}", mode not in HAND_BACK_MODES),
            ("token_file", no_token, driver == "sonnen_v2" and not secret),
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


def _single_values(environ: Mapping[str, str]) -> dict[str, object]:
    """Return what single variables say, such as ``SUNSHIFT_BATTERY__HOST``."""
    return {key.lower().removeprefix(PREFIX): value for key, value in environ.items() if key.lower().startswith(PREFIX)}


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
    return _digits(value).lower() in ("true", "1", "yes", "on", "y", "t")


def _digits(value: object) -> str:
    """Return a whole number as its digits, however it is written: the service takes ``81.0`` and ``"8_080"``, too."""
    return str(value).strip().removesuffix(".0").replace("_", "")


def _token(table: Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the V2 token from the first place that has one, else why each has none."""
    places = [folder / _expanded(Path(str(table["token_file"])))] if table.get("token_file") else []
    for variable in ("CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY"):
        # systemd separates several runtime folders by colons.
        places += [Path(part) / TOKEN_FILE_NAME for part in environ.get(variable, "").split(":") if part]
    reasons = [] if table.get("token_file") else ["is missing: name the file that holds the token"]
    for place in places:
        found, why = _first_word(place)
        if found:
            return found, ""
        reasons.append(f"{place} {why}")
    return "", "; ".join(reasons)


def _expanded(path: Path) -> Path:
    """Return a path with ``~`` replaced, as it is where there is no such home: the next place may have the token."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _first_word(path: Path) -> tuple[str, str]:
    """Return the first word of a file, else why there is none; the reason never quotes the file."""
    try:
        words = path.read_text(encoding="ascii").split()
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    except UnicodeError:
        return "", "holds more than plain text"
    except ValueError:  # a null character
        return "", "is no path"
    return (words[0], "") if words else ("", "is empty")


def _table_in_file(path: Path) -> tuple[dict[str, object], str]:
    """Return ``[battery]`` as far as it can be read, and why the file cannot be read at all."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return {}, "no such file; give the service's own configuration with --config"
    except OSError as error:
        return {}, f"cannot be read ({error.strerror}); check the path, its owner and mode"
    try:
        table = parse_toml(text).get("battery", {})
    except tomllib.TOMLDecodeError:
        table = _table_line_by_line(text)
    return (table if isinstance(table, dict) else {}), ""


def _table_line_by_line(text: str) -> dict[str, object]:
    """Return what can be read of ``[battery]`` in a file that is not TOML as a whole."""
    table: dict[str, object] = {}
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = "".join(line.split("#")[0].split()) == "[battery]"  # [ battery ] is the same
        elif inside:
            table |= _one_line(line)
    return table


def _one_line(line: str) -> dict[str, object]:
    try:
        return parse_toml(line)
    except tomllib.TOMLDecodeError:
        return {}
