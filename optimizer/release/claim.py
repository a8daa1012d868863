"""The name in the kernel that a service holds for the battery it commands. Standard library only."""

from __future__ import annotations

import hashlib
import socket
from contextlib import suppress


def claim_name(address: str) -> str:
    """Return the name of a battery in Linux's abstract namespace (unix(7)), from what it is called on this machine."""
    return f"\0sunshift/battery/{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def is_claimed(address: str) -> bool:
    """Return whether a service on this machine commands a battery now; False where that cannot be told."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        asking.connect(claim_name(address))
        return True
    return False
