"""The one writer by itself: what it sends, when, and what it makes of what it sees."""

from __future__ import annotations

import logging
from datetime import datetime

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceInternalError, DeviceUnreachable, ExternalControl
from support.told_actuator import ToldActuator

CHARGE, AUTOMATIC = Power(2000.0), Automatic()
MANUAL, AUTO, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP
LEASE_S, SETTLE_S, HOLD_OFF_S = 90.0, 30.0, 1800.0
NOW = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
REFUSED = DeviceInternalError("code 5")
REPLACES = "what replaces the command before cannot be sent"
PLANT = ExternalControl("the power plant commands")


def charging() -> ToldActuator:
    """Return one that has commanded and seen a charge of 2000 W, at 1000 s."""
    it = ToldActuator()
    assert it.send(CHARGE).outcome is Outcome.APPLIED
    assert it.sees(echo_w=2000.0) is None
    return it


def lose(it: ToldActuator) -> Actuation | None:
    """Lose the command at five looks and at a sixth; return what came of that."""
    for _ in range(5):
        assert it.after(40.0).sees(echo_w=0.0) is None
        assert it.send(CHARGE).outcome is Outcome.APPLIED
    return it.after(40.0).sees(echo_w=0.0)


def automatic() -> ToldActuator:
    """Return one that has asked for automatic mode and seen it, at 1000 s."""
    it = ToldActuator()
    it.send(AUTOMATIC)
    assert it.sees(AUTO) is None
    return it


def stood_down(why: str) -> Actuation:
    return Actuation(outcome=Outcome.STOOD_DOWN, note=why)


# -- what goes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "seconds", "sent"),
    [
        (CHARGE, 59.9, False),
        (CHARGE, 60.0, True),
        (Power(2500.0), 9.9, False),
        (Power(2500.0), 10.0, True),
        (Power(-100.0), 0.1, True),
        (Power(0.0), 0.1, True),
        (AUTOMATIC, 0.1, True),
    ],
)
def test_when_a_command_is_due(wanted: Setpoint, seconds: float, sent: bool) -> None:
    """The same one each minute, another power each ten seconds, a turn, idle or another mode at once."""
    it = charging().after(seconds)
    assert it.send(wanted) == (
        Actuation(outcome=Outcome.APPLIED, setpoint=wanted)
        if sent
        else Actuation(outcome=Outcome.KEPT, setpoint=CHARGE)
    )
    assert it.writes == ([CHARGE, wanted] if sent else [CHARGE])


@pytest.mark.parametrize(
    ("standing_w", "wanted_w", "sent"), [(0.0, 500.0, True), (0.0, -500.0, True), (1.0, 0.9, False)]
)
def test_leaving_idle_is_a_turn(*, standing_w: float, wanted_w: float, sent: bool) -> None:
    """A few watts of one sign are none."""
    it = ToldActuator()
    it.send(Power(standing_w))
    assert it.after(5.0).send(Power(wanted_w)).outcome is (Outcome.APPLIED if sent else Outcome.KEPT)


def test_automatic_mode_is_not_sent_again() -> None:
    """It has no end that would have to be put off."""
    it = automatic().after(9999.0)
    assert it.send(AUTOMATIC) == Actuation(outcome=Outcome.KEPT, setpoint=AUTOMATIC)
    assert it.actuator.lease_end_s is None


def test_the_lease_begins_with_the_command_and_anew_with_each_read_back() -> None:
    """On record too, with its command; another power alone does not prolong it."""
    it = ToldActuator()
    assert it.actuator.lease_end_s is None
    it.send(CHARGE)
    assert it.actuator.lease_end_s == 1090.0
    assert it.record.on_record == ("charge 2000 W", 1090.0, LEASE_S)
    it.after(10.0).sees(echo_w=2000.0)
    assert it.record.on_record == ("charge 2000 W", 1100.0, LEASE_S)
    it.after(20.0).send(Power(3000.0))
    assert it.record.on_record == ("charge 3000 W", 1100.0, LEASE_S)
    assert (it.actuator.lease_end_s, it.actuator.standing) == (1100.0, Power(3000.0))


