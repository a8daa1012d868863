"""The folders in which the service leaves word for those who come after it. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optimizer.release.tables import read_table

VARIABLES = {"state_dir": "STATE_DIRECTORY", "runtime_dir": "RUNTIME_DIRECTORY"}
"""What systemd calls them (systemd.exec)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """One pair of folders."""

    state_dir: Path | None = None
    """What outlives a restart of the computer; None: nobody says where."""
    runtime_dir: Path | None = None
    """What the next boot finds empty; None: nobody says where."""


def systemd_folders(environ: Mapping[str, str]) -> Folders:
    """Return the folders that systemd gives a unit, the first where it gives several."""
    state, runtime = (environ.get(variable, "").partition(":")[0] for variable in VARIABLES.values())
    return Folders(state_dir=Path(state) if state else None, runtime_dir=Path(runtime) if runtime else None)


def service_folders(config: Path | None, environ: Mapping[str, str] | None = None) -> tuple[Folders, ...]:
    """Return where the service that uses a configuration writes, and where another on this machine may have.

    The configured folders come first, systemd's in place of one that is not configured. Systemd's own follow where they
    are others: a configuration that was given folders of its own since knows nothing of what stands on record there.

    Parameters
    ----------
    config
        The file, which may be broken or missing; None: the environment alone.
    environ
        The environment, by default that of the process.
    """
    given = os.environ if environ is None else environ
    usual = systemd_folders(given)
    first = Folders(
        state_dir=_named(config, "state_dir", given) or usual.state_dir,
        runtime_dir=_named(config, "runtime_dir", given) or usual.runtime_dir,
    )
    return (first,) if first == usual else (first, usual)


def configured_folder(config: Path | None, key: str, environ: Mapping[str, str]) -> Path | None:
    """Return the folder that the environment or the file names; None where neither does, or in no words of a path.

    Raises
    ------
    RuntimeError
        The home folder of a user who does not exist is meant.
    """
    told = read_table(config, "service", environ)[0].get(key)
    if not isinstance(told, str) or "\0" in told:
        return None
    return ((Path() if config is None else config.parent) / Path(told).expanduser()).absolute()


def _named(config: Path | None, key: str, environ: Mapping[str, str]) -> Path | None:
    """Return a configured folder, None also where nobody could write there."""
    try:
        return configured_folder(config, key, environ)
    except RuntimeError:
        return None
