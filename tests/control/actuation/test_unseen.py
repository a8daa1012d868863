"""What is done when nothing can be read, or believed."""

from __future__ import annotations

import logging

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from support.told_actuator import (
    AUTO,
    AUTOMATIC,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    LEASE_S,
    MANUAL,
    NOW,
    REFUSED,
    THEIRS,
    automatic,
    charging,
    released,
    stood_down,
)


@pytest.mark.parametrize(
    ("seconds", "interval_over", "why"),
    [
        (89.9, False, None),
        (90.0, False, "its lease has run out"),
        (1.0, True, "its interval is over"),
    ],
)
def test_a_command_that_cannot_be_verified_ends(*, seconds: float, interval_over: bool, why: str | None) -> None:
    """With its lease, or with the interval that it was given for."""
    it = charging().after(seconds)
    done = it.actuator.unreadable(it.now_s, interval_over=interval_over)
    note = f"the command charge 2000 W cannot be verified and {why}"
    assert done == (Actuation(outcome=Outcome.HANDED_BACK, note=note) if why else None)
    assert it.writes == ([CHARGE, "release"] if why else [CHARGE])


@pytest.mark.parametrize(("seconds", "ends"), [(29.9, False), (30.0, True)])
def test_automatic_mode_that_was_never_seen_is_asked_for_again(seconds: float, ends: bool) -> None:
    """The forced power before it may stand: after the settling time the battery is handed back."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    it.after(seconds)
    done = it.actuator.unreadable(it.now_s, interval_over=False)
    note = "handing back could not be confirmed"
    assert done == (Actuation(outcome=Outcome.HANDED_BACK, note=note) if ends else None)


def test_automatic_mode_that_was_refused_is_asked_for_at_once() -> None:
    """What was seen needs nothing."""
    it = automatic().after(500.0)
    assert it.actuator.unreadable(it.now_s, interval_over=True) is None
    it = charging()
    it.send(AUTOMATIC, error=REFUSED)
    it.device.error = None
    done = it.actuator.unreadable(it.now_s, interval_over=False)
    assert done is not None
    assert done.outcome is Outcome.HANDED_BACK


@pytest.mark.parametrize(("seconds", "ends"), [(89.9, False), (90.0, True)])
def test_automatic_mode_that_was_seen_too_soon_is_asked_for_again(seconds: float, ends: bool) -> None:
    """What showed it may be older than the command before: after a lease without news the battery is handed back."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    it.after(5.0).sees(AUTO)
    done = it.at(10.0 + seconds).doubts(None)
    assert (done is not None) is ends
    assert it.writes[2:] == ["release"] * ends


@pytest.mark.parametrize("interval_over", [True, False])
def test_a_mode_that_somebody_may_have_chosen_is_left_alone_in_doubt_as_well(interval_over: bool) -> None:
    """What is ours beneath it is zeroed, and stays on record."""
    it = charging().at(5.0 if interval_over else 90.0)
    assert it.doubts(BACKUP, interval_over=interval_over) == stood_down(THEIRS)
    assert it.writes == [CHARGE, "zero"]
    assert it.record.on_record == ("charge 2000 W", it.now_s + LEASE_S, LEASE_S)
    assert it.release().note == "the end; its mode backup is not ours to change"


def test_a_mode_that_comes_in_place_of_automatic_is_left_alone_in_doubt_as_well() -> None:
    """What stood before may lie beneath it."""
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    assert it.after(30.0).doubts(BACKUP) == stood_down(THEIRS)
    assert it.writes == [CHARGE, AUTOMATIC, "zero"]
    assert it.record.on_record == ("charge 2000 W", it.now_s + LEASE_S, LEASE_S)


def test_a_hand_back_that_was_seen_by_others_is_not_done_again() -> None:
    """The guard has taken it off the record."""
    it = released()
    it.record.drop()
    assert it.at(90.0).doubts(None) is None
    assert it.at(180.0).doubts(MANUAL) is None
    assert it.writes == [CHARGE, "release"]


def test_a_hand_back_that_shows_in_doubtful_data_that_lives_is_not_done_again() -> None:
    """In automatic mode for all to see: the doubt is about something else."""
    it = released()
    assert it.at(90.0).doubts(AUTO) is None
    assert (it.writes, it.record.on_record) == ([CHARGE, "release"], None)


def test_a_hand_back_that_shows_in_doubtful_data_that_stands_still_is_done_again() -> None:
    """It may be from before the command."""
    it = released()
    it.at(44.0).doubts(AUTO, device_time=NOW)
    assert it.at(90.0).doubts(AUTO, device_time=NOW) is None
    assert it.writes == [CHARGE, "release", "release"]
    assert it.record.on_record is not None


