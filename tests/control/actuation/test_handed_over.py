"""Automatic mode that was asked for: whether the battery is in it, and what of ours it may go on with."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from support.told_actuator import (
    AUTO,
    AUTOMATIC,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    MANUAL,
    REFUSED,
    THEIRS,
    UNKNOWN,
    ToldActuator,
    automatic,
    charging,
    stood_down,
)


@pytest.mark.parametrize("mode", [AUTO, UNKNOWN])
def test_automatic_mode_that_shows_clears_the_record(mode: OperatingMode) -> None:
    """Or another power, where no mode is told; not before, nor by a status that may be older than the command."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    for since_the_command_s in (10.0, 44.9):
        assert it.at(since_the_command_s).sees(mode, power_w=-300.0) is None
        assert it.record.on_record is not None
    assert it.at(45.0).sees(mode, power_w=-300.0) is None
    assert it.record.on_record is None


@pytest.mark.parametrize(("echo_w", "power_w"), [(None, 2000.0), (2000.0, 0.0)])
def test_a_battery_that_tells_no_mode_and_goes_on_is_handed_over_again(echo_w: float | None, power_w: float) -> None:
    """Each settling time, after the fifth once a lease, and on record until something else flows or is told."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    for pause_s in (30.0, 30.0, 30.0, 30.0, 30.0, 90.0, 90.0):
        assert it.after(pause_s - 0.1).sees(UNKNOWN, echo_w=echo_w, power_w=power_w) is None
        assert it.send(AUTOMATIC).outcome is Outcome.KEPT
        assert it.after(0.1).sees(UNKNOWN, echo_w=echo_w, power_w=power_w) is None
        assert it.send(AUTOMATIC).outcome is Outcome.APPLIED
    assert it.record.on_record is not None
    assert it.after(45.0).sees(UNKNOWN, echo_w=0.0, power_w=-300.0) is None
    assert it.record.on_record is None


def assert_asked_again(it: ToldActuator, echo_w: float | None) -> None:
    """Hand over to a battery that goes on with 2000 W: on record, and asked for automatic mode again."""
    it.send(AUTOMATIC)
    assert it.after(45.0).sees(UNKNOWN, echo_w=echo_w) is None
    assert it.record.on_record is not None
    assert it.send(AUTOMATIC).outcome is Outcome.APPLIED


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_a_battery_that_tells_no_mode_may_go_on_with_the_command_before(echo_w: float | None) -> None:
    """It took the last one for nothing, and then the hand-over as well: what flows is ours, and stays on record."""
    it = charging().after(30.0)
    it.sees(UNKNOWN, echo_w=2000.0, power_w=2000.0)
    it.send(Power(-1500.0))
    it.after(5.0).sees(UNKNOWN, echo_w=echo_w, power_w=2000.0)
    assert_asked_again(it, echo_w)


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_a_hand_back_did_not_end_is_on_record_through_automatic_mode(echo_w: float | None) -> None:
    """Blind for a lease, handed back in vain, and then left to itself."""
    it = charging().after(90.0)
    it.doubts(None)
    it.after(5.0).sees(UNKNOWN, echo_w=echo_w)
    assert_asked_again(it, echo_w)


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_is_beneath_anothers_is_on_record_through_automatic_mode(echo_w: float | None) -> None:
    """A power plant came, and left after the hold-off: ours acts again."""
    it = charging().after(40.0)
    assert it.sees(UNKNOWN, echo_w=-700.0, power_w=-700.0) is not None
    assert it.after(HOLD_OFF_S).sees(UNKNOWN, echo_w=-700.0, power_w=-700.0) is None
    assert_asked_again(it, echo_w)


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_automatic_mode_did_not_end_is_known_under_the_next_command(echo_w: float | None) -> None:
    """It is handed back, and pursued: nobody else set it."""
    it = charging().after(30.0)
    it.send(AUTOMATIC)
    it.after(60.0).sees(UNKNOWN, echo_w=echo_w)
    it.send(Power(-1500.0))
    notes = [done.note for _ in range(9) if (done := it.after(10.0).sees(UNKNOWN, echo_w=echo_w)) is not None]
    assert "does not follow" in notes[0] or "keeps to charge 2000 W" in notes[0]
    assert "the battery accepted to be handed back, and still does charge 2000 W" in notes
    assert it.record.on_record is not None


def test_automatic_mode_that_somebody_chose_while_ours_was_refused_leaves_ours_beneath_it() -> None:
    """It was never told to forget: on record until it has taken that."""
    it = charging().after(10.0)
    it.send(AUTOMATIC, error=REFUSED)
    assert it.after(60.0).sees(AUTO) is None
    assert it.record.on_record is not None
    it.send(AUTOMATIC)
    it.after(5.0).sees(AUTO)
    assert it.record.on_record is None


def test_a_mode_that_is_chosen_while_automatic_mode_is_refused_hides_ours() -> None:
    """What stood before may lie beneath it."""
    it = charging().after(10.0)
    it.send(AUTOMATIC, error=REFUSED)
    assert it.after(5.0).sees(BACKUP) == stood_down(THEIRS)
    assert it.writes == [CHARGE, AUTOMATIC, "zero"]
    assert it.record.on_record is not None


@pytest.mark.parametrize(("seconds", "sent"), [(29.9, False), (30.0, True)])
def test_automatic_mode_that_does_not_show_is_sent_again(seconds: float, sent: bool) -> None:
    """After the settling time."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    assert it.after(seconds).sees(MANUAL) is None
    assert it.send(AUTOMATIC).outcome is (Outcome.APPLIED if sent else Outcome.KEPT)


