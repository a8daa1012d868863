"""The few settings that handing back takes, out of a configuration that may be broken. Standard library only."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from optimizer.bounded_toml import parse_toml
from optimizer.errors import ConfigError, ConfigProblem
from optimizer.lease import CommandRecord
from optimizer.release.target import DEFAULT_PORTS, HAND_BACK_MODES, ReleaseTarget
from optimizer.release.tokens import expanded, token_left_behind, token_of_settings

BATTERY, SERVICE = "battery", "service"
"""The two tables that are read."""


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
    table, unread = _table(path, BATTERY, environment)
    driver, mode = str(table.get("driver", "sonnen_v1")), str(table.get("hand_back_mode", "automatic"))
    host, port = str(table.get("host", "")).strip("[] "), _digits(table.get("port", DEFAULT_PORTS.get(driver, 0)))
    secret, no_token = token_of_settings(table, path.parent, environment) if driver == "sonnen_v2" else ("", "")
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


def service_environ(path: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment whose state and runtime folder are those of the service.

    They are systemd's unless the configuration names others, and whoever looks elsewhere finds no command on record.
    """
    given = dict(os.environ if environ is None else environ)
    table, _ = _table(path, SERVICE, given)
    for key, variable in (("state_dir", "STATE_DIRECTORY"), ("runtime_dir", "RUNTIME_DIRECTORY")):
        named = str(table.get(key, "")).strip()
        if named and "\0" not in named:
            given[variable] = str((path.parent / expanded(Path(named))).absolute())
    return given


def battery_to_hand_back(record: CommandRecord | None, path: Path, environ: Mapping[str, str]) -> ReleaseTarget:
    """Return the battery at which a command may stand.

    That is the one on record. The configuration serves where none is, and for the same battery, of which it knows more;
    pointed at another one, or broken, it does not keep the command from being ended where it stands.

    Raises
    ------
    ConfigError
        Neither says which.
    """
    commanded = None if record is None else record.battery()
    if commanded is not None:
        commanded = replace(commanded, token=token_left_behind(environ))
    try:
        configured = target_from_config(path, environ)
    except ConfigError:
        if commanded is None:
            raise
        return commanded
    return configured if commanded is None or commanded.address == configured.address else commanded


def every_battery(record: CommandRecord, path: Path, environ: Mapping[str, str]) -> tuple[ReleaseTarget, ...]:
    """Return the battery at which a command may stand, then the configured one where that is another.

    Raises
    ------
    ConfigError
        Neither record nor configuration says which.
    """
    commanded = battery_to_hand_back(record, path, environ)
    try:
        configured = target_from_config(path, environ)
    except ConfigError:
        return (commanded,)
    return (commanded,) if configured.address == commanded.address else (commanded, configured)


def _table(path: Path, name: str, environ: Mapping[str, str]) -> tuple[dict[str, object], str]:
    """Return a table as the service reads it, and why its file cannot be read at all."""
    in_file, unread = _table_in_file(path, name)
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


def _flag(value: object) -> bool:
    """Return whether a setting says yes, also as text from the environment."""
    return _digits(value).lower() in ("true", "1", "yes", "on", "y", "t")


def _digits(value: object) -> str:
    """Return a whole number as its digits, however it is written: the service takes ``81.0`` and ``"8_080"``, too."""
    return str(value).strip().removesuffix(".0").replace("_", "")


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
