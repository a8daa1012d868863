"""How long the way back tries: as often as fits into its deadline, on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from optimizer.bounded_socket import NotConnected
from optimizer.clock import SimulatedClock
from optimizer.release import client, hand_back
from optimizer.release.hand_back import release_battery
from optimizer.release.target import ReleaseTarget

V1 = ReleaseTarget(driver="sonnen_v1", host="10.0.0.1")
CALLS = 3
"""Of one attempt on a plain V1 battery, after a look at it."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedClock:
    """Return the clock by which it waits and its deadlines run."""
    clock = SimulatedClock(datetime(2026, 5, 4, tzinfo=UTC))

    def deadline(seconds: float) -> Callable[[], float]:
        end_s = clock.elapsed() + seconds
        return lambda: max(0.0, end_s - clock.elapsed())

    monkeypatch.setattr(hand_back, "real_deadline", deadline)
    monkeypatch.setattr(client, "real_deadline", deadline)
    monkeypatch.setattr(hand_back, "WallClock", lambda: clock)
    return clock


@pytest.fixture
def calls(clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, int]]:
    """Return when each call was made, the time it had [s] and the bytes it would take; none comes through."""
    made: list[tuple[float, float, int]] = []

    def connect(_lookup: object, remaining: Callable[[], float], *, max_bytes: int) -> None:
        made.append((clock.elapsed(), remaining(), max_bytes))
        raise NotConnected("nobody there")

    monkeypatch.setattr(client, "connect", connect)
    return made


@pytest.mark.parametrize(
    ("deadline_s", "attempts"),
    [(10.0, [0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0]), (3.0, [0.0, 1.5]), (1.5, [0.0]), (0.0, [0.0])],
)
def test_it_tries_as_often_as_fits(
    deadline_s: float, attempts: list[float], calls: list[tuple[float, float, int]]
) -> None:
    """A second and a half apart, the first in any case, none that would begin when the deadline is over."""
    assert not release_battery(V1, deadline_s=deadline_s).confirmed
    assert [at_s for at_s, _, _ in calls][1::CALLS] == attempts
    assert len(calls) == 1 + CALLS * len(attempts)


def test_each_call_has_two_seconds_of_the_ten(calls: list[tuple[float, float, int]]) -> None:
    """One that hangs leaves time for the next; no call outlives the whole, nor takes in more than 128 KiB."""
    release_battery(V1)
    assert calls[0] == (0.0, 2.0, 128 * 1024)
    assert calls[-1] == (9.0, 1.0, 128 * 1024)


def test_what_was_said_before_is_not_said_again(calls: list[tuple[float, float, int]]) -> None:
    """Ten seconds of trying make one line a step."""
    report = release_battery(V1)
    assert report.steps == tuple(
        f"{step}: failed: NotConnected: nobody there"
        for step in ("/api/v1/setpoint/charge/0", "/api/v1/setpoint/discharge/0", "read back")
    )


def test_a_simulated_battery_is_not_called(calls: list[tuple[float, float, int]]) -> None:
    """It is gone with the service that held it; the report says so."""
    report = release_battery(ReleaseTarget(driver="simulated"))
    assert str(report) == (
        "simulated battery: nothing outside the service to hand back\nhanded back, confirmed by the battery"
    )
    assert calls == []
