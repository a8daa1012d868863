"""How long the way back tries: as often as fits into its deadline, on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from optimizer.bounded_socket import NotConnected
from optimizer.clock import SimulatedClock
from optimizer.release import client, hand_back
from optimizer.release.client import StepFailed, Unanswered
from optimizer.release.hand_back import ReleaseReport, WayBack, release_battery
from optimizer.release.status import Status
from optimizer.release.target import ReleaseTarget

V1 = ReleaseTarget(driver="sonnen_v1", host="10.0.0.1")
CALLS = 3
"""Of one attempt on a plain V1 battery, after a look at it."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedClock:
    """Return the clock by which it waits and its deadlines run."""
    clock = SimulatedClock(datetime(2026, 5, 4, tzinfo=UTC))

    def deadline(seconds: float) -> Callable[[], float]:
        end_s = clock.elapsed() + seconds
        return lambda: max(0.0, end_s - clock.elapsed())

    monkeypatch.setattr(hand_back, "real_deadline", deadline)
    monkeypatch.setattr(client, "real_deadline", deadline)
    monkeypatch.setattr(hand_back, "WallClock", lambda: clock)
    return clock


@pytest.fixture
def calls(clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, int]]:
    """Return when each call was made, the time it had [s] and the bytes it would take; none comes through."""
    made: list[tuple[float, float, int]] = []

    def connect(_lookup: object, remaining: Callable[[], float], *, max_bytes: int) -> None:
        made.append((clock.elapsed(), remaining(), max_bytes))
        raise NotConnected("nobody there")

    monkeypatch.setattr(client, "connect", connect)
    return made


@pytest.mark.parametrize(
    ("deadline_s", "attempts"),
    [(10.0, [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0]), (3.0, [0.0, 1.5]), (1.5, [0.0]), (0.0, [0.0])],
)
def test_it_tries_as_often_as_fits(
    deadline_s: float, attempts: list[float], calls: list[tuple[float, float, int]]
) -> None:
    """A second and a half apart, the first in any case, none that would begin when the deadline is over."""
    assert not release_battery(V1, deadline_s=deadline_s).confirmed
    assert [at_s for at_s, _, _ in calls][1::CALLS] == attempts
    assert len(calls) == 1 + CALLS * len(attempts)


def test_each_call_has_two_seconds_of_the_ten(calls: list[tuple[float, float, int]]) -> None:
    """One that hangs leaves time for the next; no call outlives the whole, nor takes in more than 128 KiB."""
    release_battery(V1)
    assert calls[0] == (0.0, 2.0, 128 * 1024)
    assert calls[-1] == (9.0, 1.0, 128 * 1024)


def test_what_was_said_before_is_not_said_again(calls: list[tuple[float, float, int]]) -> None:
    """Ten seconds of trying make one line a step."""
    report = release_battery(V1)
    assert report.steps == tuple(
        f"{step}: failed: NotConnected: nobody there"
        for step in ("/api/v1/setpoint/charge/0", "/api/v1/setpoint/discharge/0", "read back")
    )


def test_a_simulated_battery_is_not_called(calls: list[tuple[float, float, int]]) -> None:
    """It is gone with the service that held it; the report says so."""
    report = release_battery(ReleaseTarget(driver="simulated"))
    assert str(report) == (
        "simulated battery: nothing outside the service to hand back\nhanded back, confirmed by the battery"
    )
    assert calls == []


# -- one battery, step by step ----------------------------------------------------------------------------------------


@dataclass
class Battery:
    """Answers at once, but for looks that take their time; writes down when it was asked for what."""

    clock: SimulatedClock
    looks: list[Status | StepFailed]
    """What it says of itself, one after the other; the last for ever, with another power each time where it moves."""
    moves: bool = True
    look_s: float = 0.0
    """How long the first look takes [s]."""
    refuses: bool = False
    """Whether all that is sent is refused."""
    sets_mode: bool = True
    codes: tuple[str, ...] = ("2", "8")
    asked: list[tuple[float, str]] = field(default_factory=list)

    def zero_paths(self) -> tuple[str, ...]:
        return ("zero",)

    def zero(self, path: str) -> str:
        return self._take(path)

    def set_mode(self) -> str:
        return self._take("mode")

    def status(self) -> Status:
        self._note("look")
        self.clock.advance(self.look_s)
        self.look_s = 0.0
        told = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(told, StepFailed):
            raise told
        return {**told, "Timestamp": f"12:00:{len(self.asked) if self.moves else 0:02}"}

    def times_of(self, what: str) -> list[float]:
        return [at_s for at_s, asked in self.asked if asked == what]

    def _take(self, what: str) -> str:
        self._note(what)
        if self.refuses:
            raise StepFailed("no")
        return "accepted"

    def _note(self, what: str) -> None:
        self.asked.append((self.clock.elapsed(), what))


