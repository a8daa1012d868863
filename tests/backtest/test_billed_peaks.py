"""What the controller takes for the billing peak is what the bill will charge for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest.bill import billed_peaks
from optimizer.backtest.past import ReplayHistory
from optimizer.control.billing_peak import BillingPeak
from optimizer.errors import BacktestError
from optimizer.history.recording import Recording
from optimizer.planning.recursion_planner import RecursionPlanner
from support.bounds import monthly
from support.replays import START, backtest, recording_of

DEMAND = {"price_per_kw": 8.0, "period": "month", "interval": "15min"}


def restless_home(folder: Path, *, step: timedelta, days: int) -> Recording:
    """Return a home that imports and exports within every quarter of an hour."""
    rows, draw = timedelta(days=days) // step, np.random.default_rng(5)
    index = pd.date_range(START, periods=rows, freq=step, name="timestamp")
    load, sun = draw.uniform(0.0, 6000.0, (2, rows)).round(1)
    imports = np.arange(rows) % 2 == 0
    load, sun = load * imports, sun * ~imports
    return recording_of(pd.DataFrame({"consumption_w": load, "production_w": sun}, index=index), folder)


@pytest.mark.parametrize("minutes", [1, 3, 5, 15])
def test_the_peak_so_far_is_the_billed_peak(tmp_path: Path, minutes: int) -> None:
    """Export within the meter's interval takes nothing off, however fine the recording is."""
    step, demand = timedelta(minutes=minutes), monthly(8.0, interval=timedelta(minutes=15))
    recording = restless_home(tmp_path, step=step, days=1)
    result = backtest(recording, warm_up_days=0, strategy="self_consumption", tariff__demand=DEMAND)
    (span,), (flows,) = result.period.spans, result.runs["no_battery"].flows
    history = ReplayHistory(recording, START)
    for interval, watts in zip(span.grid, flows.grid_w.tolist(), strict=True):
        history.add_interval(interval.start, load_w=0.0, pv_w=0.0, battery_w=0.0, grid_w=watts, soc=0.5)
    (peak,) = billed_peaks([(span, flows)], demand)
    charge = BillingPeak(demand, history, register_step=step).charge(span.grid.end)
    assert charge is not None
    assert charge.peak_so_far_w == pytest.approx(peak.power_w)
    # A mean of what flows both ways tells less.
    net_w = flows.grid_w.reshape(-1, 15 // minutes).mean(axis=1).max()
    assert minutes == 15 or peak.power_w > net_w + 100.0


def test_a_step_that_does_not_divide_the_meters_is_refused(tmp_path: Path) -> None:
    """Seven of two minutes are no quarter of an hour: the bill would be of another meter."""
    recording = restless_home(tmp_path, step=timedelta(minutes=2), days=1)
    with pytest.raises(BacktestError, match=r"2 min does not divide the 15 min .*resample"):
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
