"""Whether a command of the CLI may write to the battery."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from optimizer.errors import LockedError
from optimizer.release.claim import LOCK_NAME, is_claimed, is_held
from optimizer.service.lock import holder


def refuse_while_held(runtime_dir: Path, *, what: str) -> None:
    """Refuse to write while the service holds the battery.

    Raises
    ------
    LockedError
        It does; the text says who and what to do.
    """
    if is_held(runtime_dir):
        raise LockedError(_refusal(_who(runtime_dir, what), what))


def refuse_while_commanded(addresses: Iterable[str], *, what: str) -> None:
    """Refuse to write to a battery that a service commands from other folders: another user's, or systemd's.

    Raises
    ------
    LockedError
        One does; the text says which battery and what to do.
    """
    for address in addresses:
        if is_claimed(address):
            raise LockedError(_refusal(f"it commands the battery at {address} from another runtime folder", what))


def _refusal(who: str, what: str) -> str:
    return (
        f"the service is running ({who}) and would command the battery again: stop it first, "
        f"`systemctl stop sunshift`, which hands the battery back by itself; `{what} --force` goes on all the same"
    )


def _who(runtime_dir: Path, what: str) -> str:
    if not os.access(runtime_dir / LOCK_NAME, os.R_OK):
        return f"or so it seems: {runtime_dir} may not be looked into, try `sudo {what}`"
    return str(holder(runtime_dir) or "it does not say who it is")
