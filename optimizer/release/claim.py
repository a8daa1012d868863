"""What a living service holds: a name in the kernel for its battery, a lock in its folders. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_NAME = "sunshift.lock"
"""File in a folder that a service holds (flock)."""
_PEER = struct.Struct("iII")
"""struct ucred: pid, uid, gid."""


def claim_name(address: str) -> str:
    """Return the name of a battery in Linux's abstract namespace (unix(7)), from what it is called on this machine."""
    return f"\0sunshift/battery/{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def is_claimed(address: str) -> bool:
    """Return whether somebody on this machine holds a battery's name now; False where that cannot be told.

    For whoever would disturb a service, and can be told so: any user may hold any name. Nobody takes the connections:
    once the queue is full of those who have asked before, that says the same.
    """
    try:
        with _asking(address):
            return True
    except BlockingIOError:
        return True
    except OSError:
        return False


def is_claimed_by_ours(address: str) -> bool:
    """Return whether a service that may be believed commands a battery now: root's, or one of the asking user.

    For whoever would leave a command standing for it. A name that anybody else holds proves nothing, nor does one
    whose holder cannot be told.
    """
    found = holder_of(address)
    return found is not None and found[1] in {0, os.geteuid()}


def holder_of(address: str) -> tuple[int, int] | None:
    """Return process and user that hold a battery's name, as the kernel knows them; None where it does not tell.

    It does not where nobody holds it, nor once its queue is full.
    """
    with suppress(OSError, ValueError, struct.error), _asking(address) as asking:
        pid, uid, _ = _PEER.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return pid, uid
    return None


@contextmanager
def _asking(address: str) -> Iterator[socket.socket]:
    """Connect to whoever holds a battery's name, without waiting: BlockingIOError where their queue is full."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        asking.connect(claim_name(address))
        yield asking


def is_held(folder: Path, *, in_doubt: bool = True) -> bool:
    """Return whether a process holds a folder now, ``in_doubt`` where one may not look.

    By default whoever may not look must not think that nobody does.
    """
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return in_doubt
    except (OSError, ValueError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no such locks there: nobody can hold one
    finally:
        os.close(descriptor)
    return False


def lease_folder_of_holder(folder: Path) -> Path | None:
    """Return the runtime folder of the service that holds a folder, by its own word; None where nobody says."""
    if not is_held(folder):
        return None
    try:
        # Where one may not look, one may not read either: then nobody says.
        told = json.loads((folder / LOCK_NAME).read_text(encoding="utf-8"))["runtime_dir"]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return Path(told) if isinstance(told, str) and told.startswith("/") else None
