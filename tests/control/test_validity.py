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


def test_a_device_without_a_clock_is_frozen_when_nothing_moves_for_five_minutes() -> None:
    """In a house that draws something; as soon as any value moves the count begins anew."""
    poll = Poll()
    assert poll(device_time=None) == ()
    assert [poll(60.0) for _ in range(5)] == [()] * 5
    assert poll(1.0) == ("none of the device's values has moved for 301 s, and it tells no time",)
    assert poll(9.0) != ()
    assert poll(consumption_w=501.0) == ()
    assert [poll(60.0) for _ in range(5)] == [()] * 5
    assert poll(1.0) != ()


@pytest.mark.parametrize("name", ["consumption_w", "production_w", "battery_power_w", "soc", "reported_grid_power_w"])
def test_whatever_value_moves_shows_that_a_device_without_a_clock_lives(name: str) -> None:
    """One of five is enough."""
    poll = Poll()
    poll(device_time=None, reported_grid_power_w=500.0)
    for _ in range(4):
        assert [poll(60.0) for _ in range(5)] == [()] * 5
        assert poll(1.0, **{name: getattr(poll.last, name) + 0.01}) == ()


@pytest.mark.parametrize(("seconds", "frozen"), [(45.0, False), (45.1, True)])
def test_a_clock_that_stands_still_from_one_slow_poll_to_the_next_is_too_old(seconds: float, *, frozen: bool) -> None:
    """By as much as any measurement may be."""
    poll = Poll()
    poll()
    assert bool(poll(seconds)) is frozen


def test_a_house_that_draws_nothing_is_not_frozen() -> None:
    """There is nothing that could move, or no meter in it; one that draws half a watt is."""
    poll = Poll()
    assert [poll(60.0, device_time=None, consumption_w=0.0) for _ in range(60)] == [()] * 60
    assert [bool(poll(60.0, device_time=None, consumption_w=0.5)) for _ in range(8)] == [False] * 6 + [True] * 2


def test_two_equal_looks_after_a_long_silence_are_no_proof_that_a_device_without_a_clock_froze() -> None:
    """Five in a row are: polls grow rarer while a battery is away."""
    poll = Poll()
    assert poll(device_time=None) == ()
    assert [poll(400.0) for _ in range(4)] == [()] * 4
    assert poll(400.0) != ()


class LivingPoll(Poll):
    """The same of a device whose clock goes."""

    def __call__(self, seconds: float = 5.0, **changes: object) -> tuple[str, ...]:
        at = CLOCK + timedelta(seconds=self.now_s + seconds)
        return super().__call__(seconds, **{"device_time": at, **changes})


def jump(before: str, after: str, seconds: int, allowed: str) -> tuple[str, ...]:
    return (f"the state of charge went from {before} to {after} within {seconds} s, at most {allowed} are possible",)


@pytest.mark.parametrize(
    ("seconds", "soc", "told"),
    [
        (10.0, 0.55, ()),
        (10.0, 0.45, ()),
        (10.0, 0.56, jump("50%", "56%", 10, "5%")),
        (10.0, 0.44, jump("50%", "44%", 10, "5%")),
        (60.0, 0.56, ()),
        (1200.0, 0.84995, ()),
        (1200.0, 0.15005, ()),
        (1200.0, 0.86, jump("50%", "86%", 1200, "35%")),
        (1200.0, 0.14, jump("50%", "14%", 1200, "35%")),
        (7200.0, 1.0, ()),
    ],
)
@pytest.mark.parametrize("larger", [{"max_charge_w": 5000.0}, {"max_discharge_w": 4050.0}])
def test_a_battery_fills_no_faster_than_its_power_allows(
    larger: dict[str, float], seconds: float, soc: float, told: tuple[str, ...]
) -> None:
    """Twice its larger power, seen from the store, and 5 % for what is told in steps; the longer ago, the more."""
    poll = LivingPoll()
    weak = replace(
        BATTERY, max_charge_w=1000.0, max_discharge_w=1000.0, charge_efficiency=0.9, discharge_efficiency=0.9
    )
    poll.judge = Plausibility(replace(weak, **larger), ControlOptions())  # type: ignore[arg-type]
    assert poll(soc=0.5) == ()
    assert poll(seconds, soc=soc) == told


@pytest.mark.parametrize(("soc", "doubted"), [(0.05, False), (0.0502, True)])
def test_without_any_time_between_them_two_looks_may_differ_by_what_is_told_in_steps(
    soc: float, *, doubted: bool
) -> None:
    """And by no more."""
    poll = LivingPoll()
    assert poll(soc=0.0) == ()
    assert bool(poll(0.0, soc=soc)) is doubted


def test_what_a_state_of_charge_jumps_to_and_back_from_is_never_believed() -> None:
    """Nor what it jumps to next: each is compared with what was believed last."""
    poll = LivingPoll()
    doubted = [bool(poll(10.0, soc=soc)) for soc in (0.5, 0.08, 0.97, 0.3, 0.5, 0.49)]
    assert doubted == [False, True, True, True, False, False]


def test_a_battery_that_corrects_itself_is_believed_after_half_a_minute() -> None:
    """Looks that agree with each other, also on a level that moves; a lease of 90 s outlasts that."""
    poll = LivingPoll()
    assert [bool(poll(10.0, soc=soc)) for soc in (0.5, 0.22, 0.22, 0.21, 0.20)] == [False, True, True, True, False]
    assert poll(10.0, soc=0.2) == ()
    assert poll(10.0, soc=0.5) != ()


def test_three_looks_must_agree_however_slow_they_are() -> None:
    """Two a minute apart could be one glitch that lasts."""
    poll = LivingPoll()
    assert [bool(poll(60.0, soc=soc)) for soc in (0.9, 0.22, 0.22, 0.21)] == [False, True, True, False]


def test_looks_that_do_not_agree_begin_the_count_anew() -> None:
    """Half a minute of one level, not of any that are far from what was believed."""
    poll = LivingPoll()
    told = [bool(poll(10.0, soc=soc)) for soc in (0.9, 0.22, 0.22, 0.6, 0.22, 0.22, 0.22, 0.22)]
    assert told == [False] + [True] * 6 + [False]


def test_a_correction_that_is_taken_back_leaves_no_trace() -> None:
    """The next jump to the same level begins from nothing."""
    poll = LivingPoll()
    told = [bool(poll(10.0, soc=soc)) for soc in (0.9, 0.22, 0.22, 0.22, 0.9, 0.22, 0.22)]
    assert told == [False, True, True, True, False, True, True]


def test_what_else_is_in_doubt_is_compared_with_nothing() -> None:
    """After data that had frozen a level may have moved for as long as they stood still."""
    poll = LivingPoll()
    for _ in range(180):
        poll(10.0, device_time=CLOCK)
    assert poll(10.0, soc=0.98) == ()
    poll = LivingPoll()
    poll(10.0)
    assert [len(poll(10.0, soc=0.1, on_grid=False)) for _ in range(9)] == [1] * 9
    assert poll(10.0, soc=0.1, on_grid=True) == jump("50%", "10%", 100, "8%")


def test_after_the_start_there_is_nothing_to_compare_with() -> None:
    """The first level is believed, whatever it is."""
    assert doubts(soc=0.03) == ()
