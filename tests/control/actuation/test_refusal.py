"""A power that cannot be sent, or whose answer was lost: what stands instead is ours."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from optimizer.errors import DeviceUnreachable
from support.told_actuator import (
    AUTO,
    AUTOMATIC,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    LEASE_S,
    MANUAL,
    REFUSED,
    REPLACES,
    UNKNOWN,
    ToldActuator,
    charging,
    stood_down,
)


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