def test_a_failed_write_is_tried_again_at_once() -> None:
    """It may have worked: it counts as standing, and the failure is told."""
    it = ToldActuator()
    failed = Actuation(outcome=Outcome.FAILED, setpoint=CHARGE, error="code 5")
    assert it.send(CHARGE, error=REFUSED) == failed
    assert it.after(0.1).send(CHARGE, error=REFUSED) == failed
    assert it.after(0.1).send(CHARGE).outcome is Outcome.APPLIED
    assert it.after(0.1).send(CHARGE).outcome is Outcome.KEPT


def test_a_command_is_not_sent_once_what_it_rests_on_is_old() -> None:
    """It may have to wait for the device before it."""
    it = charging()
    assert it.device.not_after_s == 1045.0


def test_changes_of_mode_are_counted_though_they_fail() -> None:
    """The answer may be lost after the effect; another power is none."""
    it = ToldActuator()
    for _ in range(6):
        it.after(61.0).send(CHARGE, error=REFUSED)
        it.send(Power(1000.0), error=REFUSED)
        it.send(AUTOMATIC, error=REFUSED)
    assert not it.actuator.may_change_mode(it.now_s)
    assert it.actuator.may_change_mode(it.now_s + 3600.0)


def test_a_change_of_power_is_no_change_of_mode() -> None:
    """However many there are; and automatic mode is kept for a minute."""
    it = ToldActuator()
    for step in range(20):
        it.after(10.0).send(Power(1000.0 + 100.0 * step))
    assert it.actuator.may_change_mode(it.now_s)
    it.send(AUTOMATIC)
    assert not it.actuator.may_change_mode(it.now_s + 59.0)
    assert it.actuator.may_change_mode(it.now_s + 60.0)


def test_a_first_command_that_was_refused_is_read_back_like_any_other() -> None:
    """It may stand all the same."""
    it = ToldActuator()
    it.send(CHARGE, error=REFUSED)
    it.send(Power(1000.0), error=REFUSED)
    assert it.after(5.0).sees(echo_w=1000.0) is None
    assert it.actuator.lease_end_s == 1095.0


# -- a forced command that stands -----------------------------------------------------------------------------------


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
    ("reasons", "flows_w", "why"),
    [
        ((), 0.0, "the battery does not follow: told to charge 2000 W, it does idle"),
        ((), 0.4, "the battery does not follow: told to charge 2000 W, it does idle"),
        ((), -130.6, "the battery does not follow: told to charge 2000 W, it does discharge 131 W"),
        (
            ("BMS", "Full Charge Request"),
            0.0,
            "the battery does not follow; BMS; Full Charge Request: told to charge 2000 W, it does idle",
        ),
    ],
)
def test_a_battery_that_does_not_follow_twice_is_given_up(reasons: tuple[str, ...], flows_w: float, why: str) -> None:
    """Handed back and left alone for the hold-off, with what it says itself."""
    it = charging()
    for _ in range(5):
        assert it.after(10.0).sees(echo_w=2000.0, power_w=flows_w, reasons=reasons) is None
    done = it.after(10.0).sees(echo_w=2000.0, power_w=flows_w, reasons=reasons)
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
    """Neither does what it says to be forgotten; that is sent again, and the lease ends all the same."""
    it = ToldActuator()
    it.send(CHARGE)
    it.after(5.0).sees(echo_w=echo_w, device_time=NOW)
    for _ in range(3):
        assert it.after(15.0).sees(echo_w=echo_w, device_time=NOW) is None
        assert it.send(CHARGE).outcome is again
        assert it.actuator.lease_end_s == 1095.0
    it.at(95.0)
    ended = it.sees(echo_w=2000.0, device_time=NOW)
    assert ended is None or ended.note == "charge 2000 W cannot be verified: the battery's data does not move"
    assert (ended is not None) is (echo_w == 2000.0)


# -- a power that cannot be replaced --------------------------------------------------------------------------------


