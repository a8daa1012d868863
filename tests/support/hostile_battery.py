"""A simulated battery in process that fails as batteries fail, and knows whose command stands at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto

from optimizer.clock import SimulatedClock
from optimizer.devices.port import Capabilities
from optimizer.devices.simulated.device import SimulatedDevice
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceInternalError, DeviceTimeout, DeviceUnreachable, ExternalControl

FROZEN_BELIEVED_S = 60.0
"""How long data that does not move may pass for fresh before it is seen to have frozen [s]."""
IDLE_W = 100.0
"""What a battery that was told to stand idle does at most [W]."""
POWER_FADES_S = 5.0
"""How long it takes to come to that [s]."""
ECHO_SETTLES_S = 30.0
"""How long an echo of the command before says nothing against a new one [s]."""


class ReadFault(StrEnum):
    """What can be wrong with a status."""

    NONE = auto()
    REFUSED = auto()
    TIMEOUT = auto()
    FROZEN = auto()
    SOC_255 = auto()
    POWER_200_KW = auto()
    UNBALANCED = auto()


class WriteFault(StrEnum):
    """What can be wrong with a write."""

    NONE = auto()
    REFUSED = auto()
    TIMEOUT = auto()
    LOST_AFTER_EFFECT = auto()
    HALF = auto()
    """The setpoint is zeroed, the mode call fails."""
    IGNORED = auto()
    """Acknowledged without effect."""
    ONE_WAY = auto()
    """Every power that discharges is refused, zero and the mode call are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One wish of a client that reached the battery."""

    at_s: float
    setpoint: Setpoint | None
    """None: a hand-back."""
    enters: bool
    """Whether it took the battery out of a mode of its own."""


@dataclass(slots=True)
class Ledger:
    """Whose command stands, since when it is unverified, and when it could have been taken back."""

    writes: list[Write] = field(default_factory=list)
    ours: bool = False
    """Whether a forced command of ours stands, idle included, acting or latent."""
    verified_s: float = 0.0
    """When a true status last showed it [s]."""
    blocked_s: float = 0.0
    """When a hand-back would last have failed, or nobody was awake to try [s]."""
    ignored: bool = False
    """Whether a plain unit has acknowledged a hand-back without effect, and nothing was sent since."""
    sent_w: float = 0.0
    """The last forced power that was sent, whatever became of it [W]."""
    sent_s: float = 0.0
    """Since when it is sent [s]."""
    stored_w: float = 0.0
    """The power that our last command left stored, in whatever mode; 0: none, or none that a status could tell [W]."""
    accepted_w: float = 0.0
    """The last forced power that was acknowledged or took effect [W]."""


class HostileBattery:
    """A :class:`optimizer.devices.port.BatteryDevice`.

    Parameters
    ----------
    house
        The house behind it.
    clock
        Moved forward by what takes long.
    mode_control, echo
        What the unit offers: the mode call, and the echo of mode and setpoint.
    hand_back_mode
        What it is handed back to, where it has the mode call.
    names_mode
        Whether a unit with the mode call tells its mode; one without it does not.
    """

    def __init__(
        self,
        house: SimulatedHouse,
        clock: SimulatedClock,
        *,
        mode_control: bool,
        echo: bool,
        hand_back_mode: DeviceMode = DeviceMode.AUTOMATIC,
        names_mode: bool = True,
    ) -> None:
        self.house, self.clock, self.ledger = house, clock, Ledger()
        self.read_fault, self.write_fault = ReadFault.NONE, WriteFault.NONE
        self.takes_s: Callable[[float], None] = lambda _: None
        """Lets time pass while a call hangs."""
        self.last_told: Measurement | None = None
        """The last status that a client was told."""
        self._inner = SimulatedDevice(house, mode_control=mode_control)
        self._names_mode = names_mode and mode_control
        self._mode_control, self._echo, self.hand_back_mode = mode_control, echo, hand_back_mode
        self._frozen: Measurement | None = None
        self._frozen_since_s = 0.0

    @property
    def name(self) -> str:
        return "hostile battery"

    @property
    def capabilities(self) -> Capabilities:
        back = self.hand_back_mode.operating_mode
        return Capabilities(can_set_mode=self._mode_control, hand_back_mode=back, echoes_setpoint=self._echo)

    # -- reads --------------------------------------------------------------------------------------------------

    def read(self) -> Measurement:
        if self.read_fault is ReadFault.REFUSED:
            raise DeviceUnreachable("reads are refused")
        if self.read_fault is ReadFault.TIMEOUT:
            self.takes_s(5.0)
            raise DeviceUnreachable("reads time out")
        told = self._distorted(self._truth())
        self.last_told = told
        return told

    def _truth(self) -> Measurement:
        told = self._inner.read()
        if not self._names_mode:
            told = replace(told, mode=OperatingMode.UNKNOWN)
        return told if self._echo else replace(told, reported_setpoint_w=None, reasons=())

    def _distorted(self, told: Measurement) -> Measurement:
        if self.read_fault is not ReadFault.FROZEN:
            self._frozen = None
        match self.read_fault:
            case ReadFault.FROZEN:
                return self._freeze(told)
            case ReadFault.SOC_255:
                return replace(told, soc=2.55)
            case ReadFault.POWER_200_KW:
                return replace(told, battery_power_w=200_000.0)
            case ReadFault.UNBALANCED:
                return replace(told, reported_grid_power_w=told.grid_power_w + 5000.0)
            case _:
                self._forgive(told)
                self._verify(told)
                return told

    def _freeze(self, told: Measurement) -> Measurement:
        if self._frozen is None:
            self._frozen, self._frozen_since_s = told, self.clock.elapsed()
        if self.clock.elapsed() - self._frozen_since_s <= FROZEN_BELIEVED_S:
            self._verify(self._frozen)
        return replace(self._frozen, at=told.at, elapsed_s=told.elapsed_s)

    def _verify(self, told: Measurement) -> None:
        """Note that a status shows the command, and not one before it because that was ignored."""
        in_manual = told.mode in (OperatingMode.MANUAL, OperatingMode.UNKNOWN)
        if self.ledger.ours and in_manual and not self._tells_one_before(told.reported_setpoint_w):
            self.ledger.verified_s = self.clock.elapsed()

    def _tells_one_before(self, echo_w: float | None) -> bool:
        """Whether an echo is of another command than the accepted one, and not what a limit may have left of that.

        Where there is none, nothing is shown while the last command that was sent is not the accepted one.
        """
        accepted_w = self.ledger.accepted_w
        if echo_w is None:
            return accepted_w != self.ledger.sent_w
        settled = self.clock.elapsed() - self.ledger.sent_s >= ECHO_SETTLES_S
        if not settled or not echo_w or echo_w != self.house.setpoint_w or echo_w == self.ledger.sent_w:
            return False
        return echo_w * accepted_w <= 0.0 or abs(echo_w) > abs(accepted_w)

    # -- writes -------------------------------------------------------------------------------------------------

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        if isinstance(setpoint, Automatic):
            self._note(setpoint)
            self._hand_back(DeviceMode.AUTOMATIC)
            return
        if self.clock.elapsed() > not_after_s:
            raise DeviceTimeout("the command was held up")
        self._note(setpoint)
        power_w = float(round(setpoint.battery_power_w))
        if power_w != self.ledger.sent_w:
            self.ledger.sent_w, self.ledger.sent_s = power_w, self.clock.elapsed()
        self._answer_first()
        self.ledger.ignored = False
        if self.write_fault is WriteFault.IGNORED:
            self.ledger.accepted_w = power_w
            return
        if self._mode_control and self.house.mode is not DeviceMode.MANUAL:
            self.house.command(0.0)
            self._half()
            self.house.set_mode(DeviceMode.MANUAL)
            self._stand()
        self._half()
        self._refuse_one_way(power_w)
        if not self.ledger.ours:
            self._stand()
        self.house.command(power_w)
        self.ledger.accepted_w = self.ledger.stored_w = power_w
        self._lose()

    def release(self) -> None:
        self._note(None)
        self._hand_back(self.hand_back_mode)

    def zero(self) -> None:
        if not self._zeroed():
            return
        self.ledger.ours = self.ledger.ours and self._mode_control and self.house.mode is DeviceMode.MANUAL
        self._lose()

    def meet_a_stranger(self) -> None:
        """Note that who reads from now on has not seen what was told before."""
        self._frozen_since_s = self.clock.elapsed()

    def close(self) -> None:
        pass

    def _zeroed(self) -> bool:
        """Zero the setpoint; return whether that had an effect."""
        self._answer_first()
        self.ledger.stored_w = 0.0
        if self.write_fault is WriteFault.IGNORED:
            self.ledger.ignored = not self._mode_control
            return False
        self.house.command(0.0)
        return True

    def _hand_back(self, mode: DeviceMode) -> None:
        if not self._zeroed():
            return
        if self._mode_control:
            self._half()
            self.house.set_mode(mode)
        self.ledger.ours = False
        self._lose()

    # -- the guard: past the ledger of the service's writes ------------------------------------------------------------

    def told_to_others(self) -> Measurement:
        """Return what a client that nobody waits for is told."""
        if self.read_fault in (ReadFault.REFUSED, ReadFault.TIMEOUT):
            raise DeviceUnreachable("reads fail")
        told = self._truth()
        self._forgive(told)
        return self._frozen if self.read_fault is ReadFault.FROZEN and self._frozen is not None else told

    def guard_sets_mode(self) -> None:
        """Set the mode to hand back to."""
        self._answer_first()
        if self.write_fault is not WriteFault.IGNORED:
            self._half()
            self.house.set_mode(self.hand_back_mode)
            self.ledger.ours = self.ledger.ours and bool(self.house.setpoint_w)
            self._lose()

    def _forgive(self, told: Measurement) -> None:
        """Forgive what no status shows: a plain unit that ignored the hand-back and happens to do something else."""
        ours_w = self.house.setpoint_w or 0.0
        shown_w = told.battery_power_w if told.reported_setpoint_w is None else told.reported_setpoint_w
        shows = abs(shown_w) > IDLE_W and abs(shown_w - ours_w) <= max(250.0, 0.15 * abs(ours_w))
        if self.ledger.ignored and not shows:
            self.ledger.ours = self.ledger.ignored = False

    def _note(self, setpoint: Setpoint | None) -> None:
        enters = isinstance(setpoint, Power) and self.house.mode is not DeviceMode.MANUAL
        self.ledger.writes.append(Write(at_s=self.clock.elapsed(), setpoint=setpoint, enters=enters))

    def _stand(self) -> None:
        self.ledger.ours, self.ledger.verified_s = True, self.clock.elapsed()

    def _answer_first(self) -> None:
        if self.write_fault is WriteFault.TIMEOUT:
            self.takes_s(5.0)
        if self.write_fault in (WriteFault.REFUSED, WriteFault.TIMEOUT):
            raise DeviceUnreachable("writes are refused")
        if self.house.availability() is not Availability.UP:
            raise DeviceUnreachable("the battery restarts")
        if self.house.vpp_active:
            raise ExternalControl("a virtual power plant has priority; wait until it leaves")

    def _half(self) -> None:
        if self.write_fault is WriteFault.HALF:
            raise DeviceUnreachable("the second half of a write is lost")

    def _refuse_one_way(self, power_w: float) -> None:
        if self.write_fault is WriteFault.ONE_WAY and power_w < 0.0:
            raise DeviceInternalError("discharging is refused with return code 13")

    def _lose(self) -> None:
        if self.write_fault is WriteFault.LOST_AFTER_EFFECT:
            raise DeviceUnreachable("the answer is lost after the write took effect")

    # -- others -------------------------------------------------------------------------------------------------

    def taken_over(self) -> None:
        """Note that what stands now is somebody else's."""
        self.ledger.ours = False

    @property
    def ours_stands(self) -> bool:
        """Whether a forced command of ours stands; on a plain unit a setpoint of zero is what it is left with."""
        return self.ledger.ours and (self._mode_control or bool(self.house.setpoint_w))

    @property
    def ours_waits(self) -> bool:
        """Whether a setpoint of ours is stored outside manual mode: it acts the next time that this is entered."""
        stored_w = self.ledger.stored_w
        return bool(stored_w) and self.house.mode is not DeviceMode.MANUAL and self.house.setpoint_w == stored_w

    @property
    def can_be_handed_back(self) -> bool:
        """Whether a hand-back would take effect now."""
        effective = (WriteFault.NONE, WriteFault.LOST_AFTER_EFFECT, WriteFault.ONE_WAY)
        up = self.house.availability() is Availability.UP and not self.house.vpp_active
        half_is_all = self.write_fault is WriteFault.HALF and not self._mode_control
        return up and (self.write_fault in effective or half_is_all)
