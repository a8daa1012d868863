"""Peaks are counted over the meter's own interval, whatever the plan's step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.controller import build_options
from optimizer.clock import SimulatedClock
from optimizer.control.controller import Controller
from optimizer.control.import_meter import ImportMeter
from optimizer.control.options import ControlOptions
from optimizer.control.plan_board import PlanBoard
from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import allowed_import_w, peak_allowance
from optimizer.domain.prices import DemandCharge
from optimizer.domain.time_grid import Interval
from support.configurations import tables
from support.fake_device import FakeDevice, FlatTariff, RecordedHistory
from support.situations import BATTERY, SITE, START, STEP, situation_of

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


def test_the_controller_counts_over_the_meters_interval() -> None:
    """Four quarters of an hour are one interval of a meter that averages over an hour."""
    clock, strategy = SimulatedClock(START), Watching()
    device = FakeDevice(clock)
    controller = Controller(
        device=device, strategy=strategy, strategy_name="watching", battery=BATTERY, site=SITE, clock=clock,
        tariff=FlatTariff(), board=PlanBoard(), history=RecordedHistory(), options=ControlOptions(meter_step=HOUR),
    )  # fmt: skip
    device.load_w = 4000.0
    for _ in range(180):
        controller.step()
        clock.advance(10.0)
    device.load_w = 1000.0
    for _ in range(90):
        controller.step()
        clock.advance(10.0)
    last = strategy.seen[-1]
    assert last.interval == Interval(start=START + 2 * STEP, end=START + 3 * STEP)
    assert last.meter_interval == Interval(start=START, end=START + HOUR)
    assert last.mean_import_w == pytest.approx((180 * 4000.0 + 89 * 1000.0) / 269, rel=0.01)


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


def test_the_meter_is_the_configured_one() -> None:
    """Without a demand charge peaks are those of the control interval."""
    assert build_options(configuration_from_tables(tables()).settings).meter_step is None
    demand = {"price_per_kw": 90.0, "period": "year", "interval": "30min"}
    assert build_options(configuration_from_tables(tables(tariff__demand=demand)).settings).meter_step == HOUR / 2


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
