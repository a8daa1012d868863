"""What of ours a power plant hides, or a hand-back did not end: on record, and taken back."""

from __future__ import annotations

import logging

import pytest

from optimizer.control.actuation.result import Actuation
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from support.told_actuator import (
    AUTO,
    BACKUP,
    CHARGE,
    HOLD_OFF_S,
    LEASE_S,
    MANUAL,
    PLANT,
    REFUSED,
    UNKNOWN,
    ToldActuator,
    charging,
    stood_down,
)


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