def walked(battery: Battery, deadline_s: float = 10.0, *, owners_word: bool = False) -> ReleaseReport:
    """Return what comes of a way back that takes a second and a half between two attempts."""
    clock = battery.clock
    way = WayBack(
        battery,
        "automatic",
        lambda: max(0.0, deadline_s - clock.elapsed()),
        lambda: clock.advance(hand_back.PAUSE_S),
    )
    return way.walk(owners_word=owners_word)


BACKUP, GONE = {"OperatingMode": "7"}, StepFailed("nobody there")
MANUAL, AUTOMATIC = {"OperatingMode": "1"}, {"OperatingMode": "2"}
MAY_BE_OLD = "read back: the data does not move: the mode it tells may be old"


@pytest.mark.parametrize(("deadline_s", "mode_set_s"), [(10.0, 4.5), (9.0, 3.0), (3.0, 0.0)])
def test_half_of_the_time_goes_to_a_mode_that_may_be_old(
    deadline_s: float, mode_set_s: float, clock: SimulatedClock
) -> None:
    """The other half is left to set ours all the same; which is told."""
    battery = Battery(clock, [BACKUP], moves=False)
    report = walked(battery, deadline_s)
    assert battery.times_of("mode")[0] == mode_set_s
    assert report.steps[:2] == ("zero: accepted", MAY_BE_OLD)
    assert not report.confirmed


def test_a_mode_that_cannot_be_looked_at_again_is_told_as_that(clock: SimulatedClock) -> None:
    """By the failure, and not as data that stands still."""
    report = walked(Battery(clock, [BACKUP, GONE]))
    assert "read back: failed: nobody there" in report.steps
    assert MAY_BE_OLD not in report.steps


@pytest.mark.parametrize(("deadline_s", "tries_s"), [(3.0, [0.0, 1.5]), (4.0, [0.0, 1.5, 3.0]), (1.0, [0.0])])
def test_what_is_refused_beneath_a_chosen_mode_is_tried_while_there_is_time(
    deadline_s: float, tries_s: list[float], clock: SimulatedClock
) -> None:
    """As often as a hand-back; the mode stays, and what is not zeroed is not confirmed."""
    battery = Battery(clock, [BACKUP], refuses=True)
    report = walked(battery, deadline_s)
    assert (battery.times_of("zero"), battery.times_of("mode")) == (tries_s, [])
    assert not report.confirmed


def test_a_chosen_mode_is_told_in_short(clock: SimulatedClock) -> None:
    """Whatever number a battery calls it by."""
    report = walked(Battery(clock, [{"OperatingMode": "7" * 30}]))
    assert report.steps[-1] == f"read back: in mode {'7' * 20}, which somebody chose: it is left alone"


@pytest.mark.parametrize(("look_s", "left_alone"), [(0.4, True), (0.5, False), (3.0, False)])
def test_a_first_look_that_hangs_costs_the_second(look_s: float, *, left_alone: bool, clock: SimulatedClock) -> None:
    """One that fails within half a second is taken again, and shows what somebody chose; else there is no time."""
    battery = Battery(clock, [GONE, BACKUP], look_s=look_s)
    assert walked(battery).confirmed is left_alone
    assert (battery.times_of("mode") == []) is left_alone


@pytest.mark.parametrize(("deadline_s", "looks_s"), [(3.0, [0.0, 0.0, 1.5]), (4.0, [0.0, 0.0, 1.5, 3.0])])
def test_a_hand_back_that_may_be_old_is_looked_at_while_there_is_time(
    deadline_s: float, looks_s: list[float], clock: SimulatedClock
) -> None:
    """And no command is sent again for that."""
    battery = Battery(clock, [AUTOMATIC], moves=False)
    report = walked(battery, deadline_s)
    assert (battery.times_of("look"), battery.times_of("mode")) == (looks_s, [0.0])
    assert report.steps[-1] == (
        "read back: failed: in mode 2 (automatic), but its data has not moved since before: it may be old"
    )
    assert not report.confirmed


def test_what_is_not_confirmed_says_what_to_do(clock: SimulatedClock) -> None:
    """In the last line of the report."""
    assert str(walked(Battery(clock, [MANUAL]))).splitlines()[-1] == "NOT CONFIRMED: look at the battery"


@pytest.mark.parametrize("refuses", [True, False])
def test_a_battery_that_answers_is_there(refuses: bool, clock: SimulatedClock) -> None:
    """A no is an answer, and so is a status; silence is none: another one is looked for then."""
    assert walked(Battery(clock, [GONE], refuses=refuses)).answered
    assert walked(Battery(clock, [AUTOMATIC], refuses=refuses)).answered
    silent = Battery(clock, [Unanswered("nobody there")])
    silent.zero = silent.set_mode = lambda *_: silent.status()  # type: ignore[method-assign, assignment]
    assert not walked(silent).answered
