"""What may stand behind somebody else's power: which of our powers are remembered, and for how long."""

from __future__ import annotations

from dataclasses import replace

from optimizer.control.actuation.left_behind import KEPT, LeftBehind
from optimizer.domain.setpoint import Power
from support.situations import BATTERY, situation_of


def left(*powers_w: float) -> LeftBehind:
    """Return what was left behind by tries with these powers, one after the other."""
    it = LeftBehind(BATTERY, can_set_mode=True)
    for power_w in powers_w:
        it.add(Power(power_w))
    return it


def shown(it: LeftBehind, powers_w: list[float]) -> list[float]:
    """Return those of some powers that count as ours when the battery echoes them."""
    measurement = situation_of().measurement
    return [power_w for power_w in powers_w if it.may_show(replace(measurement, reported_setpoint_w=power_w))]


def test_nothing_is_left_at_first_nor_after_all_was_taken_back() -> None:
    """Then nothing is ours."""
    it = left()
    assert it.first is None
    it.add(Power(900.0), Power(100.0))
    assert it.first == Power(900.0)
    it.clear()
    assert it.first is None
    assert shown(it, [900.0, 100.0]) == []


def test_as_many_powers_as_are_kept_are_all_remembered() -> None:
    """The bound takes none away before it is reached."""
    powers_w = [100.0 * number for number in range(KEPT)]
    assert shown(left(*powers_w), powers_w) == powers_w
    it = LeftBehind(BATTERY, can_set_mode=True)
    it.add(*map(Power, powers_w))
    assert shown(it, powers_w) == powers_w


def test_beyond_that_the_first_and_the_newest_are() -> None:
    """The first stood when the other came; of those tried since, the last may have been taken half."""
    powers_w = [100.0 * number for number in range(KEPT + 3)]
    it = left(*powers_w)
    assert it.first == Power(0.0)
    assert shown(it, powers_w) == [0.0, *powers_w[4:]]


def test_a_power_that_is_tried_again_is_new_again() -> None:
    """As is idle, which every try to enter manual mode begins with."""
    tried_w = [100.0 * number for number in range(2, KEPT + 5)]
    it = left(100.0, *[one for power_w in tried_w for one in (power_w, 0.0)], 100.0)
    assert it.first == Power(100.0)
    assert shown(it, [100.0, 0.0, *tried_w]) == [100.0, 0.0, *tried_w[-(KEPT - 2) :]]
