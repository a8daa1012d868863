"""While nothing of ours is wanted: whether the battery is handed back, and whether somebody else takes it."""

from __future__ import annotations

import logging

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from optimizer.errors import DeviceUnreachable
from support.told_actuator import (
    AUTO,
    BACKUP,
    CHARGE,
    MANUAL,
    THEIRS,
    UNKNOWN,
    ToldActuator,
    charging,
    released,
    stood_down,
)


@pytest.mark.parametrize(("mode", "usable"), [(MANUAL, True), (UNKNOWN, True), (AUTO, False), (BACKUP, False)])
def test_a_battery_whose_mode_cannot_be_set_must_be_in_manual(mode: OperatingMode, usable: bool) -> None:
    """Else no power would be obeyed; its owner is told."""
    told = ToldActuator(can_set_mode=False).sees(mode)
    why = f"the battery is in mode {mode} and its mode cannot be set from here: put it into manual"
    assert told == (None if usable else stood_down(why))


def test_at_first_any_mode_is_taken() -> None:
    """What the battery was in before is not known to be anybody's wish of now."""
    for mode in OperatingMode:
        assert ToldActuator().sees(mode) is None


@pytest.mark.parametrize("first", [AUTO, MANUAL, None])
def test_a_mode_that_is_chosen_right_after_a_hand_back_is_left_alone(first: OperatingMode | None) -> None:
    """What is ours may lie beneath it: zeroed, and on record until a status is young enough to show that."""
    it = released()
    if first is not None:
        assert it.after(1.0).sees(first) is None
    assert it.after(5.0).sees(BACKUP) == stood_down(THEIRS)
    assert it.writes == [CHARGE, "release", "zero"]
    assert it.record.on_record is not None
    it.at(45.0).sees(BACKUP)
    assert it.record.on_record is None


def test_the_mode_that_a_command_was_sent_over_is_nobodys_after_its_hand_back() -> None:
    """A status may be that old."""
    it = ToldActuator()
    it.sees(BACKUP)
    it.send(CHARGE)
    it.release()
    assert it.after(5.0).sees(BACKUP) is None
    assert it.writes == [CHARGE, "release"]


def test_after_a_hand_back_manual_and_automatic_are_not_held_against_anybody() -> None:
    """Control is taken up again from either; any other mode that comes after them is somebody's."""
    it = released()
    for mode in (AUTO, MANUAL, UNKNOWN, AUTO):
        assert it.after(50.0).sees(mode) is None
    assert it.after(40.0).sees(BACKUP) == stood_down("somebody else changed the battery's mode to backup")


@pytest.mark.parametrize("seconds", [0.0, 29.9])
def test_a_hand_back_is_believed_once_it_shows(seconds: float) -> None:
    """In a status that is younger than the command; until then the command stays on record."""
    it = released()
    assert it.after(seconds).sees(MANUAL) is None
    assert it.record.on_record is not None
    assert it.at(44.9).sees(AUTO) is None
    assert it.record.on_record is not None
    assert it.at(45.0).sees(AUTO) is None
    assert it.record.on_record is None
    assert it.after(100.0).sees(MANUAL) is None
    assert it.writes == [CHARGE, "release"]


def test_a_hand_back_that_does_not_show_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    """After the settling time, and each settling time after that; after the fifth time once a lease."""
    it = released()
    why = "the battery accepted to be handed back and is still in manual mode"
    for pause_s in (30.0, 30.0, 30.0, 30.0, 30.0, 90.0, 90.0):
        assert it.after(pause_s - 0.1).sees(MANUAL) is None
        assert it.after(0.1).sees(MANUAL) == Actuation(outcome=Outcome.HANDED_BACK, note=why)
    assert [record.getMessage() for record in caplog.records] == [f"{why}: handing it back again"]
    assert it.record.on_record is not None


