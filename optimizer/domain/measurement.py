"""What the battery said about itself and the house."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class OperatingMode(StrEnum):
    """Who decides the battery's power."""

    MANUAL = "manual"
    """The last setpoint stands."""
    AUTOMATIC = "automatic"
    """The battery's own self-consumption."""
    TIME_OF_USE = "time_of_use"
    """The battery's own schedule."""
    BACKUP = "backup"
    """Kept full for an outage."""
    OTHER = "other"
    """Any other mode the device names."""
    UNKNOWN = "unknown"
    """The device does not say (the plain V1 document)."""


MAY_BE_MANUAL = (OperatingMode.MANUAL, OperatingMode.UNKNOWN)
"""Modes in which a stored setpoint acts, or may."""


BESIDE_THE_STATUS = ("reported_setpoint_w", "discharge_allowed", "reasons")
"""What V2 tells in an answer of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One status of the battery, in the project's signs and units. Missing is None, never 0."""

    at: datetime
    """When it was read, by our clock (UTC)."""
    elapsed_s: float
    """When it was read, by the clock for ages [s]."""
    consumption_w: float
    """House load, battery excluded, >= 0 [W]."""
    production_w: float
    """PV production, >= 0 [W]."""
    battery_power_w: float
    """AC power of the battery, + charging [W]."""
    soc: float
    """User state of charge, 0..1."""
    reported_grid_power_w: float | None = None
    """Power at the grid connection as the device reports it, + importing [W]."""
    mode: OperatingMode = OperatingMode.UNKNOWN
    device_time: datetime | None = None
    """The device's own clock: local time without a zone. Only good for noticing that it froze."""
    on_grid: bool | None = None
    discharge_allowed: bool | None = None
    """False while battery care forbids it."""
    backup_soc: float | None = None
    """State of charge the device itself keeps in reserve, 0..1."""
    reported_setpoint_w: float | None = None
    """The device's echo of the commanded power, + charging [W] (V2 only)."""
    reasons: tuple[str, ...] = ()
    """Why the device does not follow, in its own words (V2 only)."""

    def says_the_same(self, other: Measurement) -> bool:
        """Return whether two looks found the same status in every word, the device's own clock included.

        What V2 tells beside its status does not count: that may go on while the status, and the mode in it, is frozen.
        """
        beside = {name: getattr(other, name) for name in BESIDE_THE_STATUS}
        return replace(self, at=other.at, elapsed_s=other.elapsed_s, **beside) == other

    def stands_still_since(self, earlier: Measurement) -> bool:
        """Return whether it says the same as an earlier look; a device that tells no time may rightly do so."""
        return self.device_time is not None and self.says_the_same(earlier)

    @property
    def grid_power_w(self) -> float:
        """Power at the grid connection: as reported, else from the balance; + importing [W]."""
        if self.reported_grid_power_w is not None:
            return self.reported_grid_power_w
        return self.consumption_w + self.battery_power_w - self.production_w

    @property
    def net_load_w(self) -> float:
        """House load less PV: what the battery and the grid together must serve [W]."""
        return self.consumption_w - self.production_w

    @property
    def balance_residual_w(self) -> float | None:
        """By how much the reported powers fail to add up [W]; None where the grid power is not reported."""
        if self.reported_grid_power_w is None:
            return None
        return self.reported_grid_power_w - (self.consumption_w + self.battery_power_w - self.production_w)