def stuck() -> ToldActuator:
    """Return one whose next power was refused, at 1000 s."""
    it = charging()
    failed = it.send(Power(-1500.0), error=REFUSED)
    assert failed == Actuation(outcome=Outcome.FAILED, setpoint=Power(-1500.0), error="code 5")
    return it


@pytest.mark.parametrize(("echo_w", "ours"), [(1975.0, True), (2025.0, True), (1974.0, False), (2026.0, False)])
def test_what_stood_before_a_refused_write_is_ours(echo_w: float, ours: bool) -> None:
    """To within what the battery rounds; it is not vouched for, and any other power is somebody's."""
    it = stuck().after(31.0)
    told = it.sees(echo_w=echo_w)
    assert (told is None) is ours
    if ours:
        assert it.actuator.lease_end_s == 1090.0


def test_a_power_whose_answer_was_lost_is_ours_once_it_is_told() -> None:
    """What is refused after it leaves that standing, not the one before; its lease runs out, and nobody is blamed."""
    it = charging()
    it.after(10.0).send(Power(3000.0), error=REFUSED)
    assert it.after(10.0).sees(echo_w=3000.0) is None
    it.send(Power(1000.0), error=REFUSED)
    for _ in range(8):
        assert it.after(10.0).sees(echo_w=3000.0) is None
    done = it.after(10.0).sees(echo_w=3000.0)
    assert done == Actuation(outcome=Outcome.HANDED_BACK, note="what replaces the command before cannot be sent")


def test_a_power_whose_answer_was_lost_and_that_was_replaced_at_once_is_ours_as_well() -> None:
    """Though it was never told while it stood."""
    it = charging()
    it.after(10.0).send(Power(3000.0), error=REFUSED)
    it.after(1.0).send(Power(-1000.0))
    assert it.after(5.0).sees(echo_w=3000.0) is None
    done = it.after(40.0).sees(echo_w=3000.0)
    assert done is not None
    assert done.note == "discharge 1000 W was sent, and the battery still keeps to charge 3000 W"


def test_what_is_sent_again_after_a_restart_has_a_lease_of_its_own() -> None:
    """The old one ended while the battery was away: the guard would end what is sent now."""
    it = charging().after(300.0)
    it.actuator.note_outage()
    assert it.sees(AUTO) is None
    it.send(CHARGE)
    assert it.record.on_record == ("charge 2000 W", it.now_s + LEASE_S, LEASE_S)


def test_a_hand_back_whose_answer_was_lost_is_nobodys_choice(caplog: pytest.LogCaptureFixture) -> None:
    """It worked, a look later automatic mode shows: the command is sent again."""
    it = charging().after(10.0)
    it.release(error=DeviceUnreachable("gone"))
    assert it.after(10.0).sees(AUTO) is None
    assert caplog.messages[-1] == "a hand-back worked, and its answer was lost: sending it again"
    assert it.send(CHARGE).outcome is Outcome.APPLIED


@pytest.mark.parametrize(("seconds", "worked"), [(44.9, True), (45.0, False)])
def test_a_failed_hand_back_has_not_worked_where_manual_mode_shows_long_after_it(seconds: float, worked: bool) -> None:
    """No status is that old: automatic mode that comes then is somebody's."""
    it = charging()
    it.release(error=REFUSED)
    it.after(seconds).sees(MANUAL, echo_w=2000.0)
    told = it.after(5.0).sees(AUTO)
    assert told == (None if worked else stood_down("somebody else changed the battery's mode to automatic"))


def test_a_failed_hand_back_is_over_with_what_stood() -> None:
    """It says nothing of the next command."""
    it = charging()
    it.release(error=REFUSED)
    it.after(5.0).sees(BACKUP)
    it.after(HOLD_OFF_S).sees(AUTO)
    it.send(CHARGE, error=REFUSED)
    told = it.after(31.0).sees(AUTO)
    assert told is not None
    assert told.note == "charge 2000 W was sent, and the battery's mode is still automatic"


