"""The one writer by itself: what it sends, and when."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.decision import Outcome
from optimizer.domain.setpoint import Power, Setpoint
from support.told_actuator import AUTOMATIC, CHARGE, LEASE_S, REFUSED, ToldActuator, automatic, charging


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
