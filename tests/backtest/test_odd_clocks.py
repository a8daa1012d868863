"""Recordings whose intervals do not begin on UTC's hours and quarters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest.backtest import Result
from optimizer.backtest.clock_steps import on_the_clock
from optimizer.history.recording import Recording
from support.replays import backtest, home_frame, recording_of

APRIL = datetime(2024, 4, 8, tzinfo=UTC)
"""Far from the end of a billing period."""
FEW_FUTURES = {"planning__scenarios": 3, "planning__horizon": "12h", "planning__replan": "2h"}
"""With a demand charge over several futures the program plans, which takes its time."""


def moved(by: timedelta, folder: Path, *, hours_to: str = "1h", days: int = 9) -> Recording:
    """Return the same home, its clock moved."""
    frame = home_frame(days, start=APRIL)
    frame.index = frame.index + by
    return recording_of(frame if hours_to == "1h" else _finer(frame, hours_to), folder)


def _finer(frame: pd.DataFrame, step: str) -> pd.DataFrame:
    index = pd.date_range(frame.index[0], frame.index[-1] + timedelta(hours=1), freq=step, inclusive="left")
    return frame.reindex(index, method="ffill").rename_axis("timestamp")


def run(recording: Recording, **changes: Any) -> Result:
    return backtest(recording, **{"planning__scenarios": 6, "planning__replan": "1h", **changes})


@pytest.mark.parametrize(
    ("zone", "ahead"),
    [("Asia/Kolkata", timedelta(hours=5, minutes=30)), ("Asia/Kathmandu", timedelta(hours=5, minutes=45))],
)
def test_a_home_whose_hours_begin_within_those_of_utc_earns_the_same(
    tmp_path: Path, zone: str, ahead: timedelta
) -> None:
    """The same home by its own clock, with the same tariff by its own clock: planned as often and as well."""
    at_utc = run(moved(timedelta(0), tmp_path), site__timezone="UTC")
    there = run(moved(-ahead, tmp_path), site__timezone=zone)
    assert there.proof.cost == pytest.approx(at_utc.proof.cost)
    ours, theirs = (result.runs["time_of_use"] for result in (at_utc, there))
    assert theirs.plans == pytest.approx(ours.plans, abs=1)
    assert ours.plans == 7 * 24
    assert theirs.bill.total_cost == pytest.approx(ours.bill.total_cost, rel=0.05)


@pytest.mark.parametrize(
    ("by_min", "step", "part_min"),
    [(0, "15min", 15), (30, "1h", 30), (45, "1h", 15), (7, "15min", 1), (2, "5min", 1), (0, "10min", 10)],
)
def test_intervals_between_those_of_the_clock_are_split(tmp_path: Path, by_min: int, step: str, part_min: int) -> None:
    """Into the longest parts that fit, of the same power; what it was, the notes tell."""
    recording = moved(timedelta(minutes=by_min), tmp_path, hours_to=step)
    split = on_the_clock(recording)
    assert split.step == timedelta(minutes=part_min)
    assert (split.start, split.end, split.spans) == (recording.start, recording.end, recording.spans)
    means = split.frame.resample(recording.step, origin="start").mean()
    np.testing.assert_allclose(means.to_numpy(), recording.frame.to_numpy())
    assert (split is recording) == (split.step == recording.step) == (split.notes == recording.notes)


@pytest.mark.parametrize(("by_min", "step"), [(7, "15min"), (0, "10min"), (3, "20min")])
def test_a_step_off_the_plans_own_misses_no_plan(tmp_path: Path, by_min: int, step: str) -> None:
    """Whenever the time for a plan has passed between two intervals, the next begins with one."""
    recording = moved(timedelta(minutes=by_min), tmp_path, hours_to=step, days=4)
    result = run(recording, planning__replan="15min", planning__horizon="3h")
    planned, step_s = result.runs["time_of_use"], result.period.step.total_seconds()
    assert planned.plans == pytest.approx(2 * 86_400 / max(900.0, step_s), abs=2)
    assert np.isfinite(planned.flows[0].battery_w).all()


@pytest.mark.parametrize(("by_min", "step", "meter"), [(7, "15min", "15min"), (30, "1h", "1h"), (0, "1h", "15min")])
def test_peaks_are_those_of_the_recordings_own_intervals(tmp_path: Path, by_min: int, step: str, meter: str) -> None:
    """Where they stand in for the meter's, the controller keeps to them as the bill does: no peak is let through."""
    frame = home_frame(6, start=APRIL)
    frame["production_w"] = 0.0
    demand = {"price_per_kw": 20.0, "period": "month", "interval": meter}
    told = {**FEW_FUTURES, "planning__step": meter, "tariff__demand": demand}
    on_grid, off_grid = (
        run(recording_of(_moved(frame, timedelta(minutes=by), step), tmp_path), **told) for by in (0, by_min)
    )
    aligned, moved_away, nothing = (
        result.runs[name].bill.demand_cost
        for result, name in ((on_grid, "time_of_use"), (off_grid, "time_of_use"), (off_grid, "no_battery"))
    )
    assert moved_away == pytest.approx(aligned, rel=0.2)
    assert moved_away < 0.9 * nothing


def test_a_window_that_begins_within_an_hour_counts_alike_for_bill_and_controller(tmp_path: Path) -> None:
    """Hourly rows, a window from half past five: nobody thinks that the first half hour is free."""
    frame = home_frame(6, start=APRIL)
    window = [{"from": "17:30", "to": "21:00"}]
    demand = {"price_per_kw": 20.0, "period": "month", "interval": "15min", "windows": window}
    result = run(recording_of(frame, tmp_path), **FEW_FUTURES, tariff__demand=demand, site__timezone="UTC")
    costs = {name: run.bill.demand_cost for name, run in result.runs.items()}
    assert costs["time_of_use"] < 0.5 * costs["no_battery"]


def _moved(frame: pd.DataFrame, by: timedelta, step: str) -> pd.DataFrame:
    later = frame.copy()
    later.index = later.index + by
    return later if step == "1h" else _finer(later, step)
