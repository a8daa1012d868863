"""An actuator by itself: told the time, what a status says and what to send, against a battery that only listens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime

from optimizer.control.actuation.actuator import Actuator
from optimizer.control.actuation.result import Actuation
from optimizer.control.options import ControlOptions
from optimizer.devices.port import Capabilities
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceError, DeviceInternalError, ExternalControl
from support.situations import BATTERY, situation_of

BEGAN_S = 1000.0
CHARGE, AUTOMATIC = Power(2000.0), Automatic()
MANUAL, AUTO, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP
LEASE_S, SETTLE_S, HOLD_OFF_S = 90.0, 30.0, 1800.0
NOW = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
REFUSED = DeviceInternalError("code 5")
REPLACES = "what replaces the command before cannot be sent"
PLANT = ExternalControl("the power plant commands")
THEIRS = "somebody else changed the battery's mode to backup"


@dataclass
class ListeningDevice:
    """Keeps what it is told, or raises ``error``."""

    can_set_mode: bool = True
    error: DeviceError | None = None
    writes: list[Setpoint | str] = field(default_factory=list)
    not_after_s: float = math.inf
    """Until when the last setpoint was to be sent [s]."""
    name: str = "a battery that listens"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_set_mode=self.can_set_mode)

    def read(self) -> Measurement:
        raise NotImplementedError

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        self.not_after_s = not_after_s
        self._take(setpoint)

    def release(self) -> None:
        self._take("release")

    def zero(self) -> None:
        self._take("zero")

    def close(self) -> None: ...

    def _take(self, what: Setpoint | str) -> None:
        self.writes.append(what)
        if self.error is not None:
            raise self.error


@dataclass
class Record:
    """What is on record: command, until when, for how long; None: nothing."""

    on_record: tuple[str, float, float] | None = None
    drops: int = 0

    def hold(self, command: str, *, until_s: float, length_s: float) -> None:
        self.on_record = command, until_s, length_s

    def stands(self) -> bool:
        return self.on_record is not None

    def drop(self) -> None:
        self.on_record = None
        self.drops += 1


class ToldActuator:
    """The actuator, its battery and its record; time starts at ``BEGAN_S``."""

    def __init__(self, *, can_set_mode: bool = True) -> None:
        self.device = ListeningDevice(can_set_mode=can_set_mode)
        self.record = Record()
        self.actuator = Actuator(self.device, BATTERY, ControlOptions(), self.record)
        self.now_s = BEGAN_S

    def after(self, seconds: float) -> ToldActuator:
        """Let time pass."""
        self.now_s += seconds
        return self

    def at(self, seconds: float) -> ToldActuator:
        """Let time pass until so long after it started."""
        self.now_s = BEGAN_S + seconds
        return self

    def send(self, setpoint: Setpoint, *, error: DeviceError | None = None) -> Actuation:
        """Bring the battery to a setpoint, if anything is due."""
        self.device.error = error
        return self.actuator.actuate(setpoint, self.now_s)

    def release(self, *, error: DeviceError | None = None) -> Actuation:
        """Hand the battery back."""
        self.device.error = error
        return self.actuator.release("the end", self.now_s)

    def sees(
        self,
        mode: OperatingMode = OperatingMode.MANUAL,
        *,
        echo_w: float | None = None,
        power_w: float = 2000.0,
        error: DeviceError | None = None,
        **says: object,
    ) -> Actuation | None:
        """Read back a status that ``says`` more than that; a write that follows from it meets ``error``."""
        self.device.error = error
        says = {"device_time": None, **says}
        measurement = self._status(mode, reported_setpoint_w=echo_w, battery_power_w=power_w, **says)
        return self.actuator.notice(measurement, self.now_s)

    def doubts(
        self,
        mode: OperatingMode | None,
        *,
        interval_over: bool = False,
        error: DeviceError | None = None,
        device_time: datetime | None = None,
        reasons: tuple[str, ...] = (),
    ) -> Actuation | None:
        """Have a status that no command may rest on, or none at all."""
        self.device.error = error
        doubtful = None if mode is None else self._status(mode, device_time=device_time, reasons=reasons)
        return self.actuator.unreadable(self.now_s, interval_over=interval_over, doubtful=doubtful)

    def leaves_alone(self, mode: OperatingMode, *, left_over: bool) -> Actuation:
        """Stand down at the start."""
        return self.actuator.leave_to_others("it was chosen", self._status(mode), self.now_s, left_over=left_over)

    def _status(self, mode: OperatingMode, **says: object) -> Measurement:
        return replace(situation_of().measurement, elapsed_s=self.now_s, mode=mode, **says)  # type: ignore[arg-type]

    @property
    def writes(self) -> list[Setpoint | str]:
        """Return what was sent."""
        return self.device.writes


def charging() -> ToldActuator:
    """Return one that has commanded and seen a charge of 2000 W, at 1000 s."""
    it = ToldActuator()
    assert it.send(CHARGE).outcome is Outcome.APPLIED
    assert it.sees(echo_w=2000.0) is None
    return it


def automatic() -> ToldActuator:
    """Return one that has asked for automatic mode and seen it, at 1000 s."""
    it = ToldActuator()
    it.send(AUTOMATIC)
    assert it.sees(AUTO) is None
    return it


def released() -> ToldActuator:
    """Return one that has handed back a charge of 2000 W, at 1000 s."""
    it = charging()
    assert it.release() == Actuation(outcome=Outcome.HANDED_BACK, note="the end")
    return it


def stood_down(why: str) -> Actuation:
    return Actuation(outcome=Outcome.STOOD_DOWN, note=why)
