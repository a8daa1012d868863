"""The few settings that handing back takes, out of a configuration that may be broken. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from optimizer.errors import ConfigError, ConfigProblem
from optimizer.release.folders import service_folders
from optimizer.release.tables import read_table
from optimizer.release.target import DEFAULT_PORTS, HAND_BACK_MODES, ReleaseTarget, battery_address
from optimizer.release.tokens import token_of_settings


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
    table, unread = read_table(path, "battery", environment)
    driver, mode = str(table.get("driver", "sonnen_v1")), str(table.get("hand_back_mode", "automatic"))
    host, port = str(table.get("host", "")).strip("[] "), _digits(table.get("port", DEFAULT_PORTS.get(driver, 0)))
    secret, no_token = _token(table, path, environment, host, port) if driver == "sonnen_v2" else ("", "")
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


def names_hand_back_mode(path: Path, environ: Mapping[str, str]) -> bool:
    """Return whether a configuration says itself which mode the battery is left in; a default is nobody's word."""
    table, _ = read_table(path, "battery", environ)
    return str(table.get("hand_back_mode")) in HAND_BACK_MODES


def configured_token(battery: ReleaseTarget, path: Path, environ: Mapping[str, str]) -> str:
    """Return the token of a battery that is at the configured host, whatever else the file says; else empty."""
    table, _ = read_table(path, "battery", environ)
    host, port = str(table.get("host", "")).strip("[] "), battery.tcp_port
    if battery.driver != "sonnen_v2" or battery_address(host, port) != battery.address:
        return ""
    return _token(table, path, environ, host, str(port))[0]


def only_observes(path: Path, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a configuration says that nothing is ever written to the battery (``[control] observe``)."""
    table, _ = read_table(path, "control", os.environ if environ is None else environ)
    return _flag(table.get("observe", False))


def _token(
    table: Mapping[str, object], path: Path, environ: Mapping[str, str], host: str, port: str
) -> tuple[str, str]:
    address = battery_address(host, int(port)) if port.isdecimal() and len(port) <= 5 else ""
    runtime_dirs = [folders.runtime_dir for folders in service_folders(path, environ)]
    known = [folder for folder in runtime_dirs if folder is not None]
    return token_of_settings(table, path.parent, environ, known, address)


def _flag(value: object) -> bool:
    """Return whether a setting says yes, also as text from the environment."""
    return _digits(value).lower() in ("true", "1", "yes", "on", "y", "t")


def _digits(value: object) -> str:
    """Return a whole number as its digits, however it is written: the service takes ``81.0`` and ``"8_080"``, too."""
    return str(value).strip().removesuffix(".0").replace("_", "")
