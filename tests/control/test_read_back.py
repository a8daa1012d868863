"""What a status says about the command that stands: each case, and each bound from both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from optimizer.control.newness import Newness
from optimizer.control.options import ControlOptions
from optimizer.control.read_back import Finding, FollowCheck, read_back
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Power
from support.situations import BATTERY, START, situation_of

MANUAL, AUTOMATIC, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP
AS_SENT, LOST, FOREIGN = Finding.AS_SENT, Finding.LOST, Finding.FOREIGN


def measured(**changes: object) -> Measurement:
    return replace(situation_of().measurement, **{"mode": MANUAL, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "after_outage", "settled", "finding", "message"),
    [
        (AUTOMATIC, True, True, LOST, "after an outage the battery is in mode automatic"),
        (AUTOMATIC, True, False, LOST, "after an outage the battery is in mode automatic"),
        (BACKUP, True, False, LOST, "after an outage the battery is in mode backup"),
        (BACKUP, True, True, FOREIGN, "somebody else changed the battery's mode to backup"),
        (BACKUP, False, True, FOREIGN, "somebody else changed the battery's mode to backup"),
        (AUTOMATIC, False, True, FOREIGN, "somebody else changed the battery's mode to automatic"),
        (AUTOMATIC, False, False, AS_SENT, ""),
        (BACKUP, False, False, AS_SENT, ""),
        (MANUAL, True, True, AS_SENT, ""),
        (UNKNOWN, True, True, AS_SENT, ""),
    ],
)
def test_a_mode_that_is_not_ours(
    *, mode: OperatingMode, after_outage: bool, settled: bool, finding: Finding, message: str
) -> None:
    """After an outage it may be a restart's, before it has settled it may be late; else it is somebody's."""
    found = read_back(Power(2000.0), measured(mode=mode), after_outage=after_outage, settled=settled)
    assert (found.finding, found.message) == (finding, message)


FORGOTTEN = "the battery has forgotten its setpoint"


@pytest.mark.parametrize(
    ("sent_w", "echo_w", "after_outage", "finding", "message"),
    [
        (2000.0, None, False, AS_SENT, ""),
        (2000.0, 2025.0, False, AS_SENT, ""),
        (2000.0, 1975.0, False, AS_SENT, ""),
        (2000.0, 2026.0, False, FOREIGN, "somebody else set charge 2026 W (ours was charge 2000 W)"),
        (2000.0, 1974.0, False, AS_SENT, ""),
        (2000.0, 26.0, False, AS_SENT, ""),
        (2000.0, 25.0, False, LOST, FORGOTTEN),
        (2000.0, 0.0, False, LOST, FORGOTTEN),
        (2000.0, -25.0, False, LOST, FORGOTTEN),
        (2000.0, -26.0, False, FOREIGN, "somebody else set discharge 26 W (ours was charge 2000 W)"),
        (2000.0, -1000.0, False, FOREIGN, "somebody else set discharge 1000 W (ours was charge 2000 W)"),
        (-2000.0, -900.0, False, AS_SENT, ""),
        (-2000.0, -2026.0, False, FOREIGN, "somebody else set discharge 2026 W (ours was discharge 2000 W)"),
        (-2000.0, 900.0, False, FOREIGN, "somebody else set charge 900 W (ours was discharge 2000 W)"),
        (0.0, 500.0, False, FOREIGN, "somebody else set charge 500 W (ours was idle)"),
        (2000.0, 900.0, True, LOST, FORGOTTEN),
        (2000.0, -1000.0, True, LOST, FORGOTTEN),
        (2000.0, 2010.0, True, AS_SENT, ""),
    ],
)
def test_an_echo_that_is_not_ours(
    *, sent_w: float, echo_w: float | None, after_outage: bool, finding: Finding, message: str
) -> None:
    """Gone is forgotten, smaller is the device's own limit, anything else is somebody's."""
    one = measured(reported_setpoint_w=echo_w)
    found = read_back(Power(sent_w), one, after_outage=after_outage, settled=True)
    assert (found.finding, found.message) == (finding, message)
    assert read_back(Power(sent_w), one, after_outage=after_outage, settled=False).finding is AS_SENT


# -- whether it follows ---------------------------------------------------------------------------------------------


def misses(sent_w: float, flows_w: float, **changes: object) -> int:
    """Return how often it is missed at the end of the first settling time."""
    check = FollowCheck(replace(BATTERY, min_soc=0.1), ControlOptions())
    check.note(sent_w, 1000.0)
    return check.misses(measured(battery_power_w=flows_w, **changes), 1030.0)


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
    deaf, follows = measured(battery_power_w=0.0), measured(battery_power_w=2000.0)
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
    assert check.misses(measured(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(measured(battery_power_w=-1000.0), 1060.0) == 0
    assert check.misses(measured(battery_power_w=4000.0), 1060.0) == 1


def test_a_command_that_was_replaced_a_settling_time_ago_counts_no_more() -> None:
    """Also where there were only two."""
    check = FollowCheck(BATTERY, ControlOptions())
    check.note(4000.0, 1000.0)
    check.note(1000.0, 1030.0)
    assert check.misses(measured(battery_power_w=4000.0), 1059.9) == 0
    assert check.misses(measured(battery_power_w=4000.0), 1060.0) == 1


def test_after_a_miss_the_last_command_counts() -> None:
    """A new settling time begins with what was sent last."""
    check = FollowCheck(BATTERY, ControlOptions())
    check.note(1000.0, 1000.0)
    check.note(2000.0, 1010.0)
    assert check.misses(measured(battery_power_w=-500.0), 1035.0) == 1
    assert check.misses(measured(battery_power_w=1000.0), 1065.0) == 2
    assert check.misses(measured(battery_power_w=2000.0), 1095.0) == 0


def test_what_was_sent_since_the_battery_followed_may_be_what_it_does() -> None:
    """It may have taken any of these for nothing and be on its way between them; what is older is not in force."""
    check = FollowCheck(BATTERY, ControlOptions())

    def ours(*powers_w: float) -> list[bool]:
        return [bool(check.goes_on_with(measured(battery_power_w=power_w))) for power_w in powers_w]

    assert ours(0.0) == [False]
    check.note(-4000.0, 1000.0)
    check.note(-300.0, 1060.0)
    assert ours(-4800.0, -4700.0, -250.0, -200.0) == [False, True, True, False]
    assert check.misses(measured(battery_power_w=-300.0), 1090.0) == 0
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
    said = [check.goes_on_with(measured(battery_power_w=900.0, reported_setpoint_w=echo_w)) for echo_w in echoes]
    assert said == [(), (Power(-320.0),), (), (Power(2025.0),)]


# -- whether a status is younger than a command -----------------------------------------------------------------------

CLOCK = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
LAG_S = 45.0


def seen(*looks: Measurement) -> Newness:
    """Return what has seen a few looks since a command at 100 s."""
    newness = Newness(LAG_S)
    newness.sent(100.0)
    for look in looks:
        newness.saw(look)
    return newness


def test_without_a_command_every_status_is_news() -> None:
    """There is nothing that it could be older than."""
    newness = Newness(LAG_S)
    newness.saw(measured())
    assert not newness.began
    assert newness.is_news(0.0)
    newness.sent(0.0)
    assert newness.began
    assert not newness.is_news(1000.0)


@pytest.mark.parametrize(
    ("looks", "moved"),
    [
        ([], False),
        ([measured(device_time=CLOCK)], False),
        ([measured(device_time=CLOCK, at=START + timedelta(minutes=number)) for number in range(9)], False),
        ([measured(device_time=CLOCK + timedelta(seconds=number)) for number in range(2)], True),
        ([measured(device_time=CLOCK, consumption_w=500.0 + number) for number in range(2)], True),
        ([measured(device_time=CLOCK + timedelta(seconds=number)) for number in (0, 1, 0)], True),
        ([measured()], True),
    ],
)
def test_news_is_data_that_has_moved_and_had_the_time(looks: list[Measurement], *, moved: bool) -> None:
    """As long as a status may lag behind; where no time is told, the time has to do."""
    newness = seen(*looks)
    assert [newness.is_news(100.0 + seconds) for seconds in (0.0, 44.9, 45.0, 900.0)] == [False, False, moved, moved]


def test_what_moved_before_a_command_is_no_news_after_it() -> None:
    """Each begins anew: data may have stopped just then."""
    newness = seen(*(measured(device_time=CLOCK + timedelta(seconds=number)) for number in range(3)))
    newness.sent(200.0)
    newness.saw(measured(device_time=CLOCK + timedelta(seconds=3)))
    assert not newness.is_news(900.0)
    newness.saw(measured(device_time=CLOCK + timedelta(seconds=4)))
    assert newness.is_news(245.0)