def test_a_hand_back_that_is_ignored_another_day_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    """And tried again as often at first."""
    it = released()
    for _ in range(2):
        caplog.clear()
        for pause_s in (30.0, 30.0, 30.0, 30.0, 30.0, 90.0):
            assert it.after(pause_s - 0.1).sees(MANUAL) is None
            assert it.after(0.1).sees(MANUAL) is not None
        assert len(caplog.messages) == 1
        it.after(45.0).sees(AUTO)
        assert it.record.on_record is None
        it.send(CHARGE)
        it.release()


def test_a_hand_back_without_a_mode_call_shows_in_the_power() -> None:
    """While the battery goes on with what was ours the record stays; once it idles the record goes."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.release()
    assert it.sees(MANUAL, power_w=2000.0) is None
    assert it.record.on_record is not None
    assert it.at(45.0).sees(MANUAL, power_w=0.0) is None
    assert it.record.on_record is None


def test_a_mode_that_is_chosen_while_a_command_settles_is_somebodys() -> None:
    """At once, also where another power was sent: only the mode that manual mode was entered from is nobody's."""
    it = ToldActuator()
    it.sees(AUTO)
    it.send(CHARGE)
    assert it.after(10.0).sees(AUTO) is None
    it.send(Power(1000.0))
    assert it.after(10.0).sees(BACKUP) == stood_down("somebody else changed the battery's mode to backup")
    assert it.writes == [CHARGE, Power(1000.0), "zero"]


def test_the_mode_that_manual_was_entered_from_is_nobodys_under_another_power_as_well() -> None:
    """It may show late, and the mode may not have been told in between."""
    it = ToldActuator()
    it.sees(BACKUP)
    it.send(CHARGE)
    it.after(5.0).sees(UNKNOWN)
    it.after(10.0).send(Power(1000.0))
    assert it.after(5.0).sees(BACKUP) is None


def test_a_hand_back_before_any_command_is_believed_once_a_status_is_news() -> None:
    """An earlier run may have commanded just before this one began: its data may be older than that."""
    it = ToldActuator()
    it.release()
    assert it.after(44.9).sees(AUTO) is None
    assert it.record.drops == 0
    assert it.after(0.1).sees(AUTO) is None
    assert it.record.drops == 1


def test_a_hand_back_before_any_command_is_pursued_until_nothing_flows() -> None:
    """What an earlier run left is of unknown power: without a mode call anything may be it."""
    it = ToldActuator(can_set_mode=False)
    it.release()
    assert it.after(29.9).sees(UNKNOWN, power_w=-2000.0) is None
    why = "the battery accepted to be handed back, and still does discharge 2000 W"
    assert it.after(0.1).sees(UNKNOWN, power_w=-2000.0) == Actuation(outcome=Outcome.HANDED_BACK, note=why)
    assert it.after(30.0).sees(UNKNOWN, power_w=-100.0) is None
    assert it.writes == ["release"] * 2


def test_the_first_failed_hand_back_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Before any status, and after one that worked."""
    it = ToldActuator()
    it.release(error=DeviceUnreachable("gone"))
    it.release()
    it.release(error=DeviceUnreachable("gone again"))
    assert caplog.messages == ["could not hand back: gone", "could not hand back: gone again"]


def test_a_failed_hand_back_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Until a command was taken in between; the one that stands is named."""
    it = charging()
    with caplog.at_level(logging.DEBUG, logger="optimizer.control.actuation"):
        for _ in range(2):
            failed = it.release(error=DeviceUnreachable("gone"))
            assert failed == Actuation(outcome=Outcome.FAILED, setpoint=CHARGE, note="the end", error="gone")
        it.sees(echo_w=2000.0)
        it.release(error=DeviceUnreachable("gone"))
        it.after(60.0).send(CHARGE)
        it.release(error=DeviceUnreachable("gone"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "could not hand back: gone"),
        ("DEBUG", "could not hand back: gone"),
        ("DEBUG", "could not hand back: gone"),
        ("WARNING", "could not hand back: gone"),
    ]
