"""One writer to a battery, whatever runtime folders there are.

The lock in the runtime folder keeps two services with one configuration apart. Two configurations for one battery have
two folders; what they share is the machine. So each service that commands also holds a name in the kernel that is made
from the battery's address: a socket in Linux's abstract namespace (unix(7)). Unlike a file in ``/run/lock`` or ``/tmp``
it is reached from a sandbox with private and read-only folders, ends with its process, and nobody can delete it.
"""

from __future__ import annotations

import logging
import socket
import sys
from errno import EADDRINUSE
from types import TracebackType
from typing import Self

from optimizer.errors import LockedError
from optimizer.release.claim import claim_name, holder_of

logger = logging.getLogger("sunshift.service")

ASKERS = 4096
"""So many may ask who holds a battery before the kernel tells no more [1]: a neighbour's guard, for a day and a half.

Nobody takes them, so that they stay until this process ends; the kernel may keep fewer (net.core.somaxconn).
"""


class BatteryClaim:
    """Holds a battery for this process, against every other one on this machine.

    Parameters
    ----------
    address
        What the battery is called, see :func:`optimizer.release.target.battery_address`; None: nothing is to be held.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this process holds it: no other one on this machine commands the battery by this address."""
        return self._socket is not None

    def acquire(self) -> None:
        """Take the battery; where the system has no such names, this is told and nothing is held.

        Raises
        ------
        LockedError
            Another process commands it; the text says which and what to do.
        """
        if self._address is None or sys.platform != "linux":
            return
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            held.bind(claim_name(self._address))
            held.listen(ASKERS)
        except OSError as error:
            held.close()
            if error.errno == EADDRINUSE:
                raise LockedError(self._refusal()) from None
            logger.warning("nothing keeps a second service from commanding %s: %s", self._address, error.strerror)
            return
        self._socket = held

    def release(self) -> None:
        """Give the battery up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _refusal(self) -> str:
        found = holder_of(str(self._address))
        return (
            f"another sunshift commands the battery at {self._address}{f' (pid {found[0]})' if found else ''}, from "
            "another runtime folder: stop it first, or run this one with --observe"
        )
