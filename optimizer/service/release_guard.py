"""Whether a command of the CLI may write to the battery."""

from __future__ import annotations

from pathlib import Path

from optimizer.errors import LockedError
from optimizer.service.lock import holder, is_held


def refuse_while_held(runtime_dir: Path, *, what: str) -> None:
    """Refuse to write while the service holds the battery.

    Raises
    ------
    LockedError
        It does; the text says who and what to do.
    """
    if is_held(runtime_dir):
        msg = (
            f"the service is running ({holder(runtime_dir) or 'it does not say who it is'}) and would command the "
            f"battery again: stop it first, `systemctl stop sunshift`, which hands the battery back by itself; "
            f"`{what} --force` goes on all the same"
        )
        raise LockedError(msg)