def test_a_battery_that_tells_no_mode_is_not_asked_for_what_was_never_commanded() -> None:
    """Whatever flows: only a power that was ours speaks against automatic mode, and only until it was seen to end."""
    it = ToldActuator()
    it.send(AUTOMATIC)
    assert it.after(31.0).sees(UNKNOWN, power_w=1500.0) is None
    assert it.send(AUTOMATIC).outcome is Outcome.KEPT
    it = charging().after(10.0)
    it.send(AUTOMATIC)
    it.after(46.0).sees(UNKNOWN, power_w=-300.0)
    assert it.after(300.0).sees(UNKNOWN, power_w=2000.0) is None
    assert it.send(AUTOMATIC).outcome is Outcome.KEPT


@pytest.mark.parametrize(("seconds", "lags"), [(29.9, True), (30.0, False)])
def test_an_echo_that_lags_is_nobodys(seconds: float, lags: bool) -> None:
    """For a settling time after another power was sent; then what stood before was set by somebody."""
    it = charging()
    it.after(60.0).send(Power(-1000.0))
    told = it.after(seconds).sees(echo_w=2000.0)
    assert (told is None) is lags


def test_what_was_sent_before_that_is_somebodys_at_once() -> None:
    """Only the last power that was replaced may lag."""
    it = charging()
    it.after(60.0).send(Power(-1000.0))
    it.after(60.0).send(Power(-3000.0))
    assert it.after(1.0).sees(echo_w=2000.0) is not None


def test_what_was_left_behind_may_go_on_under_the_next_command() -> None:
    """The owner says that it is over, the battery takes the next command for nothing: what stands is still ours."""
    it = charging()
    it.after(60.0).send(Power(0.0))
    it.after(31.0).sees(echo_w=2000.0)
    assert it.actuator.resume()
    it.send(Power(0.0))
    told = it.after(31.0).sees(echo_w=2000.0)
    assert told == Actuation(
        outcome=Outcome.HANDED_BACK, note="idle was sent, and the battery still keeps to charge 2000 W"
    )


def test_what_stood_before_is_ours_through_several_refusals() -> None:
    """The battery keeps the last power that it took."""
    it = stuck()
    it.after(1.0).send(Power(-3000.0), error=REFUSED)
    assert it.after(1.0).sees(echo_w=2000.0) is None
    assert it.after(1.0).send(Power(-3000.0)).outcome is Outcome.APPLIED
    done = it.after(30.0).sees(echo_w=2000.0)
    assert done is not None
    assert done.note == "discharge 3000 W was sent, and the battery still keeps to charge 2000 W"


def test_a_mode_that_is_gone_after_a_refused_write_is_somebodys() -> None:
    """Only in manual mode what stood before still stands."""
    it = stuck()
    told = it.after(5.0).sees(BACKUP, echo_w=2000.0)
    assert told == stood_down("somebody else changed the battery's mode to backup")


@pytest.mark.parametrize(("seconds", "ends"), [(89.9, False), (90.0, True)])
def test_what_cannot_be_replaced_ends_with_its_lease(seconds: float, ends: bool) -> None:
    """It was not meant to stand any more."""
    it = stuck().after(seconds)
    done = it.sees(echo_w=2000.0)
    why = "what replaces the command before cannot be sent"
    assert done == (Actuation(outcome=Outcome.HANDED_BACK, note=why) if ends else None)
    assert it.after(29.0).sees(MANUAL, echo_w=0.0) is None


@pytest.mark.parametrize(("seconds", "ends"), [(89.9, False), (90.0, True)])
def test_without_an_echo_nothing_is_verified_after_a_refusal(seconds: float, ends: bool) -> None:
    """What flows may be the power before, for ever."""
    it = ToldActuator()
    it.send(CHARGE)
    it.after(60.0).sees()
    it.send(Power(-1500.0), error=REFUSED)
    for _ in range(8):
        assert it.after(10.0).sees(power_w=2000.0) is None
    done = it.after(seconds - 80.0).sees(power_w=2000.0)
    why = "what replaces the command before cannot be sent"
    assert done == (Actuation(outcome=Outcome.HANDED_BACK, note=why) if ends else None)


