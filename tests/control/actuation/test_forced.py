"""What a status calls for while a forced command stands."""

from __future__ import annotations

import logging

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from support.told_actuator import (
    AUTO,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    LEASE_S,
    MANUAL,
    NOW,
    REFUSED,
    UNKNOWN,
    ToldActuator,
    charging,
    stood_down,
)


def lose(it: ToldActuator) -> Actuation | None:
    """Lose the command at five looks and at a sixth; return what came of that."""
    for _ in range(5):
        assert it.after(40.0).sees(echo_w=0.0) is None
        assert it.send(CHARGE).outcome is Outcome.APPLIED
    return it.after(40.0).sees(echo_w=0.0)


@pytest.mark.parametrize("mode", [MANUAL, UNKNOWN])
def test_a_command_that_shows_is_vouched_for(mode: OperatingMode) -> None:
    """Also where the battery does not tell its mode."""
    it = ToldActuator()
    it.send(CHARGE)
    assert it.after(5.0).sees(mode, echo_w=2000.0) is None
    assert it.actuator.lease_end_s == 1095.0


def test_a_mode_may_show_late() -> None:
    """Within the settling time it is neither vouched for nor held against anybody."""
    it = ToldActuator()
    it.send(CHARGE)
    assert it.after(29.9).sees(AUTO) is None
    assert it.actuator.lease_end_s == 1090.0
    told = it.after(0.1).sees(AUTO)
    assert told == stood_down("somebody else changed the battery's mode to automatic")
    assert it.actuator.standing is None
    assert it.record.on_record == ("charge 2000 W", 1120.0, 90.0)  # stored all the same, until it is taken back


def test_a_mode_that_has_shown_and_is_gone_is_somebodys() -> None:
    """Though the settling time is not over; a new power does not change that."""
    it = charging().after(5.0)
    it.send(Power(-500.0))
    assert it.after(5.0).sees(BACKUP) == stood_down("somebody else changed the battery's mode to backup")


def test_a_mode_that_was_never_told_has_not_shown() -> None:
    """Entering manual anew has a settling time of its own."""
    it = ToldActuator()
    it.send(CHARGE)
    it.after(5.0).sees(UNKNOWN)
    assert it.after(5.0).sees(AUTO) is None


def test_another_power_has_a_settling_time_only_until_the_mode_has_shown() -> None:
    """What was confirmed before is echoed at once: what is echoed else is somebody's."""
    it = charging().after(10.0)
    it.send(Power(3000.0))
    assert it.sees(echo_w=-900.0) == stood_down("somebody else set discharge 900 W (ours was charge 3000 W)")


@pytest.mark.parametrize(
    ("mode", "kept"), [(MANUAL, ("charge 2000 W", 1095.0, LEASE_S)), (UNKNOWN, ("charge 2000 W", 1095.0, LEASE_S))]
)
def test_anothers_power_over_ours_leaves_ours_on_record(mode: OperatingMode, kept: tuple[str, float, float]) -> None:
    """When the other leaves, ours acts again; it is nobody's standing command meanwhile."""
    it = charging().after(5.0)
    told = it.sees(mode, echo_w=-900.0)
    assert told == stood_down("somebody else set discharge 900 W (ours was charge 2000 W)")
    assert (it.record.on_record, it.actuator.standing) == (kept, None)


def test_a_command_that_is_gone_is_sent_again_five_times(caplog: pytest.LogCaptureFixture) -> None:
    """The sixth time it is given up; that is told, and the first."""
    it = charging()
    with caplog.at_level(logging.WARNING, logger="optimizer.control.actuation"):
        for _ in range(5):
            assert it.after(10.0).sees(echo_w=0.0) is None
            assert len(caplog.records) == 1
            assert it.send(CHARGE).outcome is Outcome.APPLIED
        done = it.after(10.0).sees(echo_w=0.0)
    why = "the battery has forgotten its setpoint"
    assert done == Actuation(outcome=Outcome.HANDED_BACK, note=f"{why}, 6 times within an hour")
    assert [record.getMessage() for record in caplog.records] == [
        f"{why}: sending it again",
        f"{why}, 6 times within an hour: handed back",
    ]
    assert it.writes == [CHARGE] * 6 + ["release"]


def test_each_command_may_be_lost_as_often_as_the_first() -> None:
    """Before it was ever seen, and after one that was given up."""
    it = ToldActuator()
    it.send(CHARGE)
    for _ in range(2):
        done = lose(it)
        assert done is not None
        assert done.outcome is Outcome.HANDED_BACK
        it.after(HOLD_OFF_S).sees(AUTO)
        it.send(CHARGE)


def test_a_command_that_is_lost_now_and_then_is_sent_again_each_time() -> None:
    """A nightly restart is no reason to give up in a week."""
    it = charging()
    for _ in range(20):
        assert it.after(720.0).sees(echo_w=0.0) is None
        it.send(CHARGE)
        assert it.after(10.0).sees(echo_w=2000.0) is None


