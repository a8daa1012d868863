"""While the battery is left to somebody else: for how long, and what lies beneath their mode."""

from __future__ import annotations

import logging

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.errors import DeviceUnreachable
from support.told_actuator import (
    AUTO,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    LEASE_S,
    MANUAL,
    PLANT,
    THEIRS,
    UNKNOWN,
    ToldActuator,
    charging,
    released,
    stood_down,
)


def taken(mode: OperatingMode = BACKUP) -> ToldActuator:
    """Return one that stands down since 1000 s for a mode of somebody else's."""
    it = charging()
    assert it.sees(mode) is not None
    return it


@pytest.mark.parametrize(
    ("seconds", "again"),
    [
        (0.0, "for another 30 min"),
        (30.0, "for another 30 min"),
        (600.0, "for another 20 min"),
        (1799.9, "for another 0 min"),
    ],
)
def test_standing_down_says_for_how_long(seconds: float, again: str) -> None:
    """And why."""
    assert taken().after(seconds).sees(AUTO) == stood_down(f"{THEIRS}; standing down {again}")


def test_control_is_taken_up_again_after_the_hold_off(caplog: pytest.LogCaptureFixture) -> None:
    """From a mode that is ours to take; anybody else's is waited for."""
    it = taken().after(HOLD_OFF_S)
    assert it.sees(BACKUP) == stood_down(f"{THEIRS}; standing down while its mode is backup")
    with caplog.at_level(logging.INFO, logger="optimizer.control.actuation"):
        assert it.sees(AUTO) is None
    assert caplog.messages[-1] == "taking the battery up again"
    assert it.after(1.0).sees(AUTO) is None


def test_a_battery_without_a_mode_call_is_taken_up_again_in_any_mode() -> None:
    """It is told then that its mode has to be set by hand."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.sees(MANUAL, echo_w=2000.0)
    it.sees(BACKUP)
    assert it.after(HOLD_OFF_S).sees(BACKUP) is None
    told = it.after(1.0).sees(BACKUP)
    assert told is not None
    assert "put it into manual" in told.note


@pytest.mark.parametrize("mode", [BACKUP, OperatingMode.TIME_OF_USE, OperatingMode.OTHER])
def test_the_end_leaves_somebodys_mode_alone(mode: OperatingMode) -> None:
    """It is not ours to change; what is ours beneath it is zeroed, at once and once more at the end."""
    it = taken(mode)
    assert it.release() == Actuation(
        outcome=Outcome.HANDED_BACK, note=f"the end; its mode {mode} is not ours to change"
    )
    assert it.writes == [CHARGE, "zero", "zero"]
    assert it.record.on_record is None


def test_the_end_is_not_reached_while_what_is_ours_cannot_be_zeroed() -> None:
    """It stays on record for those who come after, in whatever mode the battery is."""
    it, refused = charging(), DeviceUnreachable("refused")
    it.sees(BACKUP, error=refused)
    note = "the end; its mode backup is not ours to change"
    assert it.release(error=refused) == Actuation(outcome=Outcome.FAILED, note=note, error="refused")
    it.after(10.0).sees(BACKUP)
    assert it.record.on_record is not None
    assert it.release().outcome is Outcome.HANDED_BACK
    assert it.record.on_record is None


def test_what_is_stored_under_somebodys_mode_is_zeroed_until_that_is_accepted() -> None:
    """On record until then, and until a status is young enough to show it; tried once a lease, the mode left alone."""
    it = charging()
    it.sees(BACKUP, error=DeviceUnreachable("refused"))
    it.after(60.0).sees(BACKUP)
    assert (it.writes, it.record.on_record is None) == ([CHARGE, "zero"], False)
    it.after(30.0).sees(BACKUP)
    assert it.writes == [CHARGE, "zero", "zero"]
    it.after(5.0).sees(BACKUP)
    assert it.record.on_record is None
    it.after(500.0).sees(BACKUP)
    assert it.writes == [CHARGE, "zero", "zero"]


@pytest.mark.parametrize("mode", [AUTO, MANUAL, UNKNOWN])
def test_the_end_hands_back_what_may_be_ours(mode: OperatingMode) -> None:
    """Where the mode last seen may hide a command of ours."""
    it = taken()
    it.after(1.0).sees(mode)
    assert it.release() == Actuation(outcome=Outcome.HANDED_BACK, note="the end")
    assert it.writes == [CHARGE, "zero", "release"]


def test_the_end_hands_back_where_no_mode_was_ever_seen() -> None:
    """A power plant in the way of the first command may have let manual mode through."""
    it = ToldActuator()
    it.send(CHARGE, error=PLANT)
    assert it.release().outcome is Outcome.HANDED_BACK
    assert it.writes == [CHARGE, "release"]


def test_a_start_may_stand_down_to_what_was_chosen_before_it() -> None:
    """What an earlier run may have left beneath it is zeroed, and on record until a status is young enough."""
    it = ToldActuator()
    assert it.leaves_alone(BACKUP, left_over=True) == stood_down("it was chosen")
    assert it.writes == ["zero"]
    assert it.record.on_record == ("idle", 1090.0, LEASE_S)
    assert it.actuator.leaves_a_choice
    it.at(44.9).sees(BACKUP)
    assert it.record.on_record is not None
    it.at(45.0).sees(BACKUP)
    assert it.record.on_record is None


def test_a_start_that_stands_down_over_nothing_sends_nothing() -> None:
    """And leaves nothing on record."""
    it = ToldActuator()
    assert it.leaves_alone(BACKUP, left_over=False) == stood_down("it was chosen")
    assert (it.writes, it.record.on_record) == ([], None)
    assert it.release().note == "the end; its mode backup is not ours to change"


def test_standing_down_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """In the journal, once."""
    taken()
    assert caplog.messages == [f"{THEIRS}: standing down"]


def test_the_owners_word_ends_a_stand_down() -> None:
    """Whatever mode is found; what somebody chooses after that is theirs again."""
    it = taken(BACKUP).after(40.0)
    told = it.actuator.stand_down(it.now_s)
    assert told is not None
    assert told.left_s == HOLD_OFF_S - 40.0
    assert it.actuator.resume()
    assert it.actuator.stand_down(it.now_s) is None
    assert it.sees(BACKUP) is None
    assert it.send(CHARGE).outcome is Outcome.APPLIED
    assert it.after(10.0).sees(MANUAL) is None
    assert it.after(40.0).sees(BACKUP) == stood_down("somebody else changed the battery's mode to backup")


def test_the_owners_word_without_a_stand_down_changes_nothing() -> None:
    """After a hand-back a mode that somebody chooses is still respected."""
    it = released()
    assert not it.actuator.resume()
    assert it.after(50.0).sees(AUTO) is None
    assert it.after(50.0).sees(BACKUP) == stood_down("somebody else changed the battery's mode to backup")
