"""Paths in the configuration, and the folders a service may write to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer

_base: ContextVar[Path | None] = ContextVar("folder of the configuration file", default=None)


@contextmanager
def paths_relative_to(folder: Path) -> Iterator[None]:
    """Read relative paths as lying in ``folder`` while settings are built."""
    token = _base.set(folder)
    try:
        yield
    finally:
        _base.reset(token)


def resolve(path: Path) -> Path:
    """Return ``path`` made absolute: relative to the configuration file, the home folder for ``~``.

    Raises
    ------
    ValueError
        The home folder of a user who does not exist is meant, or no path at all.
    """
    if "\0" in str(path):
        raise ValueError("holds a null character, which no path does")
    try:
        return ((_base.get() or Path()) / path.expanduser()).absolute()
    except RuntimeError:
        msg = f"this machine has no user {path.parts[0].removeprefix('~')!r}: write the folder itself instead of ~"
        raise ValueError(msg) from None


def readable(path: Path) -> Path:
    """Return ``path`` made absolute.

    Raises
    ------
    ValueError
        There is no such file, or it cannot be read.
    """
    found = resolve(path)
    try:
        if found.is_dir():
            msg = f"is a folder, a file is wanted: {found}"
            raise ValueError(msg)
        with found.open("rb"):
            return found
    except FileNotFoundError:
        msg = f"no such file: {found} (a relative path is taken from the folder of the configuration file)"
    except OSError as error:
        msg = f"cannot be read: {found} ({error.strerror}); check its owner and mode"
    raise ValueError(msg)


AnyPath = Annotated[Path, AfterValidator(resolve), PlainSerializer(str, return_type=str)]
"""A path, made absolute."""
ReadableFile = Annotated[Path, AfterValidator(readable), PlainSerializer(str, return_type=str)]
"""A file that exists and can be read."""


def default_state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return where history is kept: systemd's folder, else the user's own.

    Follows ``$STATE_DIRECTORY`` (systemd.exec) and ``$XDG_STATE_HOME`` (XDG base directory specification).
    """
    given = os.environ if environ is None else environ
    if given.get("STATE_DIRECTORY"):
        return Path(given["STATE_DIRECTORY"].split(":")[0])
    home = given.get("XDG_STATE_HOME")
    return (Path(home) if home else _home(given) / ".local" / "state") / "sunshift"


def default_runtime_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return where status, lock and lease live: systemd's folder, else the session's, else the state folder's.

    Follows ``$RUNTIME_DIRECTORY`` (systemd.exec) and ``$XDG_RUNTIME_DIR`` (XDG base directory specification).
    """
    given = os.environ if environ is None else environ
    if given.get("RUNTIME_DIRECTORY"):
        return Path(given["RUNTIME_DIRECTORY"].split(":")[0])
    if given.get("XDG_RUNTIME_DIR"):
        return Path(given["XDG_RUNTIME_DIR"]) / "sunshift"
    return default_state_dir(given) / "run"


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
