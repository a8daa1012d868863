"""What the controller takes for the billing peak is what the bill will charge for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest.bill import Flows, billed_peaks
from optimizer.backtest.past import ReplayHistory
from optimizer.control.billing_peak import BillingPeak
from optimizer.domain.time_grid import Interval
from optimizer.errors import BacktestError
from optimizer.history.recording import Recording
from optimizer.planning.recursion_planner import RecursionPlanner
from support.bounds import LOSSLESS, SmallBound, monthly, span_of
from support.replays import START, backtest, recording_of
from support.situations import STEP, situation_of

DEMAND = {"price_per_kw": 8.0, "period": "month", "interval": "15min"}


def restless_home(folder: Path, *, step: timedelta, days: int) -> Recording:
    """Return a home that imports and exports within every quarter of an hour."""
    rows, draw = timedelta(days=days) // step, np.random.default_rng(5)
    index = pd.date_range(START, periods=rows, freq=step, name="timestamp")
    load, sun = draw.uniform(0.0, 6000.0, (2, rows)).round(1)
    imports = np.arange(rows) % 2 == 0
    load, sun = load * imports, sun * ~imports
    return recording_of(pd.DataFrame({"consumption_w": load, "production_w": sun}, index=index), folder)


def lived(recording: Recording, grid_w: Any) -> ReplayHistory:
    """Return the past of a run with these powers at the grid, whatever became of load and sun."""
    history = ReplayHistory(recording, recording.start)
    for number, watts in enumerate(grid_w.tolist()):
        at = recording.start + number * recording.step
        history.add_interval(at, load_w=0.0, pv_w=0.0, battery_w=0.0, grid_w=watts, soc=0.5)
    return history


@pytest.mark.parametrize("minutes", [1, 3, 5, 15])
def test_the_peak_so_far_is_the_billed_peak(tmp_path: Path, minutes: int) -> None:
    """Export within the meter's interval takes nothing off, however fine the recording is."""
    step, demand = timedelta(minutes=minutes), monthly(8.0, interval=timedelta(minutes=15))
    recording = restless_home(tmp_path, step=step, days=1)
    result = backtest(recording, warm_up_days=0, strategy="self_consumption", tariff__demand=DEMAND)
    (span,), (flows,) = result.period.spans, result.runs["no_battery"].flows
    (peak,) = billed_peaks([(span, flows)], demand)
    charge = BillingPeak(demand, lived(recording, flows.grid_w), register_step=step).charge(span.grid.end)
    assert charge is not None
    assert charge.peak_so_far_w == pytest.approx(peak.power_w)
    # A mean of what flows both ways tells less.
    net_w = flows.grid_w.reshape(-1, 15 // minutes).mean(axis=1).max()
    assert minutes == 15 or peak.power_w > net_w + 100.0


@pytest.mark.parametrize(
    ("begins_min", "lasts_min", "spike_min", "billed_w"),
    [
        pytest.param(0, 7, 0, 0.0, id="less than half of its only interval"),
        pytest.param(12, 20, 13, 0.0, id="three minutes of the first"),
        pytest.param(6, 34, 7, 9000.0 / 9, id="nine minutes of the first"),
        pytest.param(0, 20, 5, 9000.0 / 15, id="all of the first"),
        pytest.param(0, 29, 28, 9000.0 / 14, id="all but a minute of the last"),
    ],
)
def test_an_interval_that_is_half_there_counts_with_what_is_there(
    tmp_path: Path, begins_min: int, lasts_min: int, spike_min: int, billed_w: float
) -> None:
    """The same for bill, bound and controller; what was recorded for less than half of an interval is no peak."""
    minute, demand = timedelta(minutes=1), monthly(8.0, interval=timedelta(minutes=15))
    start = START + begins_min * minute
    grid_w = 9000.0 * (np.arange(lasts_min) == spike_min - begins_min)
    span = span_of(grid_w.tolist(), [0.2] * lasts_min, [0.0] * lasts_min, step=minute, start=start)
    nothing = np.zeros(lasts_min)
    flows = Flows(battery_w=nothing, grid_w=grid_w, curtailed_w=nothing, soc=nothing + 0.5, start_soc=0.5)
    peaks = billed_peaks([(span, flows)], demand)
    assert max((peak.power_w for peak in peaks), default=0.0) == pytest.approx(billed_w)
    idle = replace(LOSSLESS, max_charge_w=1.0, max_discharge_w=1.0)
    bound = SmallBound(span, battery=idle, demand=demand)
    assert bound.proof().cost == pytest.approx(bound.cost((flows,)), abs=0.05)
    index = pd.date_range(span.grid.start, periods=lasts_min, freq="1min", name="timestamp")
    recording = recording_of(pd.DataFrame({"consumption_w": grid_w, "production_w": nothing}, index=index), tmp_path)
    charge = BillingPeak(demand, lived(recording, grid_w), register_step=minute).charge(span.grid.end + 15 * minute)
    assert charge is not None
    assert charge.peak_so_far_w == pytest.approx(billed_w)


def test_the_controller_knows_what_the_meter_has_counted(tmp_path: Path) -> None:
    """From one interval of a replay to the next, as a meter reads it; nothing at the start of its own interval."""
    recording = restless_home(tmp_path, step=timedelta(minutes=5), days=1)
    history = lived(recording, np.array([900.0, -600.0, 300.0, 60.0]))
    seen = situation_of().measurement
    told = [
        history.mean_import_w(
            replace(seen, at=START + number * timedelta(minutes=5)),
            Interval(start=START + number // 3 * STEP, end=START + (number // 3 + 1) * STEP),
        )
        for number in range(5)
    ]
    assert told == [0.0, 900.0, 450.0, 0.0, 60.0]


def test_intervals_that_do_not_fit_into_the_meters_are_refused(tmp_path: Path) -> None:
    """Seven of two minutes are no quarter of an hour: the bill would be of another meter."""
    recording = restless_home(tmp_path, step=timedelta(minutes=2), days=1)
    with pytest.raises(BacktestError, match=r"intervals of 2 min .* do not fit into the 15 min .*resample"):
        backtest(recording, warm_up_days=0, tariff__demand=DEMAND)


def test_plans_that_are_not_followed_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A plan that would do worse than none is counted, and told once, not every time."""
    recording = restless_home(tmp_path, step=timedelta(minutes=15), days=4)
    plan = RecursionPlanner.plan

    def dear(planner: RecursionPlanner, *asked: Any, **named: Any) -> Any:
        return replace(plan(planner, *asked, **named), objective=1000.0)

    monkeypatch.setattr(RecursionPlanner, "plan", dear)
    run = backtest(recording, planning__replan="6h").runs["time_of_use"]
    assert (run.plans, run.failed_plans, run.rejected_plans) == (0, 0, 8)
    assert [one.getMessage().partition(" the plan")[0] for one in caplog.records] == [
        "time_of_use at 2024-03-27T00:00:00+00:00: plan rejected:"
    ]


@pytest.mark.parametrize("strategy", ["time_of_use", "peak_shaving"])
def test_peaks_are_shaved_within_the_meters_interval(tmp_path: Path, strategy: str) -> None:
    """Five-minute steps under a quarter-hour meter: what the quarter has imported so far is known, and made up for."""
    index = pd.date_range(START, periods=5 * 288, freq="5min", name="timestamp")
    evening = (index.hour >= 18) & (index.hour < 20)
    restless = np.random.default_rng(2).uniform(0.0, 2000.0, len(index)).round(1)
    frame = pd.DataFrame({"consumption_w": 400.0 + evening * (3000.0 + restless), "production_w": 0.0}, index=index)
    told = {"strategy": strategy, "tariff__import": {"kind": "fixed", "price_per_kwh": 0.3}}
    changes = {"planning__scenarios": 3, "planning__horizon": "12h", "tariff__demand": {**DEMAND, "price_per_kw": 20.0}}
    result = backtest(recording_of(frame, tmp_path), warm_up_days=3, **told, **changes)
    costs = {name: run.bill.demand_cost for name, run in result.runs.items()}
    assert costs[strategy] < 0.5 * costs["no_battery"]
    assert result.runs[strategy].bill.total_cost < result.runs["self_consumption"].bill.total_cost
