"""The first contact: what may stand from an earlier run is taken back before anything else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from optimizer.devices.port import Capabilities
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Setpoint
from optimizer.errors import DeviceError, DeviceTimeout
from optimizer.service.take_over import TakeOver
from support.situations import START, situation_of

MANUAL, AUTOMATIC, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
GONE = DeviceTimeout("no answer within 5 s")
ON_RECORD = "an earlier run left a command on record"


@dataclass
class Battery:
    """Shows a mode, or fails; counts how often it is asked."""

    shows: OperatingMode | DeviceError
    reads: int = 0
    name: str = "a battery"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(can_set_mode=True))

    def read(self) -> Measurement:
        self.reads += 1
        if isinstance(self.shows, DeviceError):
            raise self.shows
        return replace(situation_of().measurement, mode=self.shows)

    def apply(self, setpoint: Setpoint) -> None: ...

    def release(self) -> None: ...

    def zero(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Loop:
    """Keeps what it is asked for; a hand-back ends as told."""

    done: list[str] = field(default_factory=list)
    outcome: Outcome = Outcome.HANDED_BACK

    def step(self) -> Decision:
        self.done.append("step")
        return Decision(at=START, strategy="x", outcome=Outcome.KEPT, reason="")

    def release(self, reason: str) -> Decision:
        self.done.append(reason)
        return Decision(at=START, strategy="x", outcome=self.outcome, reason=reason)


def started(
    shows: OperatingMode | DeviceError, *, left_over: bool = False, observe: bool = False
) -> tuple[TakeOver, Battery, Loop]:
    battery, loop = Battery(shows), Loop()
    return TakeOver(loop, battery, left_over=left_over, observe=observe), battery, loop


@pytest.mark.parametrize("mode", [AUTOMATIC, OperatingMode.TIME_OF_USE, OperatingMode.BACKUP, OperatingMode.OTHER])
def test_a_battery_that_is_its_own_master_is_left_to_the_loop(mode: OperatingMode) -> None:
    """After one look."""
    take_over, battery, loop = started(mode)
    assert [take_over.step().outcome for _ in range(3)] == [Outcome.KEPT] * 3
    assert (loop.done, battery.reads) == (["step"] * 3, 1)


@pytest.mark.parametrize(
    ("mode", "left_over", "why"),
    [
        (MANUAL, False, "found in manual mode at start, where an earlier command may stand"),
        (MANUAL, True, "found in manual mode at start, where an earlier command may stand"),
        (UNKNOWN, False, "its mode is not told, so that an earlier command may stand"),
        (UNKNOWN, True, "its mode is not told, so that an earlier command may stand"),
        (AUTOMATIC, True, ON_RECORD),
        (OperatingMode.BACKUP, True, ON_RECORD),
    ],
)
def test_what_may_stand_is_taken_back_first(
    *, mode: OperatingMode, left_over: bool, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and told; then the loop takes over."""
    take_over, battery, loop = started(mode, left_over=left_over)
    assert take_over.step().outcome is Outcome.HANDED_BACK
    take_over.step()
    assert (loop.done, battery.reads) == ([why, "step"], 1)
    assert caplog.messages == [f"{why}: handed back before anything else"]


def test_a_hand_back_that_fails_is_tried_until_it_works() -> None:
    """No step is taken before."""
    take_over, _, loop = started(MANUAL)
    loop.outcome = Outcome.FAILED
    assert [take_over.step().outcome for _ in range(2)] == [Outcome.FAILED] * 2
    loop.outcome = Outcome.HANDED_BACK
    take_over.step()
    take_over.step()
    assert [why.split()[0] for why in loop.done] == ["found"] * 3 + ["step"]


@pytest.mark.parametrize("shows", [MANUAL, UNKNOWN, GONE])
def test_an_observer_takes_nothing_back(shows: OperatingMode | DeviceError) -> None:
    """Whatever stands, and whatever is on record."""
    take_over, _, loop = started(shows, left_over=True, observe=True)
    take_over.step()
    take_over.step()
    assert loop.done == ["step"] * 2


def test_the_look_is_taken_once_the_battery_is_there() -> None:
    """Until then the loop notes the failures; nothing on record means nothing to take back blindly."""
    take_over, battery, loop = started(GONE)
    take_over.step()
    take_over.step()
    battery.shows = MANUAL
    take_over.step()
    assert loop.done == ["step", "step", "found in manual mode at start, where an earlier command may stand"]


@pytest.mark.parametrize("shows", [MANUAL, AUTOMATIC])
def test_what_is_on_record_is_taken_back_blindly(shows: OperatingMode) -> None:
    """Until the battery accepts it; what it then shows is looked at all the same."""
    take_over, battery, loop = started(GONE, left_over=True)
    loop.outcome = Outcome.FAILED
    take_over.step()
    loop.outcome = Outcome.HANDED_BACK
    assert take_over.step().outcome is Outcome.HANDED_BACK
    assert take_over.step().outcome is Outcome.KEPT
    assert loop.done == [f"{ON_RECORD}, and no answer within 5 s"] * 2 + ["step"]
    battery.shows = shows
    assert take_over.step().outcome is Outcome.HANDED_BACK
    take_over.step()
    assert loop.done[-1] == "step"
