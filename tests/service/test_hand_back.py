"""The end of the service: accepted is not obeyed, so the battery itself has to say that it is back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

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
    hand_back_mode: OperatingMode = AUTOMATIC
    powers_w: tuple[float, ...] = (0.0,)
    """Battery powers, one a read; the last one stays [W]."""
    clock: tuple[int | None, ...] = (None,)
    """Seconds of the time that it tells, one a read; the last one stays."""
    reads: int = 0
    name: str = "a scripted battery"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(can_set_mode=self.can_set_mode, hand_back_mode=self.hand_back_mode)

    def read(self) -> Measurement:
        mode = self.modes[min(self.reads, len(self.modes) - 1)]
        power_w = self.powers_w[min(self.reads, len(self.powers_w) - 1)]
        second = self.clock[min(self.reads, len(self.clock) - 1)]
        self.reads += 1
        if isinstance(mode, Exception):
            raise mode
        told = None if second is None else datetime(2026, 5, 4, second=second)  # noqa: DTZ001 - the device's own
        powers = {"consumption_w": 300.0, "production_w": 0.0, "battery_power_w": power_w}
        return Measurement(at=START, elapsed_s=0.0, soc=0.5, mode=mode, device_time=told, **powers)

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None: ...

    def release(self) -> None: ...

    def zero(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Loop:
    """A loop whose hand-back ends as it is told."""

    outcome: Outcome = Outcome.HANDED_BACK
    reasons: list[str] = field(default_factory=list)

    def __call__(self, reason: str) -> Decision:
        self.reasons.append(reason)
        return Decision(at=START, strategy="time_of_use", outcome=self.outcome, reason=reason)


def hand_back(battery: Battery, loop: Callable[[str], Decision | None], clock: SimulatedClock | None = None) -> bool:
    clock = clock or SimulatedClock(START)
    clock.advance(1000.0)
    return HandBack(device=battery, clock=clock, hand_back=loop)("the end")[1]


def test_a_battery_that_says_so_is_back() -> None:
    """Accepted and read back: once is enough."""
    loop = Loop()
    assert hand_back(Battery([AUTOMATIC]), loop)
    assert loop.reasons == ["the end"]


def test_a_mode_may_show_a_moment_later() -> None:
    """A status that lags by a second is not held against the battery."""
    loop, clock = Loop(), SimulatedClock(START)
    assert hand_back(Battery([MANUAL, AUTOMATIC]), loop, clock)
    assert (len(loop.reasons), clock.elapsed()) == (1, 1001.0)


def test_a_battery_that_stays_in_manual_is_not_back(caplog: pytest.LogCaptureFixture) -> None:
    """Two accepted hand-backs that change nothing are told as what they are: no hand-back."""
    loop = Loop()
    assert not hand_back(Battery([MANUAL]), loop)
    assert len(loop.reasons) == 2
    assert "still in manual mode" in caplog.text


@pytest.mark.parametrize("wanted", [OperatingMode.TIME_OF_USE, OperatingMode.BACKUP])
def test_a_battery_that_stays_in_automatic_instead_of_the_owners_mode_is_not_back(
    wanted: OperatingMode, caplog: pytest.LogCaptureFixture
) -> None:
    """It took the word and did not obey; a third mode is somebody's choice of now."""
    assert not hand_back(Battery([AUTOMATIC], hand_back_mode=wanted), Loop())
    assert f"in mode automatic instead of {wanted}" in caplog.text
    assert hand_back(Battery([AUTOMATIC, wanted], hand_back_mode=wanted), Loop())
    assert hand_back(Battery([OperatingMode.OTHER], hand_back_mode=wanted), Loop())


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
    loop, clock = Loop(), SimulatedClock(START)
    assert hand_back(Battery([MANUAL], can_set_mode=False, powers_w=(900.0, 900.0, 5.0)), loop, clock)
    assert (len(loop.reasons), clock.elapsed()) == (1, 1007.0)


def test_a_battery_without_a_mode_call_that_goes_on_is_not_back(caplog: pytest.LogCaptureFixture) -> None:
    """Zeroed setpoints that change nothing are no hand-back: whoever comes after has to look."""
    assert not hand_back(Battery([MANUAL], can_set_mode=False, powers_w=(900.0,)), Loop())
    assert "the battery still does charge 900 W" in caplog.text


