"""Where a running service is to be found, out of a configuration that may be broken elsewhere."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from optimizer.errors import ConfigError, ConfigProblem, SunshiftError
from optimizer.release.folders import configured_folder

SYSTEM_RUNTIME_DIR, SYSTEM_STATE_DIR = Path("/run/sunshift"), Path("/var/lib/sunshift")
"""Where systemd puts the service of ``systemd/sunshift.service``."""


def add_folder_arguments(parser: argparse.ArgumentParser, *, config_required: bool) -> None:
    """Add the arguments that say which service is meant."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        required=config_required,
        help="the service's configuration" + ("" if config_required else "; without it the usual folders are searched"),
    )


def runtime_dir_of(config: Path | None) -> Path:
    """Return the runtime folder of the service that uses ``config``.

    What the environment and the file say comes first; else the first of systemd's folder and the user's own that a
    service has written to.
    """
    told = _told(config, "runtime_dir")
    if told is not None:
        return told
    own = _default_runtime_dir()
    candidates = [own, SYSTEM_RUNTIME_DIR]
    return next((folder for folder in candidates if _is_written_to(folder)), own)


def _is_written_to(folder: Path) -> bool:
    """Return whether a service has written to a folder; one that may not be looked into is a service's."""
    try:
        (folder / "status.json").stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def state_dir_of(config: Path, runtime_dir: Path) -> Path:
    """Return the state folder of the service that uses ``config`` and has this runtime folder."""
    told = _told(config, "state_dir")
    if told is not None:
        return told
    return SYSTEM_STATE_DIR if runtime_dir == SYSTEM_RUNTIME_DIR else _default_state_dir()


def _told(config: Path | None, key: str) -> Path | None:
    """Return the folder that the environment or the file names, None where neither does."""
    if config is not None and not config.exists():
        # Whoever mistypes it must not be told that nothing runs.
        problem = ConfigProblem(path="", message="no such file; give the service's own configuration with --config")
        raise ConfigError(str(config), [problem])
    try:
        return configured_folder(config, key, os.environ)
    except RuntimeError:
        msg = f"this machine has no such user; write service.{key} without ~"
        raise SunshiftError(msg) from None


def _default_runtime_dir() -> Path:
    """Return the folder that the service takes by default, see :mod:`optimizer.settings.places`."""
    if os.environ.get("RUNTIME_DIRECTORY"):
        return Path(os.environ["RUNTIME_DIRECTORY"].split(":")[0])
    if os.environ.get("XDG_RUNTIME_DIR"):
        return Path(os.environ["XDG_RUNTIME_DIR"]) / "sunshift"
    return _default_state_dir() / "run"


def _default_state_dir() -> Path:
    """Return the state folder that the service takes by default."""
    state = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    home = os.environ.get("XDG_STATE_HOME")
    return Path(state) if state else (Path(home) if home else Path.home() / ".local" / "state") / "sunshift"