def test_without_an_echo_a_command_that_is_taken_at_last_is_verified() -> None:
    """A refusal is forgotten with the next write that works."""
    it = ToldActuator()
    it.send(CHARGE)
    it.send(Power(-1500.0), error=REFUSED)
    it.after(80.0).send(Power(-1500.0))
    it.after(9.0).sees(power_w=-1500.0)
    assert it.actuator.lease_end_s == 1179.0


@pytest.mark.parametrize(("can_set_mode", "waits"), [(True, True), (False, False)])
def test_a_battery_that_takes_no_first_power_is_handed_back(can_set_mode: bool, waits: bool) -> None:
    """Where manual mode is entered and no more it is left alone for a while; where nothing is entered, tried again."""
    it = ToldActuator(can_set_mode=can_set_mode)
    mode = OperatingMode.MANUAL if can_set_mode else OperatingMode.UNKNOWN
    for _ in range(3):
        it.send(CHARGE, error=REFUSED)
    assert it.after(89.9).sees(mode, power_w=0.0) is None
    done = it.after(0.1).sees(mode, power_w=0.0)
    assert done == Actuation(outcome=Outcome.HANDED_BACK, note="charge 2000 W cannot be sent" if waits else REPLACES)
    assert (it.actuator.stand_down(it.now_s) is not None) is waits


def test_a_lease_ends_though_wishes_change_at_every_step() -> None:
    """The battery takes each power and stays in automatic mode: none settles, and none is ever verified."""
    it = ToldActuator()
    it.sees(AUTO)
    it.send(CHARGE)
    for step in range(1, 9):
        assert it.after(10.0).sees(AUTO, power_w=2000.0) is None
        it.send(Power(2000.0 + 10.0 * step))
    told = it.after(10.0).sees(AUTO, power_w=2000.0)
    why = "charge 2080 W was sent, and the battery's mode is still automatic"
    assert told == Actuation(outcome=Outcome.HANDED_BACK, note=why)
    assert it.actuator.stand_down(it.now_s) is not None


# -- when nothing can be read ---------------------------------------------------------------------------------------


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


THEIRS = "somebody else changed the battery's mode to backup"


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


# -- automatic mode -------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_a_battery_that_tells_no_mode_may_go_on_with_the_command_before(echo_w: float | None) -> None:
    """It took the last one for nothing, and then the hand-over as well: what flows is ours, and stays on record."""
    it = charging().after(30.0)
    it.sees(UNKNOWN, echo_w=2000.0, power_w=2000.0)
    it.send(Power(-1500.0))
    it.after(5.0).sees(UNKNOWN, echo_w=echo_w, power_w=2000.0)
    it.send(AUTOMATIC)
    assert it.after(45.0).sees(UNKNOWN, echo_w=echo_w, power_w=2000.0) is None
    assert it.record.on_record is not None
    assert it.send(AUTOMATIC).outcome is Outcome.APPLIED


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_a_hand_back_did_not_end_is_on_record_through_automatic_mode(echo_w: float | None) -> None:
    """Blind for a lease, handed back in vain, and then left to itself."""
    it = charging().after(90.0)
    it.doubts(None)
    it.after(5.0).sees(UNKNOWN, echo_w=echo_w)
    it.send(AUTOMATIC)
    it.after(45.0).sees(UNKNOWN, echo_w=echo_w)
    assert it.record.on_record is not None
    assert it.send(AUTOMATIC).outcome is Outcome.APPLIED


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_is_beneath_anothers_is_on_record_through_automatic_mode(echo_w: float | None) -> None:
    """A power plant came, and left after the hold-off: ours acts again."""
    it = charging().after(40.0)
    assert it.sees(UNKNOWN, echo_w=-700.0, power_w=-700.0) is not None
    assert it.after(HOLD_OFF_S).sees(UNKNOWN, echo_w=-700.0, power_w=-700.0) is None
    it.send(AUTOMATIC)
    it.after(45.0).sees(UNKNOWN, echo_w=echo_w)
    assert it.record.on_record is not None
    assert it.send(AUTOMATIC).outcome is Outcome.APPLIED


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


