"""Meters of the unit: off by some watts, and not read all at the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from optimizer.devices.simulated.metering import Metering
from optimizer.devices.simulated.profile import HouseProfile
from optimizer.devices.simulated.recent_powers import Powers, RecentPowers, Stretch
from support.simulator import START, RunningSimulator, running_simulator


def residual_w(status: dict[str, Any]) -> int:
    """Return by how much a status misses ``GridFeedIn = Production - Consumption + Pac`` [W]."""
    balance_w = status["Production_W"] - status["Consumption_W"] + status["Pac_total_W"]
    return int(status["GridFeedIn_W"]) - balance_w


def polled(simulator: RunningSimulator, *, interval_s: float, times: int) -> list[dict[str, Any]]:
    statuses = []
    for _ in range(times):
        simulator.clock.advance(interval_s)
        statuses.append(simulator.status())
    return statuses


def kettles() -> HouseProfile:
    """Return a house whose load changes by 2 kW every ten seconds."""
    return HouseProfile(start=START, step=timedelta(seconds=10), load_w=[300, 2300], production_w=[0, 0])


def test_steady_powers_miss_the_balance_by_up_to_twenty_watts() -> None:
    """While nothing changes the residual is that of recorded payloads: some watts, both ways, never above 21 W."""
    with running_simulator(load_w=612.3, production_w=1834.6) as simulator:
        residuals = [residual_w(status) for status in polled(simulator, interval_s=7, times=60)]
    assert max(map(abs, residuals)) <= 21
    assert min(residuals) < -3 < 3 < max(residuals)
    assert sum(abs(residual) <= 10 for residual in residuals) > 40


def test_values_of_a_changing_house_are_sampled_at_different_moments() -> None:
    """Polled right after a kettle, house and grid sometimes tell of different moments; a second later never."""
    with running_simulator(recording=kettles()) as simulator:
        simulator.clock.advance(0.1)
        fresh = [abs(residual_w(status)) for status in polled(simulator, interval_s=10, times=40)]
        simulator.clock.advance(1.4)
        settled = [abs(residual_w(status)) for status in polled(simulator, interval_s=10, times=40)]
    assert 1900 < max(fresh) < 2100
    assert min(fresh) < 25
    assert max(settled) <= 21


def test_moving_battery_is_seen_on_its_way() -> None:
    """While the power ramps, Pac and grid are not of the same instant, so they miss each other by part of the ramp."""
    with running_simulator() as simulator:
        simulator.put("/api/v1/setpoint/charge/4000")
        residuals = [abs(residual_w(status)) for status in polled(simulator, interval_s=0.5, times=12)]
        simulator.clock.advance(10)
        assert abs(residual_w(simulator.status())) <= 21
    assert max(residuals) > 40


def test_perfect_meters_close_the_balance() -> None:
    """With error and skew switched off only the rounding is left."""
    with running_simulator(recording=kettles(), metering=Metering(error_w=0, skew_s=0)) as simulator:
        assert max(abs(residual_w(status)) for status in polled(simulator, interval_s=1, times=40)) <= 2


def test_same_instant_reads_the_same_twice() -> None:
    """A reading depends on its instant alone, not on how often one looks."""
    with running_simulator(recording=kettles()) as simulator:
        simulator.clock.advance(10.1)
        assert simulator.status() == simulator.status()


def test_meters_run_on_while_nobody_looks() -> None:
    """Powers of the past are those of the past, also in the middle of a ramp."""
    recent, present = RecentPowers(), Powers(load_w=1, production_w=1, battery_w=1)
    common = {"load_w": 500.0, "production_w": 0.0}
    recent.add(Stretch(start_s=0, end_s=10, battery_start_w=0, battery_end_w=1000, ramp_s=2, **common))
    assert [recent.at(at_s, present).battery_w for at_s in (0, 1, 2, 9.9)] == [0, 500, 1000, 1000]
    assert recent.at(10, present) is present
    recent.add(Stretch(start_s=10, end_s=100, battery_start_w=1000, battery_end_w=1000, ramp_s=0, **common))
    assert recent.at(5, present) is present
