"""When the control loop looks next."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.service.pace import FASTEST_S, JITTER, SLOWEST_S, Pace

START = datetime(2026, 5, 4, tzinfo=UTC)


def looks(poll_s: float, steps: list[tuple[float, bool]]) -> list[float]:
    """Return when the looks begin, for steps that take so long and fail or not [s]."""
    clock = SimulatedClock(START)
    pace, failures, begun = Pace(clock, poll_s, random.Random(1)), 0, []
    for takes_s, fails in steps:
        pace.begin()
        begun.append(clock.elapsed())
        clock.advance(takes_s)
        failures = failures + 1 if fails else 0
        clock.advance(pace.wait_s(failures))
    return begun


def test_healthy_looks_do_not_drift() -> None:
    """However long steps take, looks stay on the beat; a step longer than the beat leaves beats out."""
    assert looks(10.0, [(0.3, False), (4.0, False), (12.0, False), (0.1, False), (0.0, False)]) == pytest.approx(
        [0, 10, 20, 40, 50]
    )
    assert looks(5.0, [(0.4, False)] * 4) == pytest.approx([0, 5, 10, 15])


def test_the_fastest_poll_is_kept_although_no_wait_ends_to_the_millisecond() -> None:
    """Waits that end a few milliseconds late move the beat by as much; they do not leave every other one out."""
    clock = SimulatedClock(START)
    pace, begun = Pace(clock, 5.0, random.Random(1)), []
    for _ in range(20):
        pace.begin()
        begun.append(clock.elapsed())
        clock.advance(0.1)
        clock.advance(pace.wait_s(0) + 0.004)
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    assert min(gaps) >= FASTEST_S - 1e-6
    assert max(gaps) < FASTEST_S + 0.1


@given(
    poll_s=st.floats(5, 60),
    steps=st.lists(st.tuples(st.floats(0, 25), st.booleans()), min_size=2, max_size=30),
)
def test_looks_are_never_faster_than_the_battery_bears_nor_slower_than_a_lease(
    poll_s: float, steps: list[tuple[float, bool]]
) -> None:
    """Waits lie between 5 s and the longer of poll and 30 s, step and jitter besides."""
    begun = looks(poll_s, steps)
    for (takes_s, _), earlier, later in zip(steps, begun, begun[1:], strict=False):
        assert later - earlier >= FASTEST_S - 1e-6
        longest_s = max(poll_s, SLOWEST_S) * (1 + JITTER)
        assert later - earlier <= takes_s + max(longest_s, FASTEST_S) + poll_s


def test_waits_grow_while_the_battery_is_away() -> None:
    """10, 20, then 30 s, each lengthened by at most a tenth, and back to the beat afterwards."""
    begun = looks(10.0, [(0.0, True)] * 4 + [(0.0, False)] * 2)
    waits = [later - earlier for earlier, later in pairwise(begun)]
    for wait_s, base_s in zip(waits, (10, 20, 30, 30, 10), strict=True):
        assert base_s <= wait_s + 1e-6
        assert wait_s <= base_s * (1 + JITTER) + 1e-6


@pytest.mark.parametrize(
    ("poll_s", "waits_s"), [(3.0, (5.0, 6.0, 12.0, 24.0, 30.0)), (20.0, (20.0, 30.0)), (60.0, (60.0, 60.0))]
)
def test_the_first_wait_is_a_poll_and_none_is_shorter_than_the_battery_bears(
    poll_s: float, waits_s: tuple[float, ...]
) -> None:
    """They double up to half a minute; a slower poll stays as it is."""
    begun = looks(poll_s, [(0.0, True)] * (len(waits_s) + 1))
    for (earlier, later), base_s in zip(pairwise(begun), waits_s, strict=True):
        assert base_s < later - earlier <= base_s * (1 + JITTER) + 1e-6


def test_a_battery_that_hangs_has_its_rest_after_the_hang() -> None:
    """Counted from when the look was given up."""
    assert looks(10.0, [(28.0, True), (0.0, False)]) == pytest.approx([0.0, 33.0])


def test_a_step_that_ends_with_the_beat_does_not_leave_it_out() -> None:
    """The next look begins at once."""
    assert looks(10.0, [(10.0, False), (0.0, False), (0.0, False)]) == pytest.approx([0.0, 10.0, 20.0])


@pytest.mark.parametrize(
    ("takes_s", "failures", "lease_end_s", "begins_s", "next_s"),
    [
        (0.0, 0, None, 10.0, 20.0),
        (0.0, 0, 7.0, 7.0, 17.0),  # not slept through, and the beat goes on from there
        (0.0, 0, 3.0, 5.0, 15.0),  # no sooner than the battery bears
        (6.0, 0, 6.0, 10.0, 20.0),  # it has ended already: the step has seen to it
        (0.0, 0, 10.0, 10.0, 20.0),
        (0.0, 0, 15.0, 10.0, 20.0),
        (28.0, 1, 33.0, 33.0, 40.13),  # a look is due then in any case, and the beat is that of the look which hung
        (28.0, 1, 32.0, 32.0, 42.0),
    ],
)
def test_the_end_of_a_lease_is_not_slept_through(
    takes_s: float, failures: int, lease_end_s: float | None, begins_s: float, next_s: float
) -> None:
    """The loop looks when the lease of what stands ends, and keeps its pace from then on."""
    clock = SimulatedClock(START)
    pace = Pace(clock, 10.0, random.Random(1))
    pace.begin()
    clock.advance(takes_s)
    clock.advance(pace.wait_s(failures, lease_end_s=lease_end_s))
    assert clock.elapsed() == pytest.approx(begins_s)
    pace.begin()
    clock.advance(pace.wait_s(0))
    assert clock.elapsed() == pytest.approx(next_s, abs=0.01)
