"""Whether a status is younger than a command: data that froze passes for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from optimizer.control.actuation.newness import Newness
from optimizer.domain.measurement import Measurement
from support.situations import START, in_manual

CLOCK = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
LAG_S = 45.0


def seen(*looks: Measurement, first_s: float = 105.0, each_s: float = 1.0) -> Newness:
    """Return what has seen a few looks since a command at 100 s."""
    newness = Newness(LAG_S)
    newness.sent(100.0)
    for number, look in enumerate(looks):
        newness.saw(look, first_s + number * each_s)
    return newness


def told(*seconds: float, **says: object) -> list[Measurement]:
    """Return looks at which the device's own clock is so far, and at which it says this."""
    return [in_manual(device_time=CLOCK + timedelta(seconds=one), **says) for one in seconds]


def test_without_a_command_every_status_is_news() -> None:
    """There is nothing that it could be older than."""
    newness = Newness(LAG_S)
    newness.saw(in_manual(), 0.0)
    assert (newness.began, newness.is_news) == (False, True)
    newness.sent(0.0)
    assert (newness.began, newness.is_news) == (True, False)


@pytest.mark.parametrize(
    ("looks", "moved"),
    [
        ([], False),
        (told(0), False),
        ([in_manual(device_time=CLOCK, at=START + timedelta(minutes=number)) for number in range(9)], False),
        (told(0, 1), True),
        ([*told(0, consumption_w=500.0), *told(0, consumption_w=501.0)], True),
        (told(0, 1, 0), True),
        ([*told(0, reasons=("care",)), *told(0, reported_setpoint_w=5.0, discharge_allowed=False)], False),
        ([in_manual()], True),
    ],
)
def test_news_is_data_that_moves_after_a_lag(looks: list[Measurement], *, moved: bool) -> None:
    """From one look since the command to the next; where no time is told, the time has to do."""
    last_s = 100.0 + LAG_S - max(0, len(looks) - 1)
    assert seen(*looks, first_s=last_s).is_news is moved
    assert not seen(*looks, first_s=last_s - 0.1).is_news


def test_what_moved_too_soon_and_stopped_is_no_news() -> None:
    """A status that lags goes on for a while after its data froze."""
    assert not seen(*told(0, 5, 10, 15, 15, 15, 15, 15, 15, 15, 15, 15), each_s=5.0).is_news
    assert seen(*told(0, 5, 10, 15, 15, 15, 15, 15, 15, 15, 15, 20), each_s=5.0).is_news


def test_what_moved_before_a_command_is_no_news_after_it() -> None:
    """Each begins anew: data may have stopped just then."""
    newness = seen(*told(0, 1, 2))
    newness.sent(200.0)
    newness.saw(*told(3), 300.0)
    assert not newness.is_news
    newness.saw(*told(4), 310.0)
    assert newness.is_news
