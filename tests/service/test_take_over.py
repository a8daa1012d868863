"""The first contact: what may stand from an earlier run is taken back before anything else."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest

from optimizer.devices.port import Capabilities
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Setpoint
from optimizer.errors import DeviceError, DeviceTimeout
from optimizer.service.take_over import EarlierRun, TakeOver
from support.situations import START, situation_of

MANUAL, AUTOMATIC, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP
GONE = DeviceTimeout("no answer within 5 s")
ON_RECORD = "an earlier run left a command on record"


@dataclass
class Battery:
    """Shows a mode, or fails; counts how often it is asked."""

    shows: OperatingMode | DeviceError
    reads: int = 0
    frozen: bool = False
    """Whether every status says the same."""
    name: str = "a battery"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(can_set_mode=True))

    def read(self) -> Measurement:
        self.reads += 1
        if isinstance(self.shows, DeviceError):
            raise self.shows
        consumption_w = 500.0 if self.frozen else 500.0 + self.reads
        return replace(situation_of().measurement, mode=self.shows, consumption_w=consumption_w)

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None: ...

    def release(self) -> None: ...

    def zero(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Loop:
    """Keeps what it is asked for; a hand-back ends as told."""

    done: list[str] = field(default_factory=list)
    outcome: Outcome = Outcome.HANDED_BACK
    shown: list[OperatingMode] = field(default_factory=list)
    """The modes of the statuses on which nothing is to be done."""

    def step(self) -> Decision:
        self.done.append("step")
        return Decision(at=START, strategy="x", outcome=Outcome.KEPT, reason="")

    def release(self, reason: str) -> Decision:
        self.done.append(reason)
        return Decision(at=START, strategy="x", outcome=self.outcome, reason=reason)

    stand_down = None

    def resume(self) -> bool:
        self.done.append("resume")
        return False

    def could_not_read(self, error: DeviceError) -> Decision:
        self.done.append(f"not read: {error}")
        return Decision(at=START, strategy="x", outcome=Outcome.FAILED, reason=str(error))

    def look_again(self, why: str, measurement: Measurement) -> Decision:
        self.done.append(why)
        self.shown.append(measurement.mode)
        return Decision(at=START, strategy="x", outcome=Outcome.KEPT, reason=why)

    def leave_to_others(self, why: str, measurement: Measurement, *, left_over: bool) -> Decision:
        self.done.append(f"{why}{', over a command of ours' if left_over else ''}")
        self.shown.append(measurement.mode)
        return Decision(at=START, strategy="x", outcome=Outcome.STOOD_DOWN, reason=why)


def started(
    shows: OperatingMode | DeviceError, *, left_over: bool = False, crashed: bool = False, observe: bool = False
) -> tuple[TakeOver, Battery, Loop]:
    battery, loop = Battery(shows), Loop()
    earlier = EarlierRun(command=left_over, unsettled=crashed)
    take_over = TakeOver(loop, battery, earlier=earlier, on_record=lambda: left_over, observe=observe)
    return take_over, battery, loop


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
    """Until then nothing is commanded; nothing on record means nothing to take back blindly."""
    take_over, battery, loop = started(GONE)
    take_over.step()
    take_over.step()
    battery.shows = MANUAL
    take_over.step()
    not_read = "not read: no answer within 5 s"
    assert loop.done == [not_read, not_read, "found in manual mode at start, where an earlier command may stand"]


@pytest.mark.parametrize("shows", [MANUAL, AUTOMATIC])
def test_what_is_on_record_is_taken_back_blindly(shows: OperatingMode) -> None:
    """Until the battery accepts it; what it then shows is looked at all the same."""
    take_over, battery, loop = started(GONE, left_over=True)
    loop.outcome = Outcome.FAILED
    take_over.step()
    loop.outcome = Outcome.HANDED_BACK
    assert take_over.step().outcome is Outcome.HANDED_BACK
    assert take_over.step().outcome is Outcome.FAILED
    assert loop.done == [f"{ON_RECORD}, and no answer within 5 s"] * 2 + ["not read: no answer within 5 s"]
    battery.shows = shows
    assert take_over.step().outcome is Outcome.HANDED_BACK
    take_over.step()
    assert loop.done[-1] == "step"


def somebody_chose(mode: OperatingMode) -> str:
    return f"somebody chose the mode {mode} before this start, and has not said that it is over"


CHOSEN = (OperatingMode.TIME_OF_USE, OperatingMode.BACKUP, OperatingMode.OTHER)


@pytest.mark.parametrize("mode", CHOSEN)
@pytest.mark.parametrize("left_over", [False, True])
def test_a_start_after_a_crash_is_nobodys_word(mode: OperatingMode, *, left_over: bool) -> None:
    """A mode that somebody chose meanwhile, or to which the service had stood down, is left alone."""
    take_over, _, loop = started(mode, left_over=left_over, crashed=True)
    why = somebody_chose(mode)
    looks = [f"{why}, or its data is old: looking again"] * left_over
    outcomes = [take_over.step().outcome for _ in range(len(looks) + 1)]
    take_over.step()
    assert outcomes[-1] is Outcome.STOOD_DOWN
    assert loop.shown == [mode] * len(outcomes)
    assert loop.done == [*looks, why + (", over a command of ours" if left_over else ""), "step"]


def test_a_chosen_mode_over_a_command_on_record_is_believed_of_data_that_moves_alone() -> None:
    """It may have frozen in the mode from which manual was entered: then the command is handed back."""
    take_over, battery, loop = started(OperatingMode.TIME_OF_USE, left_over=True, crashed=True)
    battery.frozen = True
    assert [take_over.step().outcome for _ in range(2)] == [Outcome.KEPT, Outcome.HANDED_BACK]
    take_over.step()
    looked = f"{somebody_chose(OperatingMode.TIME_OF_USE)}, or its data is old: looking again"
    assert loop.done == [looked, f"{ON_RECORD}, and mode time_of_use may be old", "step"]


@pytest.mark.parametrize("mode", [AUTOMATIC, OperatingMode.TIME_OF_USE])
def test_the_mode_that_it_is_handed_back_to_is_nobodys_choice(mode: OperatingMode) -> None:
    """A crash ends in it: the battery is taken up again."""
    take_over, battery, loop = started(mode, crashed=True)
    battery.capabilities = Capabilities(can_set_mode=True, hand_back_mode=mode)
    take_over.step()
    assert loop.done == ["step"]


def test_a_battery_whose_mode_cannot_be_set_is_not_asked_for_it() -> None:
    """The control step says what to do about it."""
    take_over, battery, loop = started(OperatingMode.BACKUP, crashed=True)
    battery.capabilities = Capabilities(can_set_mode=False)
    take_over.step()
    assert loop.done == ["step"]


def test_what_was_commanded_elsewhere_is_ended_there_first() -> None:
    """Once, before this battery is looked at."""
    battery, loop = Battery(MANUAL), Loop(outcome=Outcome.FAILED)
    ended: list[int] = []
    earlier = EarlierRun(command=True, elsewhere=lambda: ended.append(battery.reads))
    take_over = TakeOver(loop, battery, earlier=earlier, on_record=lambda: True, observe=False)
    take_over.step()
    take_over.step()
    assert (ended, battery.reads) == ([0], 2)


def test_an_observer_says_what_is_on_record(caplog: pytest.LogCaptureFixture) -> None:
    """It takes nothing back: others do."""
    started(AUTOMATIC, left_over=True, observe=True)[0].step()
    started(AUTOMATIC, observe=True)[0].step()
    assert caplog.messages == [
        "an earlier run left a command on record: the guard, or `sunshift release`, takes it back"
    ]


def test_an_end_before_the_first_look_leaves_a_chosen_mode_alone() -> None:
    """As the first look would have."""
    take_over, battery, loop = started(GONE, crashed=True)
    take_over.step()
    battery.shows = OperatingMode.BACKUP
    assert take_over.release("sunshift is stopping").outcome is Outcome.STOOD_DOWN
    assert (loop.done[1:], loop.shown) == (["sunshift is stopping; somebody chose the mode backup"], [BACKUP])


def test_an_end_before_the_first_look_sends_nothing_blindly() -> None:
    """Nothing is on record: what runs after the service looks once more."""
    take_over, _, loop = started(GONE, crashed=True)
    assert take_over.release("sunshift is stopping").outcome is Outcome.FAILED
    assert loop.done == ["not read: no answer within 5 s"]


@pytest.mark.parametrize(
    ("shows", "left_over", "crashed"),
    [(AUTOMATIC, False, True), (GONE, True, True), (BACKUP, True, False), (GONE, False, False)],
)
def test_an_end_before_the_first_look_hands_back_otherwise(
    shows: OperatingMode | DeviceError, *, left_over: bool, crashed: bool
) -> None:
    """What is on record, what nobody chose, and what cannot be seen after a start that was the owner's word."""
    take_over, _, loop = started(shows, left_over=left_over, crashed=crashed)
    take_over.release("sunshift is stopping")
    assert loop.done == ["sunshift is stopping"]