def test_whoever_sets_zero_again_and_again_is_given_way() -> None:
    """Though ours shows in between: it may be another controller, which holds the battery."""
    it = charging()
    for _ in range(5):
        assert it.after(40.0).sees(echo_w=0.0) is None
        it.send(CHARGE)
        assert it.after(20.0).sees(echo_w=2000.0) is None
    done = it.after(40.0).sees(echo_w=0.0)
    assert done is not None
    assert done.outcome is Outcome.HANDED_BACK
    assert it.actuator.stand_down(it.now_s) is not None


@pytest.mark.parametrize(
    ("says", "flows_w", "why"),
    [
        ({}, 0.0, "the battery does not follow: told to charge 2000 W, it does idle"),
        ({}, 0.4, "the battery does not follow: told to charge 2000 W, it does idle"),
        ({}, -130.6, "the battery does not follow: told to charge 2000 W, it does discharge 131 W"),
        (
            {"reasons": ("BMS", "Full Charge Request"), "discharge_allowed": True},
            0.0,
            "the battery does not follow; BMS; Full Charge Request: told to charge 2000 W, it does idle",
        ),
        (
            {"reasons": ("BMS",), "discharge_allowed": False},
            3000.0,
            (
                "the battery does not follow; battery care seems to charge it; BMS: "
                "told to charge 2000 W, it does charge 3000 W"
            ),
        ),
        (
            {"discharge_allowed": False},
            0.0,
            "the battery does not follow: told to charge 2000 W, it does idle",
        ),
    ],
)
def test_a_battery_that_does_not_follow_twice_is_given_up(says: dict[str, object], flows_w: float, why: str) -> None:
    """Handed back and left alone for the hold-off, with what it says itself."""
    it = charging()
    for _ in range(5):
        assert it.after(10.0).sees(echo_w=2000.0, power_w=flows_w, **says) is None
    done = it.after(10.0).sees(echo_w=2000.0, power_w=flows_w, **says)
    assert done == Actuation(outcome=Outcome.HANDED_BACK, note=why)
    assert it.sees(AUTO) == stood_down(f"{why}; standing down for another 30 min")


def test_a_battery_that_cannot_be_given_up_is_tried_again() -> None:
    """The command stands on; with the next look it is handed back anew, and only then left alone."""
    it = charging()
    for _ in range(5):
        it.after(10.0).sees(echo_w=2000.0, power_w=0.0)
    why = "the battery does not follow: told to charge 2000 W, it does idle"
    failed = it.after(10.0).sees(echo_w=2000.0, power_w=0.0, error=REFUSED)
    assert failed == Actuation(outcome=Outcome.FAILED, setpoint=CHARGE, note=why, error="code 5")
    again = it.after(10.0).sees(echo_w=2000.0, power_w=0.0)
    assert again == Actuation(outcome=Outcome.HANDED_BACK, note=why)


def test_a_battery_that_was_given_up_and_stays_in_manual_is_handed_back_again() -> None:
    """Accepted is not obeyed, then neither."""
    it = charging()
    for _ in range(6):
        it.after(10.0).sees(echo_w=2000.0, power_w=0.0)
    it.after(29.9).sees(MANUAL)
    assert it.writes == [CHARGE, "release"]
    it.after(0.1).sees(MANUAL)
    assert it.writes == [CHARGE, "release", "release"]


def test_a_battery_that_was_given_up_begins_anew() -> None:
    """Neither its misses nor its losses are held against it after the hold-off."""
    it = charging()
    for _ in range(6):
        it.after(10.0).sees(echo_w=2000.0, power_w=0.0)
    it.after(HOLD_OFF_S).sees(AUTO)
    it.send(CHARGE)
    for _ in range(5):
        assert it.after(10.0).sees(echo_w=2000.0, power_w=0.0) is None


@pytest.mark.parametrize(("echo_w", "again"), [(2000.0, Outcome.KEPT), (0.0, Outcome.APPLIED)])
def test_data_that_does_not_move_renews_no_lease(echo_w: float, again: Outcome) -> None:
    """Neither does what it says to be forgotten; that is sent again, and the lease ends all the same.

    Nor does an echo that moves beside a status that does not: V2 tells it in another answer.
    """
    it = ToldActuator()
    it.send(CHARGE)
    it.after(5.0).sees(echo_w=echo_w, device_time=NOW)
    for _ in range(3):
        assert it.after(15.0).sees(echo_w=echo_w, device_time=NOW) is None
        assert it.send(CHARGE).outcome is again
        assert it.actuator.lease_end_s == 1095.0
    it.at(95.0)
    ended = it.sees(echo_w=2000.0, device_time=NOW)
    assert ended is not None
    assert ended.note == "charge 2000 W cannot be verified: the battery's data does not move"