@pytest.mark.parametrize(("takes_s", "reads"), [(5.0, 1), (4.1, 1), (4.0, 2)])
def test_a_read_back_that_hangs_is_not_waited_for_again(takes_s: float, reads: int) -> None:
    """The end has ten seconds: once two calls may have taken them there is no second look."""
    clock = SimulatedClock(START)

    class Hanging(Battery):
        def read(self) -> Measurement:
            clock.advance(takes_s)
            return super().read()

    battery, loop = Hanging([DeviceTimeout("no answer within 5 s")]), Loop()
    assert not HandBack(device=battery, clock=clock, hand_back=loop)("the end")[1]
    assert (battery.reads, len(loop.reasons)) == (reads, 1)


class Slow(Loop):
    """A loop each of whose hand-backs takes a while."""

    def __init__(self, clock: SimulatedClock, takes_s: float) -> None:
        super().__init__(outcome=Outcome.FAILED)
        self.clock, self.takes_s = clock, takes_s

    def __call__(self, reason: str) -> Decision:
        self.clock.advance(self.takes_s)
        return super().__call__(reason)


@pytest.mark.parametrize(("takes_s", "tries"), [(4.0, 2), (4.1, 1)])
def test_a_second_try_begins_within_four_seconds(takes_s: float, tries: int) -> None:
    """Two calls of five seconds must not outlast the ten that systemd gives; what came of the last is told."""
    clock = SimulatedClock(START)
    clock.advance(1000.0)
    loop = Slow(clock, takes_s)
    decision, back = HandBack(device=Battery([MANUAL]), clock=clock, hand_back=loop)("the end")
    assert (len(loop.reasons), back) == (tries, False)
    assert decision is not None
    assert decision.outcome is Outcome.FAILED


STILL = "the hand-back was accepted, but its data has not moved since before, so that it may be old"


@pytest.mark.parametrize(
    ("clock", "looks", "told", "back"),
    [
        ((0, 1), 2, 0, True),
        ((0, 0, 1), 3, 0, True),
        ((0,), 6, 2, False),
        ((0, 0, 0, 0, 1), 5, 1, True),
        ((None,), 1, 0, True),
    ],
)
def test_a_status_that_may_be_old_shows_no_hand_back(
    clock: tuple[int | None, ...], looks: int, told: int, back: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With no look from before, the first of them all is what later ones must differ from; where no time is told, any.

    A try has three looks, and what it ends with is told.
    """
    battery = Battery([AUTOMATIC], clock=clock)
    assert hand_back(battery, Loop()) is back
    assert battery.reads == looks
    assert caplog.messages == [STILL] * told


@pytest.mark.parametrize(("moved", "looks"), [(True, 1), (False, 2)])
def test_a_look_from_before_is_what_the_first_must_differ_from(moved: bool, looks: int) -> None:
    """One that does not is taken again."""
    battery = Battery([AUTOMATIC], clock=(0, 1) if moved else (0, 0, 1))
    seen = battery.read()
    hands_back = HandBack(device=battery, clock=SimulatedClock(START), hand_back=Loop(), seen=lambda: seen)
    assert hands_back("the end")[1]
    assert battery.reads == 1 + looks


def test_data_that_does_not_move_is_believed_where_nothing_is_on_record() -> None:
    """As it was before the hand-back, which takes a command off the record."""
    battery, stands = Battery([AUTOMATIC], clock=(0,)), [False, True]
    hands_back = HandBack(
        device=battery, clock=SimulatedClock(START), hand_back=Loop(), on_record=lambda: stands.pop(0)
    )
    assert hands_back("the end")[1]
    assert (battery.reads, stands) == (1, [True])


def test_a_loop_that_fails_altogether_hands_nothing_back() -> None:
    """Its way out may be what is broken; that is tried again, and told as what it is."""
    reasons: list[str] = []
    told = HandBack(device=Battery([AUTOMATIC]), clock=SimulatedClock(START), hand_back=reasons.append)("the end")
    assert told == (None, False)
    assert reasons == ["the end"] * 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (DeviceTimeout("no answer within 5 s"), "cannot be read back: no answer within 5 s"),
        (MANUAL, "the battery says that it is still in manual mode"),
    ],
)
def test_what_the_battery_says_is_told_as_it_is(said: Any, told: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each hand-back, with what its last look found."""
    assert not hand_back(Battery([said]), Loop())
    assert [record.getMessage() for record in caplog.records] == [f"the hand-back was accepted, but {told}"] * 2