# -- while nothing of ours stands -----------------------------------------------------------------------------------


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


def released() -> ToldActuator:
    it = charging()
    assert it.release() == Actuation(outcome=Outcome.HANDED_BACK, note="the end")
    return it


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


# -- standing down --------------------------------------------------------------------------------------------------


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


# -- what is left behind a power plant ------------------------------------------------------------------------------


def test_a_power_plant_is_given_way_with_ours_on_record() -> None:
    """What stood before is what may come back when it leaves."""
    it = charging().after(10.0)
    assert it.send(Power(-500.0), error=PLANT) == stood_down("the power plant commands")
    assert it.record.on_record == ("charge 2000 W", 1100.0, LEASE_S)
    first = ToldActuator()
    assert first.send(CHARGE, error=PLANT) == stood_down("the power plant commands")
    assert first.record.on_record == ("charge 2000 W", 1090.0, LEASE_S)


@pytest.mark.parametrize(
    ("echo_w", "ours"),
    [
        (None, True),
        (2000.0, True),
        (2025.0, True),
        (1975.0, True),
        (2026.0, False),
        (-500.0, True),
        (0.0, True),
        (-25.0, True),
        (900.0, False),
    ],
)
def test_what_shows_behind_a_power_plant_is_taken_back(echo_w: float | None, ours: bool) -> None:
    """Any power that was ours, and idle; once a lease after the last command; a foreign one is left alone."""
    it = charging().after(10.0)
    it.send(Power(-500.0), error=PLANT)
    it.after(89.9).sees(echo_w=echo_w)
    assert it.writes == [CHARGE, Power(-500.0)]
    it.after(0.1).sees(echo_w=echo_w)
    assert it.writes[2:] == (["release"] if ours else [])
    assert it.record.on_record == ("charge 2000 W", 1190.0, LEASE_S)


@pytest.mark.parametrize(
    ("can_set_mode", "mode", "echo_w", "power_w", "gone"),
    [
        (True, AUTO, None, 2000.0, True),
        (True, BACKUP, None, 2000.0, True),
        (True, UNKNOWN, None, 2000.0, False),
        (True, UNKNOWN, None, -500.0, False),
        (True, UNKNOWN, None, -3000.0, True),
        (True, UNKNOWN, None, 100.0, True),
        (True, MANUAL, None, 0.0, False),
        (True, MANUAL, 2000.0, 2000.0, False),
        (True, MANUAL, 0.0, 0.0, False),
        (True, MANUAL, 900.0, 900.0, True),
        (False, UNKNOWN, None, 2000.0, False),
        (False, UNKNOWN, None, -500.0, False),
        (False, UNKNOWN, None, 100.0, True),
        (False, UNKNOWN, None, -3000.0, True),
        (False, MANUAL, 2000.0, 0.0, False),
        (False, MANUAL, 0.0, 2000.0, True),
        (False, MANUAL, 900.0, 2000.0, True),
    ],
)
def test_what_was_left_behind_is_off_the_record_once_a_status_shows_that_it_is_gone(
    can_set_mode: bool, mode: OperatingMode, echo_w: float | None, power_w: float, gone: bool
) -> None:
    """An accepted hand-back is none yet: the next status shows another mode, idle, or a power that is not ours."""
    it = ToldActuator(can_set_mode=can_set_mode)
    it.send(CHARGE)
    it.send(Power(-500.0), error=PLANT)
    it.at(90.0).sees(UNKNOWN)
    assert it.writes[2:] == ["release"]
    assert it.record.on_record is not None
    it.at(100.0).sees(mode, echo_w=echo_w, power_w=power_w)
    assert (it.record.on_record is None) is gone
    it.at(190.0).sees(mode, echo_w=echo_w, power_w=power_w)
    assert it.writes[2:] == (["release"] if gone else ["release"] * 2)


