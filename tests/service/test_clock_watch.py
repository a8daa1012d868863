"""Whether the wall clock was set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.service.clock_watch import ClockWatch

START = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("set_by_s", "says"),
    [
        (29.0, None),
        (-29.0, None),
        (30.0, "the clock was set by +30 s to 2026-05-04T00:01:30+00:00"),
        (-3600.0, "the clock was set by -3600 s to 2026-05-03T23:01:00+00:00"),
    ],
)
def test_a_clock_that_is_set_is_noticed_once(
    set_by_s: float, says: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a minute and more; time that merely passes sets no clock."""
    clock = SimulatedClock(START)
    watch = ClockWatch(clock)
    clock.advance(60.0)
    assert not watch.jumped()
    clock.step_wall_clock(set_by_s)
    assert watch.jumped() is (says is not None)
    assert not watch.jumped()
    assert caplog.messages == ([] if says is None else [says])
