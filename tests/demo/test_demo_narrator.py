"""Which decisions the demo tells."""

from __future__ import annotations

from datetime import timedelta

from optimizer.demo.narrator import Narrator
from optimizer.demo.scene import LogLine, Weight
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Automatic, Power
from support.demo_scenes import NOW, a_decision

CHARGES = a_decision(setpoint=Power(2000.0), reason="stores 2.0 kW of surplus: worth 0.24 later")
HOLDS = a_decision(setpoint=Power(0.0), reason="holds: worth 0.24 later")
FOLLOWS = a_decision(setpoint=Automatic(), reason="covers 0.4 kW of the house: import costs 0.38")
FAILS = a_decision(Outcome.FAILED, setpoint=None, measurement=None, reason="cannot be read", error="no answer")


def told(*minutes: tuple[int, Decision]) -> list[LogLine]:
    narrator = Narrator()
    lines = []
    for minute, decision in minutes:
        line = narrator.hear(
            a_decision(
                decision.outcome,
                at=NOW + timedelta(minutes=minute),
                setpoint=decision.setpoint,
                reason=decision.reason,
                error=decision.error,
                measurement=decision.measurement,
            )
        )
        lines += [] if line is None else [line]
    return lines


def test_the_first_decision_is_told_at_once() -> None:
    """A watcher is not left waiting for the first word."""
    assert [line.text for line in told((0, CHARGES))] == ["charge 2000 W: stores 2.0 kW of surplus: worth 0.24 later"]


def test_a_change_is_told_once_it_has_lasted() -> None:
    """A quarter of an hour of the same is news, once."""
    assert len(told((0, CHARGES), (1, FOLLOWS), (10, FOLLOWS))) == 1
    assert len(told((0, CHARGES), (1, FOLLOWS), (16, FOLLOWS), (17, FOLLOWS), (40, FOLLOWS))) == 2


def test_a_passing_cloud_is_not_told() -> None:
    """What changed back within a few minutes did not matter, and does not count towards the next change."""
    assert len(told((0, CHARGES), (1, HOLDS), (9, CHARGES), (10, HOLDS), (20, HOLDS), (21, CHARGES))) == 1


def test_other_watts_for_the_same_reason_are_not_told() -> None:
    """Numbers change all the time."""
    other = a_decision(setpoint=Power(900.0), reason="stores 0.9 kW of surplus: worth 0.23 later")
    assert len(told((0, CHARGES), (1, other), (60, other))) == 1


def test_another_motive_for_the_same_command_is_told() -> None:
    """Automatic by day and automatic by night are two stories."""
    stores = a_decision(setpoint=Automatic(), reason="stores 2.0 kW of surplus: feed-in pays 0.08")
    assert len(told((0, FOLLOWS), (1, stores), (16, stores))) == 2


def test_trouble_and_its_end_are_told_at_once() -> None:
    """Nobody waits a quarter of an hour to hear that the battery cannot be reached."""
    lines = told((0, CHARGES), (1, FAILS), (2, FAILS), (3, CHARGES))
    assert [line.weight for line in lines] == [Weight.NORMAL, Weight.TROUBLE, Weight.NORMAL]
    assert lines[1].text == "failed: no answer"
