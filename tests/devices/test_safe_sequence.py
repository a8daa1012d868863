"""The order of writes by itself, at its edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.safe_sequence import MODE_KNOWN_FOR_S, SafeSequence
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.errors import DeviceTimeout


@dataclass
class Written:
    """Keeps what is written."""

    writes: list[str] = field(default_factory=list)

    def set_watts(self, direction: str, watts: int) -> None:
        self.writes.append(f"{direction} {watts}")

    def set_mode(self, code: str) -> None:
        self.writes.append(f"mode {code}")


@pytest.fixture
def clock() -> SimulatedClock:
    """Return a clock that has run for a while."""
    clock = SimulatedClock(datetime(2026, 5, 4, tzinfo=UTC))
    clock.advance(1000.0)
    return clock


def in_manual(clock: SimulatedClock) -> tuple[SafeSequence, list[str]]:
    written = Written()
    sequence = SafeSequence(written, clock=clock, can_set_mode=True)
    sequence.saw(OperatingMode.MANUAL)
    return sequence, written.writes


@pytest.mark.parametrize(
    ("power_w", "writes"),
    [
        (1.0, ["charge 1"]),
        (-1.0, ["discharge 1"]),
        (0.6, ["charge 1"]),
        (-0.6, ["discharge 1"]),
        (0.0, ["charge 0", "discharge 0"]),
    ],
)
def test_one_watt_goes_one_way(power_w: float, writes: list[str], clock: SimulatedClock) -> None:
    """A second write would replace the first: only zero goes to both."""
    sequence, written = in_manual(clock)
    sequence.apply(Power(power_w))
    assert written == writes


@pytest.mark.parametrize(("age_s", "known"), [(0.0, True), (MODE_KNOWN_FOR_S, True), (MODE_KNOWN_FOR_S + 0.1, False)])
def test_a_mode_is_known_for_as_long_as_a_measurement_counts(age_s: float, known: bool, clock: SimulatedClock) -> None:
    """From its read on; after that manual mode is entered anew."""
    sequence, written = in_manual(clock)
    clock.advance(age_s)
    sequence.apply(Power(100.0))
    assert ("mode 1" not in written) is known


def test_a_write_does_not_prolong_what_was_read(clock: SimulatedClock) -> None:
    """That a write was accepted does not show the mode."""
    sequence, written = in_manual(clock)
    clock.advance(40.0)
    sequence.apply(Power(100.0))
    clock.advance(40.0)
    sequence.apply(Power(200.0))
    assert written == ["charge 100", "charge 0", "discharge 0", "mode 1", "charge 200"]


def test_modes_to_be_left_in_are_named(clock: SimulatedClock) -> None:
    """Whoever chose another one sees which there are."""
    with pytest.raises(ValueError, match=r"handed back to manual: choose automatic, time_of_use, backup$"):
        SafeSequence(Written(), clock=clock, can_set_mode=True, hand_back_mode=OperatingMode.MANUAL)


ENTRY = ["charge 0", "discharge 0", "mode 1", "charge 100"]


@pytest.mark.parametrize(
    ("held_up_at", "sent"), [(None, ENTRY), ("start", []), ("discharge 0", ENTRY[:2]), ("mode 1", ENTRY[:3])]
)
def test_what_comes_too_late_is_not_sent(held_up_at: str | None, sent: list[str], clock: SimulatedClock) -> None:
    """Whoever was held up decided on a battery as it was; also between the steps of one command."""

    class HeldUp(Written):
        def set_watts(self, direction: str, watts: int) -> None:
            super().set_watts(direction, watts)
            self._wait()

        def set_mode(self, code: str) -> None:
            super().set_mode(code)
            self._wait()

        def _wait(self) -> None:
            clock.advance(60.0 if self.writes[-1] == held_up_at else 1.0)

    written, by_s = HeldUp(), clock.elapsed() + 45.0
    sequence = SafeSequence(written, clock=clock, can_set_mode=True)
    clock.advance(60.0 if held_up_at == "start" else 0.0)
    if held_up_at is None:
        sequence.apply(Power(100.0), not_after_s=by_s)
    else:
        with pytest.raises(DeviceTimeout, match="held up"):
            sequence.apply(Power(100.0), not_after_s=by_s)
    assert written.writes == sent


def test_a_way_back_is_never_too_late(clock: SimulatedClock) -> None:
    """What ends a command is sent whenever it comes."""
    written = Written()
    SafeSequence(written, clock=clock, can_set_mode=True).apply(Automatic(), not_after_s=0.0)
    assert written.writes == ["charge 0", "discharge 0", "mode 2"]


@pytest.mark.parametrize(("late_s", "sent"), [(0.0, True), (0.1, False)])
def test_the_last_moment_is_in_time(late_s: float, *, sent: bool, clock: SimulatedClock) -> None:
    """By the clock that the measurement was read by."""
    sequence, written = in_manual(clock)
    by_s = clock.elapsed() - late_s
    if sent:
        sequence.apply(Power(100.0), not_after_s=by_s)
    else:
        with pytest.raises(DeviceTimeout):
            sequence.apply(Power(100.0), not_after_s=by_s)
    assert written == ["charge 100"] * sent


def test_zeroing_leaves_the_mode_as_it_is(clock: SimulatedClock) -> None:
    """It may be somebody's choice."""
    sequence, written = in_manual(clock)
    sequence.zero()
    assert written == ["charge 0", "discharge 0"]