def test_a_power_of_ours_from_before_is_taken_back_when_it_is_shown_in_place_of_the_last() -> None:
    """The battery has accepted another and goes on: as if a power plant had it, but the power is ours. At once."""
    it = charging().after(1.0)
    it.send(Power(-1500.0))
    assert it.after(40.0).sees(echo_w=2000.0) is not None
    assert it.writes == [CHARGE, Power(-1500.0), "release"]
    assert it.actuator.stand_down(it.now_s) is not None


def test_a_power_of_ours_from_before_keeps_a_hand_back_from_being_believed() -> None:
    """Without a mode call: the battery went on with it under the last command, and may now."""
    it = ToldActuator(can_set_mode=False)
    for power in (CHARGE, Power(-1500.0)):
        it.after(10.0).send(power)
        assert it.after(10.0).sees(power_w=2000.0) is None
    it.release()
    done = it.after(30.0).sees(power_w=2000.0)
    assert done is not None
    assert done.note == "the battery accepted to be handed back, and still does charge 2000 W"


def again(it: ToldActuator, flows_w: float, shown_in: OperatingMode = MANUAL) -> Actuation | None:
    """Command once more a battery that does something, hand it back, and return what came of that."""
    assert it.after(5.0).sees(power_w=flows_w) is None
    it.send(Power(-1500.0))
    it.after(10.0).sees(power_w=flows_w)
    it.release()
    return it.after(30.0).sees(shown_in, power_w=flows_w)


def test_what_a_hand_back_has_not_ended_may_outlast_the_next_command_as_well() -> None:
    """The battery took neither: what flows is ours until it ends."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.release()
    done = again(it, 2000.0)
    assert done is not None
    assert done.note == "the battery accepted to be handed back, and still does charge 2000 W"


def test_what_flows_in_manual_mode_after_a_hand_back_may_be_ours_whatever_it_is() -> None:
    """On its way from one power to the next, say; also once the mode is not told any more."""
    it = charging()
    it.release()
    done = again(it, 1000.0, UNKNOWN)
    assert done is not None
    assert done.note == "the battery accepted to be handed back, and still does charge 1000 W"


def test_what_flowed_before_the_first_command_is_not_ours() -> None:
    """It is not zeroed over somebody else's will."""
    assert again(ToldActuator(can_set_mode=False), 700.0) is None


def test_a_power_plant_that_stays_for_years_takes_no_memory() -> None:
    """What stood when it came and what was tried last may show behind it; what was tried long ago is forgotten."""
    it = charging()
    for power_w in range(-3000, -900, 10):
        it.after(HOLD_OFF_S).sees(echo_w=5000.0)
        it.send(Power(float(power_w)), error=PLANT)
    for echo_w in (5000.0, -2000.0):
        it.after(LEASE_S).sees(echo_w=echo_w, error=PLANT)
        assert "release" not in it.writes
    for tries, echo_w in enumerate((2000.0, 0.0, -910.0), start=1):
        it.after(LEASE_S).sees(echo_w=echo_w, error=PLANT)
        assert it.writes.count("release") == tries


def test_what_cannot_be_taken_back_yet_is_tried_once_a_lease(caplog: pytest.LogCaptureFixture) -> None:
    """It stays on record, and the journal is spared."""
    it = charging()
    it.send(Power(-500.0), error=PLANT)
    with caplog.at_level(logging.DEBUG, logger="optimizer.control.actuation"):
        for _ in range(30):
            it.after(10.0).sees(echo_w=2000.0, error=PLANT)
    assert it.writes[2:] == ["release"] * 3
    assert it.record.on_record == ("charge 2000 W", 1390.0, LEASE_S)
    assert [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"] == [
        "what we left at the battery cannot be taken back yet: the power plant commands"
    ] * 3
    it.after(90.0).sees(echo_w=2000.0)
    it.after(10.0).sees(AUTO)
    assert it.record.on_record is None
    it.after(90.0).sees(echo_w=2000.0)
    assert it.writes[2:] == ["release"] * 4


