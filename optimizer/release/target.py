"""A battery to hand back: how it is reached, and what it is left in. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

DEFAULT_PORTS = {"sonnen_v1": 8080, "sonnen_v2": 80, "simulated": 0}
HAND_BACK_MODES = ("automatic", "time_of_use", "backup")
STANDARD_PORTS = (80, 8080)
"""The ports on which one and the same sonnenBatterie answers to API V2 and V1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTarget:
    """The battery to hand back, and how."""

    driver: str
    """``sonnen_v1``, ``sonnen_v2``, or ``simulated``: in the service's own process, gone with it."""
    host: str = ""
    port: int = 0
    """0: the usual one of the driver."""
    mode_control: bool = False
    """Whether a V1 device has the mode call; V2 always has."""
    hand_back_mode: str = "automatic"
    token: str = field(default="", repr=False)
    found_at: str = ""
    """Address at which a battery that is known by name was found last; empty: none is known."""

    @property
    def sets_mode(self) -> bool:
        """Whether it has a mode call."""
        return self.driver == "sonnen_v2" or self.mode_control

    @property
    def tcp_port(self) -> int:
        """Where it answers."""
        return self.port or DEFAULT_PORTS[self.driver]

    @property
    def address(self) -> str:
        """What the battery is called on this machine, see :func:`battery_address`."""
        return "simulated" if self.driver == "simulated" else battery_address(self.host, self.tcp_port)

    def as_record(self) -> dict[str, object]:
        """Return what goes on record with a command: everything but the token."""
        return {
            "driver": self.driver,
            "host": self.host,
            "port": self.tcp_port,
            "mode_control": self.mode_control,
            "hand_back_mode": self.hand_back_mode,
            **({"found_at": self.found_at} if self.found_at else {}),
        }

    @classmethod
    def from_record(cls, told: object) -> Self | None:
        """Return the battery that a record names; None where it names none that could be handed back."""
        if not isinstance(told, Mapping):
            return None
        words = [told.get(key) for key in ("driver", "host", "hand_back_mode")]
        driver, host, mode = (word if isinstance(word, str) else "" for word in words)
        port, mode_control = told.get("port"), told.get("mode_control")
        if driver not in DEFAULT_PORTS or mode not in HAND_BACK_MODES or not (host or driver == "simulated"):
            return None
        if (
            not isinstance(port, int)
            or isinstance(port, bool)
            or not 0 <= port < 65536
            or not isinstance(mode_control, bool)
        ):
            return None
        found_at = told.get("found_at")
        return cls(
            driver=driver,
            host=host,
            port=port,
            mode_control=mode_control,
            hand_back_mode=mode,
            found_at=found_at if isinstance(found_at, str) else "",
        )


def battery_address(host: str, port: int) -> str:
    """Return what one battery is called on this machine, whichever of its interfaces is used.

    A name and an address of the same battery are not recognised as one.
    """
    name = host.lower().strip("[]").rstrip(".")
    if port in STANDARD_PORTS and not _is_loopback(name):
        return name
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