def test_the_owners_word_comes_before_the_first_look_as_well() -> None:
    """The battery may be away just then: what is found when it is back is nobody's."""
    take_over, battery, loop = started(GONE, crashed=True)
    take_over.step()
    assert take_over.resume()
    battery.shows = OperatingMode.BACKUP
    take_over.step()
    assert loop.done[-1] == "step"
    assert not take_over.resume()


def test_an_end_with_nothing_on_record_leaves_a_chosen_mode_alone() -> None:
    """It may have been chosen within the last poll, or while the data was in doubt."""
    take_over, battery, loop = started(AUTOMATIC)
    take_over.step()
    battery.shows = BACKUP
    assert take_over.release("sunshift is stopping").outcome is Outcome.STOOD_DOWN
    assert loop.done == ["step", "sunshift is stopping; somebody chose the mode backup"]


def test_the_status_tells_that_the_owners_word_may_be_needed() -> None:
    """`sunshift resume` looks there: until the first look it can be given in advance."""
    take_over, battery, _ = started(GONE, crashed=True)
    take_over.step()
    assert take_over.stand_down is not None
    battery.shows = AUTOMATIC
    take_over.step()
    assert take_over.stand_down is None


def test_the_owners_word_before_a_first_look_that_begins_no_stand_down_ends_none() -> None:
    """Such a start was the owner's word itself."""
    assert not started(BACKUP)[0].resume()
