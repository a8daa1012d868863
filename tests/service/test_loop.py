"""The control loop by itself: one step a beat, whatever the step does."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.domain.decision import Decision, Outcome
from optimizer.service.loop import ControlLoop, Counters

START = datetime(2026, 5, 4, tzinfo=UTC)


def decided(outcome: Outcome, reason: str = "") -> Decision:
    return Decision(at=START, strategy="scripted", outcome=outcome, reason=reason)


class Looped:
    """A loop whose steps come to what a test scripts, one after the other; then it stops."""

    def __init__(
        self,
        *script: Outcome | Exception,
        poll_s: float = 10.0,
        lease_end: Callable[[], float | None] | None = None,
        hands_back: bool = True,
        seed: int | None = 1,
    ) -> None:
        self.clock, self.stop = SimulatedClock(START), threading.Event()
        self.began_s: list[float] = []
        self.told: list[Decision | None] = []
        self.handed_back: list[str] = []
        self._script, self._hands_back = list(script), hands_back
        more = {} if lease_end is None else {"lease_end": lease_end}
        chance = None if seed is None else random.Random(seed)
        self.loop = ControlLoop(
            clock=self.clock, step=self._step, hand_back=self._hand_back, poll_s=poll_s, chance=chance, **more
        )
        self.loop.on_step.append(self.told.append)

    def run(self) -> Looped:
        self.loop.run(self.stop)
        return self

    def _step(self) -> Decision:
        self.began_s.append(self.clock.elapsed())
        outcome = self._script.pop(0)
        if not self._script:
            self.stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return decided(outcome)

    def _hand_back(self, reason: str) -> Decision:
        self.handed_back.append(reason)
        if not self._hands_back:
            raise OSError("no way back")
        return decided(Outcome.HANDED_BACK, reason)


def test_it_steps_on_the_beat_and_tells_of_each_step() -> None:
    """Until it is told to stop."""
    it = Looped(Outcome.APPLIED, Outcome.KEPT, Outcome.HANDED_BACK, Outcome.STOOD_DOWN).run()
    assert it.began_s == [0.0, 10.0, 20.0, 30.0]
    assert [one and one.outcome for one in it.told] == [
        Outcome.APPLIED, Outcome.KEPT, Outcome.HANDED_BACK, Outcome.STOOD_DOWN,
    ]  # fmt: skip
    assert it.loop.counters == Counters(polls=4, setpoints=1, failures=0, errors=0, hand_backs=1)
    assert it.loop.poll_s == 10.0


def test_nothing_is_begun_after_the_end() -> None:
    """One that is stopped before it runs takes no step."""
    it = Looped(Outcome.KEPT)
    it.stop.set()
    assert it.run().began_s == []


@pytest.mark.parametrize("failure", [Outcome.FAILED, ValueError("oops")])
def test_steps_grow_rarer_while_they_fail(failure: Outcome | Exception, caplog: pytest.LogCaptureFixture) -> None:
    """However they fail; the first that succeeds ends it."""
    caplog.set_level(logging.CRITICAL, "sunshift.service")
    it = Looped(failure, failure, Outcome.KEPT, failure, Outcome.KEPT).run()
    waits_s = [later - earlier for earlier, later in zip(it.began_s, it.began_s[1:], strict=False)]
    assert [round(wait_s / 1.05, -1) for wait_s in waits_s] == [10.0, 20.0, 10.0, 10.0]
    assert it.loop.counters.polls == 5
    failed, raised = (3, 0) if failure is Outcome.FAILED else (0, 3)
    assert (it.loop.counters.failures, it.loop.counters.errors) == (failed, raised)


def test_a_lease_that_ends_is_not_slept_through() -> None:
    """The loop asks for it after each step."""
    assert Looped(*[Outcome.KEPT] * 3, lease_end=lambda: 7.0).run().began_s == [0.0, 7.0, 17.0]


def test_an_unforeseen_error_is_told_and_the_next_step_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    """With its traceback; whoever listens hears of a step that came to nothing."""
    it = Looped(ValueError("oops"), Outcome.KEPT).run()
    assert [one and one.outcome for one in it.told] == [None, Outcome.KEPT]
    assert (it.loop.counters.errors, it.loop.counters.failures) == (1, 0)
    (line,) = caplog.records
    assert (line.levelno, line.getMessage()) == (
        logging.ERROR,
        "the control step failed in an unforeseen way (1 in a row)",
    )
    assert line.exc_info is not None
    assert line.exc_info[1] is not None
    assert str(line.exc_info[1]) == "oops"
    assert it.handed_back == []


def test_three_errors_in_a_row_hand_the_battery_back(caplog: pytest.LogCaptureFixture) -> None:
    """And each one after them; the traceback comes with the first, second, fourth, eighth."""
    oops = ValueError("oops")
    it = Looped(oops, oops, Outcome.KEPT, oops, oops, oops, oops, oops).run()
    assert it.handed_back == [f"the control step failed {times} times in a row" for times in (3, 4, 5)]
    assert it.loop.counters == Counters(polls=8, errors=7, hand_backs=3)
    times = [record.getMessage().split("(")[1].split()[0] for record in caplog.records]
    assert times == ["1", "2", "1", "2", "4"]


def test_a_hand_back_that_fails_in_an_unforeseen_way_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With what a person can do."""
    it = Looped(Outcome.KEPT, hands_back=False)
    assert [it.loop.hand_back("the end") for _ in range(2)] == [None, None]
    assert it.loop.counters == Counters(errors=2)
    line, _ = caplog.records
    assert line.getMessage() == "handing the battery back failed: run `sunshift release`"
    assert line.exc_info is not None


def test_a_hand_back_is_counted() -> None:
    """Whoever asks for it."""
    it = Looped(Outcome.KEPT)
    assert it.loop.hand_back("the end") == decided(Outcome.HANDED_BACK, "the end")
    assert it.loop.counters == Counters(hand_backs=1)


def test_waits_are_lengthened_by_chance_unless_it_is_given() -> None:
    """Two services of one battery fall out of step."""
    loops = [Looped(Outcome.FAILED, Outcome.FAILED, seed=None) for _ in range(2)]
    assert len({it.run().began_s[1] for it in loops}) == 2
