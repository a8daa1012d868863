"""What every battery device must do, whatever it is made of.

One function per clause, each run with a :class:`Bench`::

    @pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
    def test_contract(clause, bench):
        clause(bench)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from optimizer.devices.port import BatteryDevice
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.errors import DeviceError


def _no_settling() -> None:
    """Wait for nothing."""


def _nothing_to_break() -> None:
    pytest.skip("this device cannot be taken away")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A device under test, with what the clauses need to know of it."""

    device: BatteryDevice
    settle: Callable[[], None] = _no_settling
    """Let the battery's own latency pass."""
    take_away: Callable[[], None] = _nothing_to_break
    """Make the device unreachable."""
    power_w: float = 1000.0
    """A power that it can charge and discharge with [W]."""
    tolerance_w: float = 60.0
    """How far the flowing power may be from the commanded one [W]."""


Clause = Callable[[Bench], None]


def read_is_finite_and_in_range(bench: Bench) -> None:
    """Check that a reading is finite, in range, timed, and of powers that add up."""
    measurement = bench.device.read()
    powers = (
        measurement.consumption_w,
        measurement.production_w,
        measurement.battery_power_w,
        measurement.grid_power_w,
    )
    assert all(math.isfinite(power) for power in powers)
    assert min(measurement.consumption_w, measurement.production_w) >= 0
    assert 0 <= measurement.soc <= 1
    assert measurement.at.utcoffset() is not None
    assert abs(measurement.balance_residual_w or 0.0) <= 100


def power_is_followed(bench: Bench) -> None:
    """Check that a power is entered in manual mode, echoed where the device echoes, and flows with the right sign."""
    for power_w in (bench.power_w, -bench.power_w, 0.0):
        _command(bench, power_w)


def applying_twice_changes_nothing(bench: Bench) -> None:
    """Check that applying the same power again re-asserts it."""
    first = _command(bench, bench.power_w)
    second = _command(bench, bench.power_w)
    assert second.mode is first.mode
    assert second.battery_power_w == pytest.approx(first.battery_power_w, abs=2 * bench.tolerance_w)


def release_hands_back(bench: Bench) -> None:
    """Check that after a release, once or twice, the battery is automatic, or idle where the mode cannot be set."""
    _command(bench, bench.power_w)
    bench.device.release()
    bench.device.release()
    _assert_handed_back(bench)


def automatic_hands_back(bench: Bench) -> None:
    """Check that asking for automatic does the same."""
    _command(bench, -bench.power_w)
    bench.device.apply(Automatic())
    _assert_handed_back(bench)


def old_setpoint_is_gone_on_re_entry(bench: Bench) -> None:
    """Check that no setpoint of before a hand-back comes to life on entering again."""
    _command(bench, bench.power_w)
    bench.device.release()
    bench.settle()
    bench.device.read()
    _command(bench, 0.0)


def failures_are_device_errors(bench: Bench) -> None:
    """Check that a device that is gone raises errors of ours, and closing it none."""
    bench.take_away()
    for call in (bench.device.read, bench.device.release, lambda: bench.device.apply(Power(0.0))):
        with pytest.raises(DeviceError) as caught:
            call()
        assert len(str(caught.value)) > 20
    bench.device.close()
    bench.device.close()


def unsound_power_is_not_sent(bench: Bench) -> None:
    """Check that a power that is not finite is refused."""
    for power_w in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match="power"):
            bench.device.apply(Power(power_w))


def has_a_name(bench: Bench) -> None:
    """Check that a device says what it is."""
    assert bench.device.name.strip()


CLAUSES: tuple[Clause, ...] = (
    read_is_finite_and_in_range,
    power_is_followed,
    applying_twice_changes_nothing,
    release_hands_back,
    automatic_hands_back,
    old_setpoint_is_gone_on_re_entry,
    failures_are_device_errors,
    unsound_power_is_not_sent,
    has_a_name,
)


def _command(bench: Bench, power_w: float) -> Measurement:
    bench.device.read()
    bench.device.apply(Power(power_w))
    bench.settle()
    measurement = bench.device.read()
    if bench.device.capabilities.can_set_mode:
        assert measurement.mode is OperatingMode.MANUAL
    if bench.device.capabilities.echoes_setpoint:
        assert measurement.reported_setpoint_w == pytest.approx(power_w, abs=1)
    assert measurement.battery_power_w == pytest.approx(power_w, abs=bench.tolerance_w)
    return measurement


def _assert_handed_back(bench: Bench) -> None:
    bench.settle()
    measurement = bench.device.read()
    if bench.device.capabilities.can_set_mode:
        assert measurement.mode is OperatingMode.AUTOMATIC
    else:
        assert measurement.battery_power_w == pytest.approx(0, abs=bench.tolerance_w)