@pytest.mark.parametrize(("mode", "way"), [(AUTO, "zero"), (BACKUP, "zero")])
def test_a_battery_that_is_its_own_master_is_told_to_forget_what_was_ours(mode: OperatingMode, way: str) -> None:
    """Leaving manual mode ends it for now alone: it is stored, and would act the next time that it is manual."""
    it = charging()
    it.send(Power(-500.0), error=PLANT)
    it.at(45.0).sees(mode)
    assert it.record.on_record is not None
    assert it.writes == [CHARGE, Power(-500.0)]
    it.after(90.0).sees(mode)
    assert it.writes == [CHARGE, Power(-500.0), way]
    it.after(5.0).sees(mode)
    assert it.record.on_record is None
    it.after(500.0).sees(MANUAL, echo_w=2000.0)
    assert it.writes == [CHARGE, Power(-500.0), way]


def test_a_power_plant_may_come_again() -> None:
    """What was taken back before is not taken back twice."""
    it = charging()
    for _ in range(2):
        it.send(Power(-500.0), error=PLANT)
        it.after(90.0).sees(MANUAL, echo_w=-500.0)
        it.after(10.0).sees(AUTO)
        assert it.record.on_record is None
        it.after(HOLD_OFF_S).sees(AUTO)


def test_a_command_that_is_taken_leaves_nothing_behind() -> None:
    """So does a hand-back: a later stand-down clears the record."""
    for settle in (lambda it: it.send(CHARGE), lambda it: it.release()):
        it = charging()
        it.send(Power(-500.0), error=PLANT)
        it.after(HOLD_OFF_S).sees(MANUAL, echo_w=900.0)
        settle(it)
        it.after(40.0).sees(BACKUP)
        it.after(40.0).sees(BACKUP)
        assert it.record.on_record is None


@pytest.mark.parametrize("echo_w", [None, 2000.0])
def test_what_a_hand_back_did_not_end_may_lie_beneath_a_power_plant(echo_w: float | None) -> None:
    """Of a battery without a mode call: what flows once it may be handed back is ours still."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.release()
    it.after(5.0).sees(UNKNOWN, echo_w=echo_w)
    it.send(Power(500.0), error=PLANT)
    for _ in range(3):
        it.after(LEASE_S).sees(UNKNOWN, echo_w=echo_w)
    assert it.writes[2:] == [Power(500.0), "release", "release", "release"]
    assert it.record.on_record is not None


def test_an_echo_that_lagged_when_a_power_plant_came_is_ours() -> None:
    """Two commands back: the battery goes on with it, and is told to end it."""
    it = charging().after(60.0)
    it.send(Power(-1500.0))
    it.after(5.0).sees(echo_w=2000.0)
    it.send(Power(-1600.0), error=PLANT)
    it.after(LEASE_S).sees(echo_w=2000.0)
    assert it.writes[-1] == "release"


def test_what_the_owner_let_be_taken_over_is_known_after_the_next_hand_back() -> None:
    """Ours lay beneath somebody else's; the next command was refused, and then the hand-back ignored."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.after(30.0).sees(echo_w=2000.0)
    assert it.after(10.0).sees(echo_w=-700.0, power_w=-700.0) is not None
    it.actuator.resume()
    it.send(Power(500.0), error=REFUSED)
    for _ in range(4):
        it.after(45.0).sees(power_w=2000.0)
    assert it.record.on_record is not None
    assert it.writes.count("release") == 3


def test_what_limits_left_of_a_power_when_a_power_plant_came_is_ours() -> None:
    """The battery was told 2000 W, did 1500, and goes on with that after it was told to end."""
    it = ToldActuator(can_set_mode=False)
    it.send(CHARGE)
    it.after(10.0).sees(UNKNOWN, power_w=1500.0)
    it.after(10.0).send(Power(2100.0), error=PLANT)
    for _ in range(3):
        it.after(LEASE_S).sees(UNKNOWN, power_w=1500.0)
    assert it.writes.count("release") == 3
    assert it.record.on_record is not None
