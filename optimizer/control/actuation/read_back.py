"""Accepted is not obeyed: what a status says about the command that stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power

ECHO_TOLERANCE_W = 25.0
"""How far the device's echo may lie from the power sent: it keeps whole watts and may round to its own steps [W]."""
IDLE_W = 100.0
"""A battery that was told to do nothing and does less than this obeys, as for ``sunshift release`` [W]."""


class Finding(StrEnum):
    """What a read-back comes to."""

    AS_SENT = auto()
    """Mode and echo are as commanded."""
    LOST = auto()
    """The command is gone, as after the battery's nightly restart."""
    FOREIGN = auto()
    """Somebody else has changed mode or setpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """A finding and its words for a person."""

    finding: Finding
    message: str = ""


def read_back(standing: Power, measurement: Measurement, *, after_restart: bool, settled: bool) -> ReadBack:
    """Compare a status with the forced command that stands.

    Parameters
    ----------
    after_restart
        Whether the battery could not be read for a while before: a restart forgets commands, nobody else needs to have
        touched it.
    settled
        Whether the command has stood long enough to be echoed.
    """
    if measurement.mode not in MAY_BE_MANUAL:
        # A restart may end in automatic mode; any other is somebody's choice, outage or not.
        if after_restart and (measurement.mode is OperatingMode.AUTOMATIC or not settled):
            return ReadBack(finding=Finding.LOST, message=f"after an outage the battery is in mode {measurement.mode}")
        if settled:
            return ReadBack(finding=Finding.FOREIGN, message=changed_by_somebody(measurement.mode))
    echo_w = measurement.reported_setpoint_w
    if echo_w is None or not settled or echoes(echo_w, standing.battery_power_w):
        return ReadBack(finding=Finding.AS_SENT)
    if after_restart or echoes(echo_w, 0.0):
        return ReadBack(finding=Finding.LOST, message="the battery has forgotten its setpoint")
    if tells(echo_w, standing.battery_power_w):
        return ReadBack(finding=Finding.AS_SENT)
    who = "battery care, it seems," if cares(measurement, echo_w, standing) else "somebody else"
    message = f"{who} set {Power(echo_w)} (ours was {standing})"
    return ReadBack(finding=Finding.FOREIGN, message="; ".join((message, *measurement.reasons)))


def cares(measurement: Measurement, power_w: float, standing: Power) -> bool:
    """Return whether it seems to be battery care that charges.

    It shows in no mode, and an empty battery may forbid to be discharged as well: what charges more than it was told
    while it does is most likely care.
    """
    return measurement.discharge_allowed is False and power_w - standing.battery_power_w > IDLE_W


def changed_by_somebody(mode: OperatingMode) -> str:
    """Return in words that somebody chose a mode."""
    return f"somebody else changed the battery's mode to {mode}"


def echoes(echo_w: float, power_w: float) -> bool:
    """Return whether an echo is of a power."""
    return abs(echo_w - power_w) <= ECHO_TOLERANCE_W


def tells(echo_w: float, power_w: float) -> bool:
    """Return whether an echo is of a power, or of what the device's own limits leave of it, as near full."""
    is_less = echo_w * power_w > 0.0 and abs(echo_w) < abs(power_w)
    return is_less or echoes(echo_w, power_w)


def is_back(measurement: Measurement, *, can_set_mode: bool) -> bool:
    """Return whether a status shows that the battery is handed back.

    One whose mode can be set has left manual mode. One whose mode cannot be set, or is not told, may stay in it, with
    its setpoint zeroed: it says so itself, or does nothing.
    """
    if measurement.mode is not OperatingMode.UNKNOWN and (can_set_mode or measurement.mode is not OperatingMode.MANUAL):
        return measurement.mode is not OperatingMode.MANUAL
    if measurement.reported_setpoint_w is not None:
        return echoes(measurement.reported_setpoint_w, 0.0)
    return abs(measurement.battery_power_w) <= IDLE_W


def shown_w(measurement: Measurement) -> float:
    """Return the power that stands as far as the battery tells: its echo, or what flows [W]."""
    echo_w = measurement.reported_setpoint_w
    return measurement.battery_power_w if echo_w is None else echo_w