def test_what_is_told_beside_a_status_that_stands_still_confirms_no_hand_back() -> None:
    """V2 has an answer of its own for it, which goes on when the status, and the mode in it, is frozen."""
    it = released()
    it.at(44.0).doubts(AUTO, device_time=NOW, reasons=("the battery's care",))
    assert it.at(90.0).doubts(AUTO, device_time=NOW) is None
    assert it.writes == [CHARGE, "release", "release"]
    assert it.record.on_record is not None


@pytest.mark.parametrize("mode", [None, MANUAL])
def test_a_hand_back_that_cannot_be_seen_is_done_again_once_a_lease(
    mode: OperatingMode | None, caplog: pytest.LogCaptureFixture
) -> None:
    """And told no more; one that fails is for those who look closely."""
    it = released()
    with caplog.at_level(logging.DEBUG, logger="optimizer.control.actuation"):
        for seconds, error in ((89.9, None), (90.0, None), (179.9, None), (180.0, REFUSED), (270.0, None)):
            assert it.at(seconds).doubts(mode, error=error) is None
    assert it.writes == [CHARGE, *["release"] * 4]
    assert caplog.messages == ["what was handed back and never seen cannot be handed back again: code 5"]


def test_a_hand_back_that_cannot_be_seen_is_not_done_again_in_a_mode_that_somebody_may_have_chosen() -> None:
    """In doubt it is theirs; what may stand beneath it is zeroed."""
    it = released().at(90.0)
    assert it.doubts(BACKUP) == stood_down(THEIRS)
    assert it.writes == [CHARGE, "release", "zero"]


@pytest.mark.parametrize("mode", [AUTO, MANUAL])
def test_after_an_outage_a_command_is_sent_again(mode: OperatingMode) -> None:
    """The battery may have restarted, with its mode or without; once, and nobody is blamed."""
    it = charging().after(45.0)
    it.actuator.note_outage()
    assert it.sees(mode, echo_w=2000.0) is None
    assert it.send(CHARGE).outcome is Outcome.APPLIED
    assert it.after(1.0).sees(echo_w=2000.0) is None
    assert it.send(CHARGE).outcome is Outcome.KEPT


@pytest.mark.parametrize("mode", [AUTO, BACKUP])
def test_a_mode_that_comes_with_a_look_or_two_missing_is_somebodys(mode: OperatingMode) -> None:
    """A restart takes longer: on a bad link the owner's choice would be overruled again and again."""
    it = charging().after(44.9)
    it.actuator.note_outage()
    assert it.sees(mode) == stood_down(f"somebody else changed the battery's mode to {mode}")


def test_a_chosen_mode_that_was_seen_is_not_overruled_when_nothing_can_be_seen_any_more() -> None:
    """A battery that was given up is pursued, but not into somebody's mode."""
    it = charging()
    for _ in range(6):
        it.after(10.0).sees(echo_w=2000.0, power_w=0.0)
    assert it.after(5.0).sees(BACKUP) == stood_down(THEIRS)
    for _ in range(4):
        it.after(90.0).doubts(None)
    assert it.writes == [CHARGE, "release", "zero"]


def test_a_battery_that_answers_in_doubt_has_not_restarted() -> None:
    """One look failed, the next could not be believed: a mode that comes then is somebody's."""
    it = charging().after(5.0)
    it.actuator.note_outage()
    it.doubts(None)
    for _ in range(8):
        assert it.after(5.0).doubts(MANUAL) is None
    assert it.after(5.0).sees(AUTO) == stood_down("somebody else changed the battery's mode to automatic")


@pytest.mark.parametrize(("away_s", "again"), [(44.9, False), (45.0, True)])
def test_an_absence_counts_though_the_first_answer_after_it_is_in_doubt(away_s: float, again: bool) -> None:
    """It may have restarted then."""
    it = charging().after(5.0)
    it.actuator.note_outage()
    it.after(away_s - 5.0).doubts(MANUAL)
    assert (it.after(5.0).sees(AUTO) is None) is again


def test_a_failed_look_before_the_last_command_is_no_restart_after_it() -> None:
    """It was compared with what stood then, also while the battery was left to somebody else."""
    it = charging().after(5.0)
    it.sees(BACKUP)
    it.actuator.note_outage()
    it.after(60.0).sees(AUTO)
    it.after(HOLD_OFF_S).sees(AUTO)
    it.send(CHARGE)
    it.after(5.0).sees(MANUAL)
    assert it.send(CHARGE).outcome is Outcome.KEPT
    assert it.after(5.0).sees(AUTO) == stood_down("somebody else changed the battery's mode to automatic")
