"""How the demo keeps time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from optimizer.cli.main import build_parser
from optimizer.clock import SimulatedClock
from optimizer.demo.pacer import Pacer


@pytest.fixture
def wall() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))


def test_simulated_time_takes_its_share_of_real_time(wall: SimulatedClock) -> None:
    """An hour at 1800 times real time takes two seconds, with a picture about every eighth."""
    pictures: list[float] = []
    pacer = Pacer(wall=wall, speed=1800.0, wake=threading.Event())
    pacer.start(lambda: pictures.append(wall.elapsed()))
    for _ in range(60):
        pacer(60.0)
    assert wall.elapsed() == pytest.approx(2.0)
    assert 12 <= len(pictures) <= 18


def test_work_is_taken_off_the_waiting(wall: SimulatedClock) -> None:
    """A plan that takes a second does not make the demo a second longer."""
    pacer = Pacer(wall=wall, speed=60.0, wake=threading.Event())
    pacer.start(lambda: None)
    wall.advance(1.0)
    pacer(60.0 * 3)
    assert wall.elapsed() == pytest.approx(3.0)


def test_without_a_speed_nothing_waits(wall: SimulatedClock) -> None:
    """As fast as the machine can is just that."""
    pacer = Pacer(wall=wall, speed=None, wake=threading.Event())
    pacer(86_400.0)
    assert wall.elapsed() == 0.0


def test_whoever_ends_the_demo_does_not_wait(wall: SimulatedClock) -> None:
    """Ctrl-C ends the waiting at once."""
    wake = threading.Event()
    wake.set()
    Pacer(wall=wall, speed=1.0, wake=wake)(3600.0)
    assert wall.elapsed() == 0.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--days", "0"], "whole number of days"),
        (["--days", "two"], "whole number of days"),
        (["--start", "tomorrow"], "a date such as 2016-04-30"),
        (["--seconds", "-1"], "0 or more"),
        (["--seconds", "nan"], "0 or more"),
        (["--speed", "0"], "more than 0"),
        (["--seconds", "1", "--speed", "2"], "not allowed with"),
        (["--api", "v3"], "invalid choice"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_a_reason(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with exit code 2 and says what would be right."""
    with pytest.raises(SystemExit) as ended:
        build_parser("demo").parse_args(["demo", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
