"""Peaks are counted over the meter's own interval, whatever the plan's step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import BaseModel

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.controller import build_controller
from optimizer.assembly.tariffs import build_tariff
from optimizer.clock import SimulatedClock
from optimizer.control.actuation.lease_keeper import NoLease
from optimizer.control.billing_peak import BillingPeak
from optimizer.control.controller import Controller
from optimizer.control.import_meter import ImportMeter
from optimizer.control.plan_board import PlanBoard
from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import allowed_import_w, peak_allowance
from optimizer.domain.prices import DemandCharge
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.history.mean_powers import COLUMNS, MeanPowers
from optimizer.history.store import HistoryStore
from optimizer.tariffs.calendar import Calendar, CalendarRule
from optimizer.tariffs.demand import DemandTariff
from support.configurations import tables
from support.fake_device import FakeDevice
from support.situations import START, STEP, situation_of

HOUR = timedelta(hours=1)


class Watching:
    """Does nothing, and remembers what it was shown."""

    Parameters: ClassVar[type[BaseModel]] = BaseModel
    description: ClassVar[str] = "for tests"

    def __init__(self) -> None:
        self.seen: list[Situation] = []

    def shape(self, problem: Any) -> Any:
        return problem

    def decide(self, situation: Situation) -> Wish:
        self.seen.append(situation)
        return Wish(battery_power_w=0.0, reason="")


def tariff(zone: str = "UTC", **changes: Any) -> DemandTariff:
    values: dict[str, Any] = {"price_per_kw": 90.0, "period": "month", "timezone": ZoneInfo(zone), "interval": HOUR}
    return DemandTariff(**(values | changes))


@dataclass
class Home:
    """A home whose meter averages over an hour, built as the service is."""

    clock: SimulatedClock
    device: FakeDevice
    strategy: Watching
    history: HistoryStore
    controller: Controller


def metered_home(folder: Path, **control: Any) -> Home:
    demand = {"price_per_kw": 90.0, "period": "year", "interval": "1h"}
    told = {"tariff__demand": demand, **{f"control__{name}": value for name, value in control.items()}}
    configuration = configuration_from_tables(tables(**told))
    clock, strategy = SimulatedClock(START), Watching()
    device, history = FakeDevice(clock), HistoryStore(folder / "history.sqlite3", clock=clock)
    controller = build_controller(
        replace(configuration, strategy=strategy), device=device, clock=clock,
        tariff=build_tariff(configuration.settings), board=PlanBoard(), history=history, keeper=NoLease(),
        observe=False,
    )  # fmt: skip
    return Home(clock, device, strategy, history, controller)


@pytest.mark.parametrize("poll_s", [10, 60])
def test_the_controller_counts_over_the_meters_interval(tmp_path: Path, poll_s: int) -> None:
    """Four quarters of an hour are one interval of a meter that averages over an hour, however slow the polls are."""
    slow = {"lease": "180s", "reassert": "120s", "max_measurement_age": "145s"}
    home = metered_home(tmp_path, poll_interval=f"{poll_s}s", **slow)
    for load_w, minutes in ((4000.0, 30), (1000.0, 15)):
        home.device.load_w = load_w
        for _ in range(minutes * 60 // poll_s):
            home.controller.step()
            home.clock.advance(poll_s + 0.01)
    home.history.close()
    last = home.strategy.seen[-1]
    assert last.interval == Interval(start=START + 2 * STEP, end=START + 3 * STEP)
    assert last.meter_interval == Interval(start=START, end=START + HOUR)
    assert last.mean_import_w == pytest.approx(3000.0, rel=0.05)


def test_a_service_that_starts_within_the_interval_knows_what_was_imported(tmp_path: Path) -> None:
    """Fifty minutes at 4 kW before a restart leave nothing to import for a peak of 3 kW."""
    before = metered_home(tmp_path)
    before.device.load_w = 4000.0
    for _ in range(300):
        before.controller.step()
        before.clock.advance(10.0)
    before.history.close()
    after = metered_home(tmp_path)
    after.clock.advance(before.clock.elapsed())
    after.controller.step()
    assert after.strategy.seen[-1].mean_import_w == pytest.approx(4000.0, rel=0.01)


@pytest.mark.parametrize(
    ("zone", "begins"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("Europe/Berlin", 0), ("Australia/Adelaide", 30)]
)
def test_the_meters_hours_are_those_of_the_home(zone: str, begins: int) -> None:
    """Half past in India: peaks are read, priced and told for the plan over the same hours."""
    at = datetime(2026, 3, 3, 7, 20, tzinfo=UTC)
    interval = tariff(zone).metered(at)
    assert interval.start.minute == begins
    assert at in interval
    history = EveryHour(tariff(zone).billing_period(at).start)
    charge = BillingPeak(tariff(zone), history).charge(at)
    assert charge is not None
    assert charge.peak_so_far_w == pytest.approx(6000.0)


class EveryHour:
    """A past that imports 12 kW in the first half of each of the meter's hours and exports 4 kW in the second."""

    def __init__(self, start: datetime) -> None:
        self._start = start

    def means(self, start: datetime, end: datetime, step: timedelta) -> MeanPowers:
        starts = [start + number * step for number in range((end - start) // step)]
        values = np.full((len(starts), len(COLUMNS)), np.nan)
        first = [(at - self._start) % HOUR < HOUR / 2 for at in starts]
        values[:, COLUMNS.index("grid_power_w")] = np.where(first, 12_000.0, -4000.0)
        return MeanPowers(starts_s=np.array([at.timestamp() for at in starts]), step=step, values=values)


def test_the_plan_counts_what_the_bill_counts() -> None:
    """A window that begins within an hour of the meter makes the whole hour count, each quarter of it too."""
    rule = CalendarRule(value=1.0, start=time(17, 30), end=time(20))
    windows = Calendar([rule], default=0.0, timezone=ZoneInfo("UTC"))
    peak = BillingPeak(tariff(windows=windows), EveryHour(START))
    grid = TimeGrid(start=START.replace(hour=16), step=STEP, count=20)
    counts = peak.over_horizon(START, grid).counts
    assert counts is not None
    assert [one.start.hour for one, counted in zip(grid, counts, strict=True) if counted] == 4 * [17] + 4 * [18] + 4 * [
        19
    ]


def test_what_may_still_be_imported_is_spread_over_the_rest_of_the_meters_interval() -> None:
    """Half an hour at 1 kW leaves 5 kW for the other half, and a kilowatt-hour above it costs a kilowatt of peak."""
    charge = DemandCharge(price_per_kw=90.0, peak_so_far_w=3000.0)
    at = START + HOUR / 2
    seen = replace(situation_of(demand_charge=charge, mean_import_w=1000.0), remaining_h=0.25)
    now = replace(seen, measurement=replace(seen.measurement, at=at), interval=Interval(start=at, end=at + STEP))
    hourly = replace(now, metered=Interval(start=START, end=START + HOUR))
    assert allowed_import_w(hourly, 3000.0) == pytest.approx(5000.0)
    allowance = peak_allowance(hourly)
    assert allowance is not None
    assert (allowance.import_w, allowance.price_per_kwh) == pytest.approx((5000.0, 90.0))
    quarterly = peak_allowance(replace(now, mean_import_w=0.0))
    assert quarterly is not None
    assert (quarterly.import_w, quarterly.price_per_kwh) == pytest.approx((3000.0, 360.0))


@pytest.mark.parametrize(("longest_gap_s", "counted_w"), [(60.0, 0.0), (120.0, 3000.0)])
def test_slow_polls_are_counted_where_the_meter_is_told_of_them(longest_gap_s: float, counted_w: float) -> None:
    """Polled once a minute, and a little late, a home still imports; what nobody saw for longer is not guessed."""
    meter, interval = ImportMeter(longest_gap_s=longest_gap_s), Interval(start=START, end=START + STEP)
    base = situation_of().measurement
    for second in (0, 61):
        seen = replace(
            base, at=START + timedelta(seconds=second), elapsed_s=float(second), reported_grid_power_w=3000.0
        )
        mean_w = meter.mean_import_w(seen, interval)
    assert mean_w == pytest.approx(counted_w)
