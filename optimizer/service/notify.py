"""What systemd is told: the protocol of sd_notify(3), with the standard library alone.

Outside systemd there is no ``$NOTIFY_SOCKET`` and every call does nothing.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

logger = logging.getLogger("sunshift.service")


class Notifier:
    """Sends state changes to the service manager; never raises, never blocks.

    Parameters
    ----------
    address
        Value of ``$NOTIFY_SOCKET``: a path, or ``@name`` for an abstract socket; None: nobody listens.
    watchdog_s
        Within how long the service manager wants a sign of progress [s]; None: it does not watch.
    """

    def __init__(self, address: str | None = None, *, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = _socket_address(address) if address else None
        self._last_status = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Notifier:
        """Return the notifier that systemd's variables ask for."""
        given = os.environ if environ is None else environ
        return cls(given.get("NOTIFY_SOCKET"), watchdog_s=_watchdog_s(given))

    def ready(self) -> None:
        """Tell that the service is up."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Show one line in ``systemctl status``; an unchanged one is not repeated."""
        line = " ".join(text.split())
        if line != self._last_status:
            self._last_status = line
            self._send(f"STATUS={line}")

    def watchdog(self) -> None:
        """Tell that verified progress was made; call it for nothing less."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the service is going down."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A full queue must not hold up control: a lost line is made good by the next one.
                sender.setblocking(False)
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            logger.debug("systemd was not told %s: %s", message, error)


def _socket_address(address: str) -> str:
    return "\0" + address[1:] if address.startswith("@") else address


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the watchdog's time, unless it is meant for another process (sd_watchdog_enabled(3)) [s]."""
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        addressee = int(environ.get("WATCHDOG_PID") or os.getpid())
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and addressee == os.getpid() else None