def test_automatic_mode_that_is_gone_is_somebodys() -> None:
    """Whatever it was changed to."""
    for mode in (MANUAL, BACKUP):
        told = automatic().after(5.0).sees(mode)
        assert told == stood_down(f"somebody else changed the battery's mode to {mode}")


@pytest.mark.parametrize(("mode", "again"), [(MANUAL, True), (BACKUP, False), (AUTO, True)])
def test_automatic_mode_after_an_outage(mode: OperatingMode, again: bool) -> None:
    """A restart may end in manual mode; a mode of the owner's is a choice."""
    it = automatic().after(45.0)
    it.actuator.note_outage()
    told = it.sees(mode)
    assert told == (None if again else stood_down("somebody else changed the battery's mode to backup"))
    if again:
        assert it.send(AUTOMATIC).outcome is Outcome.APPLIED


def test_a_battery_that_is_kept_in_manual_mode_is_given_up() -> None:
    """It takes the word and does not obey, or another controller sets manual mode again: left alone, and on record."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    for _ in range(5):
        assert it.after(30.0).sees(MANUAL) is None
        assert it.send(AUTOMATIC).outcome is Outcome.APPLIED
    why = "6 times within an hour the battery was to be in automatic mode, and it is in mode manual"
    assert it.after(30.0).sees(MANUAL) == Actuation(outcome=Outcome.HANDED_BACK, note=why)
    assert it.actuator.stand_down(it.now_s) is not None
    assert it.record.on_record is not None


def test_a_battery_that_refuses_automatic_mode_is_not_given_up() -> None:
    """What is refused is tried again at every step; only what was taken and not obeyed counts."""
    it = charging().after(10.0)
    for _ in range(20):
        it.send(AUTOMATIC, error=REFUSED)
        assert it.after(30.0).sees(MANUAL) is None
    assert it.actuator.stand_down(it.now_s) is None


@pytest.mark.parametrize("echo_w", [None, 1500.0])
@pytest.mark.parametrize("hands_over", [True, False])
def test_what_limits_of_the_batterys_own_leave_of_a_power_is_ours(echo_w: float | None, *, hands_over: bool) -> None:
    """It takes 2000 W and does 1500, and goes on with that after it was told to end."""
    it = ToldActuator()
    it.send(CHARGE)
    it.after(10.0).sees(UNKNOWN, echo_w=echo_w, power_w=1440.0)
    if hands_over:
        it.send(AUTOMATIC)
    else:
        it.release()
    it.after(45.0).sees(UNKNOWN, echo_w=echo_w, power_w=1440.0)
    assert it.record.on_record is not None
    it.after(10.0).sees(UNKNOWN, echo_w=None if echo_w is None else 900.0, power_w=900.0)
    assert it.record.on_record is None


def test_that_automatic_mode_is_asked_for_again_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Where no mode is told."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    for _ in range(3):
        it.after(30.0).sees(UNKNOWN)
        it.send(AUTOMATIC)
    why = "the battery accepted to be handed back, and still does charge 2000 W"
    assert caplog.messages == [f"{why}: handing it back again"]
