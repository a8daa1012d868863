"""The end of the service: accepted is not obeyed, so the battery itself has to say that it is back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.port import Capabilities
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Setpoint
from optimizer.errors import DeviceTimeout
from optimizer.service.hand_back import HandBack

START = datetime(2026, 5, 4, tzinfo=UTC)
MANUAL, AUTOMATIC = OperatingMode.MANUAL, OperatingMode.AUTOMATIC


@dataclass
class Battery:
    """A battery whose mode reads as scripted, one after the other; the last one stays."""

    modes: list[OperatingMode | Exception]
    can_set_mode: bool = True
    powers_w: tuple[float, ...] = (0.0,)
    """Battery powers, one a read; the last one stays [W]."""
    reads: int = 0
    name: str = "a scripted battery"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_set_mode=self.can_set_mode)

    def read(self) -> Measurement:
        mode = self.modes[min(self.reads, len(self.modes) - 1)]
        power_w = self.powers_w[min(self.reads, len(self.powers_w) - 1)]
        self.reads += 1
        if isinstance(mode, Exception):
            raise mode
        powers = {"consumption_w": 300.0, "production_w": 0.0, "battery_power_w": power_w}
        return Measurement(at=START, elapsed_s=0.0, soc=0.5, mode=mode, **powers)

    def apply(self, setpoint: Setpoint) -> None: ...

    def release(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Loop:
    """A loop whose hand-back ends as it is told."""

    outcome: Outcome = Outcome.HANDED_BACK
    reasons: list[str] = field(default_factory=list)

    def __call__(self, reason: str) -> Decision:
        self.reasons.append(reason)
        return Decision(at=START, strategy="time_of_use", outcome=self.outcome, reason=reason)


def hand_back(battery: Battery, loop: Callable[[str], Decision | None]) -> bool:
    return HandBack(device=battery, clock=SimulatedClock(START), hand_back=loop)("the end")[1]


def test_a_battery_that_says_so_is_back() -> None:
    """Accepted and read back: once is enough."""
    loop = Loop()
    assert hand_back(Battery([AUTOMATIC]), loop)
    assert loop.reasons == ["the end"]


def test_a_mode_may_show_a_moment_later() -> None:
    """A status that lags by a second is not held against the battery."""
    loop = Loop()
    assert hand_back(Battery([MANUAL, AUTOMATIC]), loop)
    assert len(loop.reasons) == 1


def test_a_battery_that_stays_in_manual_is_not_back(caplog: pytest.LogCaptureFixture) -> None:
    """Two accepted hand-backs that change nothing are told as what they are: no hand-back."""
    loop = Loop()
    assert not hand_back(Battery([MANUAL]), loop)
    assert len(loop.reasons) == 2
    assert "still in manual mode" in caplog.text


def test_what_cannot_be_read_back_is_not_known_to_be_back(caplog: pytest.LogCaptureFixture) -> None:
    """A battery that goes silent after accepting may be anything."""
    assert not hand_back(Battery([DeviceTimeout("no answer within 5 s")]), Loop())
    assert "cannot be read back: no answer within 5 s" in caplog.text


def test_a_refused_hand_back_is_tried_again() -> None:
    """A write that failed is tried a second time, and what came of it is told."""
    loop = Loop(outcome=Outcome.FAILED)
    assert not hand_back(Battery([MANUAL]), loop)
    assert len(loop.reasons) == 2


def test_nothing_is_asked_where_nothing_was_changed() -> None:
    """Observing commands nothing, so there is nothing to read back."""
    battery = Battery([MANUAL])
    assert hand_back(battery, Loop(outcome=Outcome.OBSERVED))
    assert battery.reads == 0


def test_a_battery_without_a_mode_call_is_back_once_it_does_nothing() -> None:
    """It stays in manual mode with its setpoints zeroed, and its power takes a few seconds to fade."""
    loop = Loop()
    assert hand_back(Battery([MANUAL], can_set_mode=False, powers_w=(900.0, 900.0, 5.0)), loop)
    assert len(loop.reasons) == 1


def test_a_battery_without_a_mode_call_that_goes_on_is_not_back(caplog: pytest.LogCaptureFixture) -> None:
    """Zeroed setpoints that change nothing are no hand-back: whoever comes after has to look."""
    assert not hand_back(Battery([MANUAL], can_set_mode=False, powers_w=(900.0,)), Loop())
    assert "the battery still does charge 900 W" in caplog.text


def test_a_read_back_that_hangs_is_not_waited_for_again() -> None:
    """The end has ten seconds: once two calls may have taken them there is no second look."""
    clock = SimulatedClock(START)

    class Hanging(Battery):
        def read(self) -> Measurement:
            clock.advance(5.0)
            raise DeviceTimeout("no answer within 5 s")

    battery = Hanging([MANUAL])
    assert not HandBack(device=battery, clock=clock, hand_back=Loop())("the end")[1]
    assert clock.elapsed() == 5.0
