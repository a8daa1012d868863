"""What the service leaves word of for those who hand back after it. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NOTHING_TO_RELEASE = "nothing-to-release"
"""File that the service leaves in its runtime folder while it only observes and once it has handed the battery back by
itself. Whatever else happens it is not there, so that in doubt the battery is released."""

REFUSED = 69
"""Exit status of a service that was refused because another one commands the battery (EX_UNAVAILABLE, sysexits.h)."""


def was_refused(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether this runs after a service that was refused: what stands at the battery is another one's.

    systemd says how a service ended to its ``ExecStopPost=`` commands and, from version 251 on, to its ``OnFailure=``
    units (systemd.exec(5)). Where nothing is said the battery is released.
    """
    given = os.environ if environ is None else environ
    return str(REFUSED) in (given.get("EXIT_STATUS"), given.get("MONITOR_EXIT_STATUS"))


def needs_release(runtime_dir: Path | None) -> bool:
    """Return whether a service that has ended may have left a command standing; in doubt it may."""
    if runtime_dir is None:
        return True
    try:
        (runtime_dir / NOTHING_TO_RELEASE).stat()
    except (OSError, ValueError):
        return True
    return False
