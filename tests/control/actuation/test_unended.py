"""What of ours may act: which powers are remembered, and by what a status shows that they do, or have ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.control.actuation.unended import IDLE, KEPT, Unended
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from support.situations import BATTERY, in_manual, situation_of

MANUAL, AUTOMATIC, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP


def sent(*powers_w: float, can_set_mode: bool = True) -> Unended:
    """Return what was left by powers that were sent one after the other."""
    it = Unended(BATTERY, can_set_mode=can_set_mode)
    for power_w in powers_w:
        it.add(Power(power_w))
    return it


def shown(it: Unended, powers_w: list[float]) -> list[float]:
    """Return those of some powers that count as ours when the battery echoes them."""
    measurement = situation_of().measurement
    return [power_w for power_w in powers_w if it.may_show(replace(measurement, reported_setpoint_w=power_w))]


def test_nothing_may_act_at_first_nor_after_all_has_ended() -> None:
    """Then nothing is ours."""
    it = sent()
    assert (bool(it), it.first) == (False, IDLE)
    it.add(Power(900.0), Power(100.0))
    assert (bool(it), it.first) == (True, Power(900.0))
    it.clear()
    assert (bool(it), shown(it, [900.0, 100.0])) == (False, [])


def test_as_many_powers_as_are_kept_are_all_remembered() -> None:
    """The bound takes none away before it is reached."""
    powers_w = [100.0 * number for number in range(KEPT)]
    assert shown(sent(*powers_w), powers_w) == powers_w
    it = sent()
    it.add(*map(Power, powers_w))
    assert shown(it, powers_w) == powers_w


def test_beyond_that_the_first_and_the_newest_are() -> None:
    """The first stood when it began; of those tried since, the last may have been taken half."""
    powers_w = [100.0 * number for number in range(KEPT + 3)]
    it = sent(*powers_w)
    assert it.first == Power(0.0)
    assert shown(it, powers_w) == [0.0, *powers_w[4:]]


def test_a_power_that_is_tried_again_is_new_again() -> None:
    """As is idle, which every try to enter manual mode begins with."""
    tried_w = [100.0 * number for number in range(2, KEPT + 5)]
    it = sent(100.0, *[one for power_w in tried_w for one in (power_w, 0.0)], 100.0)
    assert it.first == Power(100.0)
    assert shown(it, [100.0, 0.0, *tried_w]) == [100.0, 0.0, *tried_w[-(KEPT - 2) :]]


def test_what_was_sent_before_is_replaced_by_what_the_battery_does() -> None:
    """All else is somebody's from then on."""
    it = sent(900.0, -500.0)
    it.note_replaced([Power(2000.0), Power(-500.0)])
    assert (it.first, shown(it, [900.0, -500.0, 2000.0])) == (Power(2000.0), [-500.0, 2000.0])


def test_what_an_earlier_run_left_may_be_any_power() -> None:
    """Until the battery has accepted to forget it, or does what was sent since."""
    it = sent()
    it.add_any()
    assert (bool(it), it.first, shown(it, [0.0, 900.0])) == (True, IDLE, [0.0, 900.0])
    assert it.objection(in_manual(mode=UNKNOWN, battery_power_w=900.0)) is not None
    it.note_told_to_end()
    assert shown(it, [0.0, 900.0]) == [0.0]
    it.add(IDLE)
    it.note_replaced([Power(2000.0)])
    assert shown(it, [0.0, 900.0, 2000.0]) == [2000.0]
    assert it.objection(in_manual(mode=UNKNOWN, battery_power_w=900.0)) is None


@pytest.mark.parametrize("mode", [MANUAL, UNKNOWN])
def test_what_an_earlier_run_left_is_the_power_that_is_found(mode: OperatingMode) -> None:
    """Once the battery has accepted to end it: another that flows later is somebody else's."""
    it = sent(can_set_mode=False)
    it.add_any()
    found, other = (in_manual(mode=mode, battery_power_w=power_w) for power_w in (-2000.0, -900.0))
    it.note_found(other)
    it.note_told_to_end()
    it.note_found(in_manual(mode=BACKUP, battery_power_w=-900.0))
    it.note_found(found)
    it.note_found(other)
    assert [it.objection(status) is None for status in (found, other)] == [False, True]
    assert it.told_to_end


