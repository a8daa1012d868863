"""Whether a battery does what it is told, and what it may go on with: each bound from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer.control.actuation.following import LONGEST_MEMORY, FollowCheck, still_follows
from optimizer.control.options import ControlOptions
from optimizer.domain.setpoint import Power
from support.situations import BATTERY, in_manual


def misses(sent_w: float, flows_w: float, **changes: object) -> int:
    """Return how often it is missed at the end of the first settling time."""
    check = FollowCheck(replace(BATTERY, min_soc=0.1), ControlOptions())
    check.note(sent_w, 1000.0)
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
    check = FollowCheck(BATTERY, ControlOptions())
    deaf, follows = in_manual(battery_power_w=0.0), in_manual(battery_power_w=2000.0)
    assert check.misses(deaf, 900.0) == 0
    check.note(2000.0, 1000.0)
    seen = [check.misses(deaf, at_s) for at_s in (1000.0, 1029.9, 1030.0, 1059.9, 1060.0, 1090.0)]
    assert seen == [0, 0, 1, 1, 2, 3]
    assert check.misses(follows, 1121.0) == 0
    assert check.misses(deaf, 1122.0) == 1
    check.forgive()
    assert check.misses(deaf, 1130.0) == 0
    check.reset()
    assert check.misses(deaf, 9999.0) == 0


def test_commands_of_the_last_settling_time_all_count() -> None:
    """What flows may still be on its way from the one before; older ones are forgotten."""
    check = FollowCheck(BATTERY, ControlOptions())
    for power_w, at_s in ((4000.0, 1000.0), (-1000.0, 1030.0), (1000.0, 1040.0)):
        check.note(power_w, at_s)
    assert check.misses(in_manual(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(in_manual(battery_power_w=-1000.0), 1060.0) == 0
    assert check.misses(in_manual(battery_power_w=4000.0), 1060.0) == 1


def test_a_command_that_was_replaced_a_settling_time_ago_counts_no_more() -> None:
    """Also where there were only two."""
    check = FollowCheck(BATTERY, ControlOptions())
    check.note(4000.0, 1000.0)
    check.note(1000.0, 1030.0)
    assert check.misses(in_manual(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(in_manual(battery_power_w=4000.0), 1060.0) == 1


def test_after_a_miss_the_last_command_counts() -> None:
    """A new settling time begins with what was sent last."""
    check = FollowCheck(BATTERY, ControlOptions())
    check.note(1000.0, 1000.0)
    check.note(2000.0, 1010.0)
    assert check.misses(in_manual(battery_power_w=-500.0), 1035.0) == 1
    assert check.misses(in_manual(battery_power_w=1000.0), 1065.0) == 2
    assert check.misses(in_manual(battery_power_w=2000.0), 1095.0) == 0


def test_what_was_sent_since_the_battery_followed_may_be_what_it_does() -> None:
    """It may have taken any of these for nothing and be on its way between them; what is older is not in force."""
    check = FollowCheck(BATTERY, ControlOptions())

    def ours(*powers_w: float) -> list[bool]:
        return [bool(check.goes_on_with(in_manual(battery_power_w=power_w))) for power_w in powers_w]

    assert ours(0.0) == [False]
    check.note(-4000.0, 1000.0)
    check.note(-300.0, 1060.0)
    assert ours(-4800.0, -4700.0, -250.0, -200.0) == [False, True, True, False]
    assert check.misses(in_manual(battery_power_w=-300.0), 1090.0) == 0
    check.note(2000.0, 1100.0)
    assert ours(-400.0, -380.0, 2300.0, 2400.0) == [False, True, True, False]
    check.reset()
    assert ours(-300.0) == [False]


def test_an_echo_is_ours_where_it_was_sent() -> None:
    """It is exact: what lies between two commands is somebody else's."""
    check = FollowCheck(BATTERY, ControlOptions())
    check.note(-300.0, 1000.0)
    check.note(2000.0, 1010.0)
    echoes = (-330.0, -320.0, 900.0, 2025.0)
    said = [check.goes_on_with(in_manual(battery_power_w=900.0, reported_setpoint_w=echo_w)) for echo_w in echoes]
    assert said == [(), (Power(-320.0),), (), (Power(2025.0),)]


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


def goes_on(*sent_w: float, **says: object) -> bool:
    """Return whether what a battery does is taken for one of some powers that were sent."""
    follow = FollowCheck(BATTERY, ControlOptions())
    for number, power_w in enumerate(sent_w):
        follow.note(power_w, float(number))
    return follow.goes_on_with(in_manual(**says)) != ()


@pytest.mark.parametrize(("sent_w", "ours"), [(140.0, True), (140.1, False), (60.0, True), (59.9, False)])
def test_what_flows_may_be_what_was_sent_to_within_its_tolerance(sent_w: float, ours: bool) -> None:
    """25 W and 15 % of it, to either side."""
    assert goes_on(sent_w, battery_power_w=100.0) is ours


def test_of_what_was_sent_and_not_followed_the_last_are_remembered() -> None:
    """So many that a battery that follows nothing takes no memory for ever; also once it has followed."""
    sent_w = [100.0 * number for number in range(1, LONGEST_MEMORY + 2)]
    assert [goes_on(*sent_w, reported_setpoint_w=power_w) for power_w in (100.0, 200.0)] == [False, True]
    follow, options = FollowCheck(BATTERY, ControlOptions()), ControlOptions()
    follow.note(0.0, 0.0)
    assert follow.misses(in_manual(battery_power_w=0.0), options.settle_s) == 0
    for number, power_w in enumerate(sent_w):
        follow.note(power_w, options.settle_s + number)
    ours = [follow.goes_on_with(in_manual(reported_setpoint_w=power_w)) for power_w in (0.0, 100.0, 200.0)]
    assert ours == [(), (), (Power(200.0),)]


def test_what_is_suspected_to_go_on_is_ours() -> None:
    """As if it had been sent."""
    follow = FollowCheck(BATTERY, ControlOptions())
    follow.suspect(900.0)
    assert follow.goes_on_with(in_manual(reported_setpoint_w=910.0)) == (Power(910.0),)
