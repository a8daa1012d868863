"""A battery that may ignore, refuse, forget or hide anything, and remembers by itself whose power it keeps."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from optimizer.devices.port import Capabilities
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Power, Setpoint
from optimizer.errors import DeviceUnreachable, ExternalControl
from support.situations import situation_of

MANUAL, AUTOMATIC = OperatingMode.MANUAL, OperatingMode.AUTOMATIC
BEGAN = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
TYPICAL = situation_of().measurement


@dataclass
class WaywardBattery:
    """One whose every whim is an attribute; time is told to it."""

    random: Random
    can_set_mode: bool = True
    tells_mode: bool = True
    tells_echo: bool = False
    lag_s: float = 0.0
    """How old a status is."""
    limit_w: float = math.inf
    """The most that it does, whatever it is told; what it tells is what it does."""

    ignores_power: bool = False
    ignores_zero: bool = False
    ignores_mode: bool = False
    refuses: bool = False
    takes_half: bool = False
    """Whether manual mode is entered, and no power taken."""
    loses_answers: bool = False
    plant_commands: bool = False
    is_frozen: bool = False
    hand_back_mode: OperatingMode = AUTOMATIC

    now_s: float = 0.0
    mode: OperatingMode = AUTOMATIC
    stored_w: float = 0.0
    is_ours: bool = False
    """Whether what it keeps was sent by us, and no hand-back of it could be believed since."""
    was_told_to_forget: bool = False
    writes: list[Setpoint | str] = field(default_factory=list)
    name: str = "a wayward battery"
    _past: deque[Measurement] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if not self.can_set_mode:
            self.mode = MANUAL

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_set_mode=self.can_set_mode, hand_back_mode=self.hand_back_mode)

    @property
    def acts(self) -> bool:
        """Whether it does what it keeps."""
        return self.mode is MANUAL

    def tick(self, now_s: float) -> None:
        """Let time pass, and note what there is to be seen."""
        self.now_s = now_s
        if not self.is_frozen:
            self._past.append(self._seen())
        while len(self._past) > 1 and self._past[1].elapsed_s <= now_s - self.lag_s:
            self._past.popleft()
        if self.was_told_to_forget and not self.acts:
            self.is_ours = False  # no status could tell that it keeps it all the same

    def status(self) -> Measurement:
        """Return what it tells, as late as it does."""
        return replace(self._past[0], elapsed_s=self.now_s)

    def choose(self, mode: OperatingMode) -> None:
        """Have somebody choose a mode; what it keeps stays beneath."""
        self.mode = mode

    def set_foreign(self, power_w: float) -> None:
        """Have somebody else command it."""
        self.mode, self.stored_w, self.is_ours = MANUAL, power_w, False

    def heal(self) -> None:
        """Do as told from now on, with nobody else about."""
        self.ignores_power = self.ignores_zero = self.ignores_mode = self.refuses = self.takes_half = False
        self.loses_answers = self.plant_commands = self.is_frozen = False
        if self.can_set_mode:
            self.mode = AUTOMATIC

    def restart(self, mode: OperatingMode) -> None:
        """Forget what it keeps, as in its nightly restart, which may end in any mode."""
        self.mode, self.stored_w, self.is_ours = mode, 0.0, False

    def guard(self) -> None:
        """Be handed back by somebody else on our behalf."""
        self._leave(self.hand_back_mode)

    # -- the port -----------------------------------------------------------------------------------------------

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        self._hear(setpoint)
        if isinstance(setpoint, Power):
            self._enter()
            if self.takes_half:
                raise DeviceUnreachable("refused after manual mode was entered")
            if self.plant_commands:
                raise ExternalControl("a power plant commands")
            if not self.ignores_power:
                self.stored_w, self.is_ours, self.was_told_to_forget = setpoint.battery_power_w, True, False
        else:
            self._leave(AUTOMATIC)
        self._answer()

    def release(self) -> None:
        self._hear("release")
        self._leave(self.hand_back_mode)
        self._answer()

    def zero(self) -> None:
        self._hear("zero")
        self._forget()
        self._answer()

    def read(self) -> Measurement:
        return self.status()

    def close(self) -> None: ...

    def _hear(self, what: Setpoint | str) -> None:
        self.writes.append(what)
        if self.refuses:
            raise DeviceUnreachable("refused")

    def _answer(self) -> None:
        if self.loses_answers:
            raise DeviceUnreachable("the answer was lost")

    def _enter(self) -> None:
        if self.can_set_mode and self.mode is not MANUAL:
            if not self.ignores_zero:
                self.stored_w = 0.0
            if not self.ignores_mode:
                self.mode = MANUAL

    def _leave(self, mode: OperatingMode) -> None:
        self._forget()
        if self.can_set_mode and not self.ignores_mode:
            self.mode = mode

    def _forget(self) -> None:
        self.was_told_to_forget = True
        if not self.ignores_zero:
            self.stored_w = 0.0

    def _seen(self) -> Measurement:
        serves_house_w = self.random.uniform(-2500.0, 2500.0)
        does_w = max(-self.limit_w, min(self.stored_w, self.limit_w))
        return replace(
            TYPICAL,
            elapsed_s=self.now_s,
            device_time=BEGAN + timedelta(seconds=self.now_s),
            mode=self.mode if self.tells_mode else OperatingMode.UNKNOWN,
            reported_setpoint_w=does_w if self.tells_echo else None,
            battery_power_w=does_w if self.acts else serves_house_w,
        )
