"""Whether a command may rest on a measurement: each bound, from both sides, with its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from optimizer.control.options import ControlOptions
from optimizer.control.validity import Plausibility
from optimizer.domain.battery import Battery
from support.situations import BATTERY, situation_of

CLOCK = datetime(2026, 1, 15, 18, 0)  # noqa: DTZ001 - the device's own, without a zone
SOUND = replace(situation_of().measurement, elapsed_s=1000.0, device_time=CLOCK)


def doubts(now_s: float = 1000.0, battery: Battery = BATTERY, **changes: object) -> tuple[str, ...]:
    judge = Plausibility(battery, ControlOptions())
    return judge.doubts(replace(SOUND, **changes), now_s)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age_s", "told"),
    [
        (0.0, ()),
        (45.0, ()),
        (46.0, ("the measurement is 46 s old, at most 45 s are allowed",)),
        (-1.0, ("the measurement is -1 s old, at most 45 s are allowed",)),
    ],
)
def test_old_is_not_new(age_s: float, told: tuple[str, ...]) -> None:
    """Up to 45 s by our own clock; one from the future is none of ours."""
    assert doubts(now_s=1000.0 + age_s) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"consumption_w": 0.0}, None),
        ({"consumption_w": 100_000.0}, None),
        ({"consumption_w": -0.5}, "the consumption of -0.5 W is outside 0 to 100000"),
        ({"consumption_w": 100_001.0}, "the consumption of 100001 W is outside 0 to 100000"),
        ({"consumption_w": float("nan")}, "the consumption of nan W is outside 0 to 100000"),
        ({"production_w": 100_000.0}, None),
        ({"production_w": -0.5}, "the production of -0.5 W is outside 0 to 100000"),
        ({"production_w": 100_001.0}, "the production of 100001 W is outside 0 to 100000"),
        ({"production_w": float("inf")}, "the production of inf W is outside 0 to 100000"),
        ({"battery_power_w": 9500.0}, None),
        ({"battery_power_w": -9500.0}, None),
        ({"battery_power_w": 9501.0}, "the battery power of 9501 W is outside -9500 to 9500"),
        ({"battery_power_w": -9501.0}, "the battery power of -9501 W is outside -9500 to 9500"),
        ({"battery_power_w": float("nan")}, "the battery power of nan W is outside -9500 to 9500"),
        ({"soc": 0.0}, None),
        ({"soc": 1.0}, None),
        ({"soc": -0.01}, "the state of charge of -0.01 is outside 0 to 1"),
        ({"soc": 1.01}, "the state of charge of 1.01 is outside 0 to 1"),
        ({"soc": float("nan")}, "the state of charge of nan is outside 0 to 1"),
        ({"on_grid": True}, None),
        ({"on_grid": None}, None),
        ({"on_grid": False}, "the battery runs off the grid"),
    ],
)
@pytest.mark.parametrize("larger", ["max_charge_w", "max_discharge_w"])
def test_what_cannot_be_is_not_acted_on(changes: dict[str, object], told: str | None, larger: str) -> None:
    """Half as much again as the battery's larger power and 500 W, 100 kW of house or sun, 0 to 100 %, on the grid."""
    battery = replace(BATTERY, **{larger: 6000.0})  # type: ignore[arg-type]
    assert doubts(battery=battery, **changes) == (() if told is None else (told,))


@pytest.mark.parametrize(
    ("powers", "off_w", "told"),
    [
        ({}, 300.0, False),
        ({}, -300.0, False),
        ({}, 301.0, True),
        ({}, -301.0, True),
        ({"consumption_w": 5000.0}, 500.0, False),
        ({"consumption_w": 5000.0}, 501.0, True),
        ({"production_w": 5000.0}, -500.0, False),
        ({"production_w": 5000.0}, -501.0, True),
        ({"battery_power_w": -4500.0}, 450.0, False),
        ({"battery_power_w": -4500.0}, 451.0, True),
    ],
)
def test_powers_must_add_up(powers: dict[str, float], off_w: float, told: bool) -> None:
    """To 300 W, or to a tenth of the largest flow where that is more."""
    one = replace(SOUND, **powers)  # type: ignore[arg-type]
    grid_w = one.consumption_w + one.battery_power_w - one.production_w + off_w
    allowed_w = max(300.0, 0.1 * max(one.consumption_w, one.production_w, -one.battery_power_w))
    message = f"the reported powers miss the balance by {off_w:.0f} W (at most {allowed_w:.0f} W)"
    assert doubts(**powers, reported_grid_power_w=grid_w) == ((message,) if told else ())


def test_every_doubt_is_told() -> None:
    """In one order, whatever they are."""
    told = doubts(now_s=1100.0, soc=2.0, on_grid=False, reported_grid_power_w=-9000.0)
    assert [words.split()[1] for words in told] == ["measurement", "state", "reported", "battery"]


class Poll:
    """Polls of one device, each some seconds after the one before."""

    def __init__(self) -> None:
        self.judge = Plausibility(BATTERY, ControlOptions())
        self.now_s, self.last = 1000.0, SOUND

    def __call__(self, seconds: float = 5.0, **changes: object) -> tuple[str, ...]:
        self.now_s += seconds
        self.last = replace(self.last, elapsed_s=self.now_s, **changes)  # type: ignore[arg-type]
        return self.judge.doubts(self.last, self.now_s)


def test_a_device_whose_clock_stands_still_is_frozen() -> None:
    """After five equal polls; as soon as anything moves it is believed again, and the count begins anew."""
    poll = Poll()
    assert [poll() for _ in range(5)] == [()] * 5
    assert poll() == (f"the device's data has not moved for 25 s ({CLOCK})",)
    assert poll() == (f"the device's data has not moved for 30 s ({CLOCK})",)
    assert poll(consumption_w=501.0) == ()
    assert [poll() for _ in range(4)] == [()] * 4
    assert poll() == (f"the device's data has not moved for 25 s ({CLOCK})",)


@pytest.mark.parametrize(
    "moves",
    [
        {"device_time": CLOCK + timedelta(seconds=1)},
        {"consumption_w": 501.0},
        {"production_w": 1.0},
        {"battery_power_w": 1.0},
        {"soc": 0.51},
    ],
)
def test_whatever_moves_shows_that_the_device_lives(moves: dict[str, object]) -> None:
    """Its clock or any of its values."""
    poll = Poll()
    for _ in range(5):
        assert poll() == ()
    assert poll(**moves) == ()


def test_quick_polls_see_one_second_twice() -> None:
    """That is no frozen clock: equal for five seconds at least."""
    poll = Poll()
    assert [poll(0.75) for _ in range(7)] == [()] * 7
    assert poll(0.5) != ()


def test_a_device_without_a_clock_is_not_called_frozen() -> None:
    """A house may draw the same power for long."""
    poll = Poll()
    assert [poll(device_time=None) for _ in range(9)] == [()] * 9
