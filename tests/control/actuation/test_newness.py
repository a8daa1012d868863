"""Whether a status is younger than a command: data that froze passes for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from optimizer.control.actuation.newness import Newness
from optimizer.domain.measurement import Measurement
from support.situations import START, in_manual

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
    newness.saw(in_manual())
    assert not newness.began
    assert newness.is_news(0.0)
    newness.sent(0.0)
    assert newness.began
    assert not newness.is_news(1000.0)


@pytest.mark.parametrize(
    ("looks", "moved"),
    [
        ([], False),
        ([in_manual(device_time=CLOCK)], False),
        ([in_manual(device_time=CLOCK, at=START + timedelta(minutes=number)) for number in range(9)], False),
        ([in_manual(device_time=CLOCK + timedelta(seconds=number)) for number in range(2)], True),
        ([in_manual(device_time=CLOCK, consumption_w=500.0 + number) for number in range(2)], True),
        ([in_manual(device_time=CLOCK + timedelta(seconds=number)) for number in (0, 1, 0)], True),
        ([in_manual()], True),
    ],
)
def test_news_is_data_that_has_moved_and_had_the_time(looks: list[Measurement], *, moved: bool) -> None:
    """As long as a status may lag behind; where no time is told, the time has to do."""
    newness = seen(*looks)
    assert [newness.is_news(100.0 + seconds) for seconds in (0.0, 44.9, 45.0, 900.0)] == [False, False, moved, moved]


def test_what_moved_before_a_command_is_no_news_after_it() -> None:
    """Each begins anew: data may have stopped just then."""
    newness = seen(*(in_manual(device_time=CLOCK + timedelta(seconds=number)) for number in range(3)))
    newness.sent(200.0)
    newness.saw(in_manual(device_time=CLOCK + timedelta(seconds=3)))
    assert not newness.is_news(900.0)
    newness.saw(in_manual(device_time=CLOCK + timedelta(seconds=4)))
    assert newness.is_news(245.0)