def test_what_an_earlier_run_left_adds_to_what_this_one_sent() -> None:
    """Beneath a power plant's, say: any of them may act when that leaves."""
    it = sent(can_set_mode=False)
    it.add_any()
    it.add(Power(2000.0))
    it.note_told_to_end()
    found = in_manual(battery_power_w=900.0, reported_setpoint_w=-700.0)
    it.note_found(found)
    assert shown(it, [2000.0, -700.0, 900.0]) == [2000.0, -700.0]
    assert it.objection(found) == "the battery accepted to be handed back, and still does discharge 700 W"


# -- whether it shows -------------------------------------------------------------------------------------------------


def test_an_echo_is_ours_where_it_was_sent() -> None:
    """It is exact: what lies between two commands is somebody else's, and what flows tells nothing beside it."""
    it = sent(-300.0, 2000.0)
    echoes = (-330.0, -320.0, 900.0, 2025.0, None)
    said = [it.shows(in_manual(battery_power_w=2000.0, reported_setpoint_w=echo_w)) for echo_w in echoes]
    assert said == [False, True, False, True, False]


def goes_on(it: Unended, flows_w: float) -> bool:
    """Return whether what flows when all is told to end, and goes on, is taken for ours."""
    status = in_manual(mode=UNKNOWN, battery_power_w=flows_w)
    it.note_flow(status)
    it.note_told_to_end()
    return it.objection(status) is not None


@pytest.mark.parametrize(
    ("flows_w", "ours"),
    [(-4736.0, False), (-4735.0, True), (-2000.0, True), (-100.5, True), (-100.0, False), (140.0, False)],
)
def test_what_flows_when_it_is_told_to_end_may_be_ours_on_its_way_or_limited(flows_w: float, ours: bool) -> None:
    """Between nothing and what was sent, to within 25 W and 15 %; a battery that idles does nothing of ours."""
    assert goes_on(sent(-4000.0), flows_w) is ours


def test_what_flows_is_ours_in_either_direction_that_was_sent() -> None:
    """By any of the powers; where none was sent by none."""
    assert [goes_on(sent(-4000.0, 1000.0), flows_w) for flows_w in (-3000.0, 700.0, 1300.0)] == [True, True, False]
    assert [goes_on(sent(3375.0), flows_w) for flows_w in (4000.0, 4001.0)] == [True, False]
    assert not goes_on(sent(), 700.0)


def test_what_flows_later_is_the_houses() -> None:
    """It is not followed step by step wherever it drifts."""
    it = sent(-4000.0)
    assert goes_on(it, -2000.0)
    assert not goes_on(it, -1600.0)
    it.add(Power(-4000.0))
    assert goes_on(it, -1600.0)


def test_what_somebody_else_does_is_no_objection() -> None:
    """It is not zeroed over their will again and again; manual mode is, where it can be left."""
    assert sent(2000.0).objection(in_manual(mode=AUTOMATIC, battery_power_w=2000.0)) is None
    assert sent(2000.0).objection(in_manual(mode=UNKNOWN, battery_power_w=-900.0)) is None
    assert sent(2000.0, can_set_mode=False).objection(in_manual(battery_power_w=-900.0)) is None
    why = "the battery accepted to be handed back and is still in manual mode"
    assert sent(2000.0).objection(in_manual(battery_power_w=-900.0)) == why
    assert sent(2000.0).objection(in_manual(battery_power_w=0.0)) == why


# -- whether it has gone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("can_set_mode", "mode", "echo_w", "power_w", "gone"),
    [
        (True, AUTOMATIC, None, 2000.0, True),
        (True, BACKUP, 2000.0, 2000.0, True),
        (True, MANUAL, None, 0.0, False),
        (True, MANUAL, 900.0, 900.0, True),
        (True, UNKNOWN, None, 2000.0, False),
        (True, UNKNOWN, None, -900.0, True),
        (True, UNKNOWN, None, 100.0, True),
        (False, MANUAL, None, 2000.0, False),
        (False, MANUAL, None, -900.0, True),
        (False, MANUAL, 2000.0, 0.0, False),
    ],
)
def test_it_has_gone_where_the_battery_was_told_so_and_does_nothing_of_ours(
    *, can_set_mode: bool, mode: OperatingMode, echo_w: float | None, power_w: float, gone: bool
) -> None:
    """Told once, with all that was sent; in another mode than manual that is all that can be had."""
    it = sent(2000.0, can_set_mode=can_set_mode)
    status = in_manual(mode=mode, reported_setpoint_w=echo_w, battery_power_w=power_w)
    assert not it.is_gone(status)
    it.note_told_to_end()
    assert it.told_to_end
    assert it.is_gone(status) is gone
    it.add(Power(2000.0))
    assert not it.told_to_end
    assert not it.is_gone(status)
