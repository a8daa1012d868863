"""Whether a battery does what it is told: each bound from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.control.actuation.flow import still_follows
from optimizer.control.actuation.following import FollowCheck
from optimizer.control.actuation.unended import Unended
from optimizer.control.options import ControlOptions
from optimizer.domain.battery import Battery
from optimizer.domain.setpoint import Power
from support.situations import BATTERY, in_manual


def checking(battery: Battery = BATTERY, unended: Unended | None = None) -> FollowCheck:
    return FollowCheck(battery, ControlOptions(), unended or Unended(battery, can_set_mode=True))


def misses(sent_w: float, flows_w: float, **changes: object) -> int:
    """Return how often it is missed at the end of the first settling time."""
    check = checking(replace(BATTERY, min_soc=0.1))
    check.note(Power(sent_w), 1000.0)
    return check.misses(in_manual(battery_power_w=flows_w, **changes), 1030.0)


@pytest.mark.parametrize(
    ("sent_w", "least_w", "most_w"),
    [(1000.0, 750.0, 1250.0), (-1000.0, -1250.0, -750.0), (0.0, -250.0, 250.0), (4000.0, 3400.0, 4600.0),
     (-4000.0, -4600.0, -3400.0)],
)  # fmt: skip
def test_how_far_the_power_may_lie_from_the_command(sent_w: float, least_w: float, most_w: float) -> None:
    """By 250 W, or by 15 % where that is more."""
    assert [misses(sent_w, power_w) for power_w in (least_w - 1, least_w, most_w, most_w + 1)] == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("sent_w", "flows_w", "soc", "changes", "missed"),
    [
        (3000.0, 0.0, 0.92, {}, 0),
        (3000.0, 0.0, 0.91, {}, 1),
        (3000.0, -450.0, 0.95, {}, 0),
        (3000.0, -450.5, 0.95, {}, 1),
        (-3000.0, 450.0, 0.16, {}, 0),
        (-3000.0, 450.5, 0.16, {}, 1),
        (3000.0, -500.0, 0.95, {}, 1),
        (-3000.0, 0.0, 0.92, {}, 1),
        (-3000.0, 0.0, 0.16, {}, 0),
        (-3000.0, 0.0, 0.17, {}, 1),
        (-3000.0, 500.0, 0.16, {}, 1),
        (3000.0, 0.0, 0.16, {}, 1),
        (-3000.0, 0.0, 0.26, {"backup_soc": 0.2}, 0),
        (-3000.0, 0.0, 0.27, {"backup_soc": 0.2}, 1),
    ],
)
def test_near_full_and_near_empty_less_is_right(
    *, sent_w: float, flows_w: float, soc: float, changes: dict[str, object], missed: int
) -> None:
    """From 92 %, and up to 6 % above our floor or the device's own reserve."""
    assert misses(sent_w, flows_w, soc=soc, **changes) == missed


def test_it_has_a_settling_time_to_follow() -> None:
    """Before that nothing is missed; after it once for each settling time, until it follows or is forgiven."""
    check = checking()
    deaf, follows = in_manual(battery_power_w=0.0), in_manual(battery_power_w=2000.0)
    assert check.misses(deaf, 900.0) == 0
    check.note(Power(2000.0), 1000.0)
    seen = [check.misses(deaf, at_s) for at_s in (1000.0, 1029.9, 1030.0, 1059.9, 1060.0, 1090.0)]
    assert seen == [0, 0, 1, 1, 2, 3]
    assert check.misses(follows, 1121.0) == 0
    assert check.misses(deaf, 1122.0) == 1
    check.forgive()
    assert check.misses(deaf, 1130.0) == 0
    check.begin()
    assert check.misses(deaf, 9999.0) == 0


def test_commands_of_the_last_settling_time_all_count() -> None:
    """What flows may still be on its way from the one before; older ones are forgotten."""
    check = checking()
    for power_w, at_s in ((4000.0, 1000.0), (-1000.0, 1030.0), (1000.0, 1040.0)):
        check.note(Power(power_w), at_s)
    assert check.misses(in_manual(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(in_manual(battery_power_w=-1000.0), 1060.0) == 0
    assert check.misses(in_manual(battery_power_w=4000.0), 1060.0) == 1


def test_a_command_that_was_replaced_a_settling_time_ago_counts_no_more() -> None:
    """Also where there were only two."""
    check = checking()
    check.note(Power(4000.0), 1000.0)
    check.note(Power(1000.0), 1030.0)
    assert check.misses(in_manual(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(in_manual(battery_power_w=4000.0), 1060.0) == 1


def test_after_a_miss_the_last_command_counts() -> None:
    """A new settling time begins with what was sent last."""
    check = checking()
    check.note(Power(1000.0), 1000.0)
    check.note(Power(2000.0), 1010.0)
    assert check.misses(in_manual(battery_power_w=-500.0), 1035.0) == 1
    assert check.misses(in_manual(battery_power_w=1000.0), 1065.0) == 2
    assert check.misses(in_manual(battery_power_w=2000.0), 1095.0) == 0


@pytest.mark.parametrize(("echo_w", "replaced"), [(None, True), (2000.0, True), (1400.0, True), (-4000.0, False)])
def test_what_was_sent_before_is_forgotten_once_the_battery_follows(echo_w: float | None, replaced: bool) -> None:
    """Unless its echo says that it does so by chance."""
    unended = Unended(BATTERY, can_set_mode=True)
    unended.add(Power(-4000.0), Power(2000.0))
    check = checking(unended=unended)
    check.note(Power(2000.0), 1000.0)
    assert check.misses(in_manual(battery_power_w=1500.0, reported_setpoint_w=echo_w), 1030.0) == 1
    assert unended.first == Power(-4000.0)
    assert check.misses(in_manual(battery_power_w=2000.0, reported_setpoint_w=echo_w), 1060.0) == 0
    assert (unended.first == Power(2000.0)) is replaced


@pytest.mark.parametrize(
    ("ended_w", "echo_w", "power_w", "may_stand"),
    [
        (2000.0, 2025.0, 0.0, True),
        (2000.0, 1975.0, 0.0, True),
        (2000.0, 2026.0, 2000.0, False),
        (2000.0, None, 1700.0, True),
        (2000.0, None, 1699.0, False),
        (1.0, None, 0.0, True),
        (0.0, None, 0.0, False),
        (0.0, 0.0, 0.0, True),
    ],
)
def test_what_was_ended_may_stand_where_a_status_shows_it(
    *, ended_w: float, echo_w: float | None, power_w: float, may_stand: bool
) -> None:
    """By its echo, else by what flows; that nothing flows shows no command to do nothing."""
    status = in_manual(reported_setpoint_w=echo_w, battery_power_w=power_w)
    assert still_follows(Power(ended_w), status, BATTERY) is may_stand
