"""What a backtest promises: no look-ahead, a bound that is not beaten, equal energy for all, whole results."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import Backtest
from optimizer.backtest.bill import Flows, make_bill
from optimizer.backtest.output import check_folder, summary, write
from optimizer.backtest.world import Span, choose_period
from optimizer.domain.battery import Battery
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import BacktestError
from support.configurations import tables
from support.replays import START, backtest, home_frame, recording_of


def test_a_bill_by_hand() -> None:
    """Two hours: 2 kWh imported at 0.30, 1 kWh sold at 0.08, 1 kWh discharged with wear, half a kWh stored more."""
    grid = TimeGrid(start=START, step=timedelta(hours=1), count=2)
    span = Span(
        grid=grid, load_w=np.zeros(2), pv_w=np.zeros(2), buy=np.array([0.30, 0.20]), sell=np.array([0.05, 0.08])
    )
    flows = Flows(
        battery_w=np.array([2000.0, -1000.0]),
        grid_w=np.array([2000.0, -1000.0]),
        curtailed_w=np.zeros(2),
        soc=np.array([0.6, 0.55]),
        start_soc=0.5,
    )
    battery = Battery(usable_capacity_wh=10000, max_charge_w=5000, max_discharge_w=5000, wear_cost_per_kwh=0.01)
    bill = make_bill([span], [flows], battery=battery, credit_per_kwh=0.2, demand=None)
    assert (bill.energy_cost, bill.wear_cost) == pytest.approx((0.52, 0.01))
    assert bill.stored_energy_credit == pytest.approx(0.1)
    assert bill.total_cost == pytest.approx(0.43)


def test_long_gaps_split_the_replay(tmp_path: Path) -> None:
    """A gap of three hours makes two spans, and each starts at the same state of charge."""
    frame = home_frame(5)
    frame.iloc[80:83] = np.nan
    result = backtest(recording_of(frame, tmp_path), strategy="self_consumption")
    assert [len(span.grid) for span in result.period.spans] == [32, 37]
    assert result.period.spans[0].grid.start == START + timedelta(days=2)


@pytest.mark.parametrize(("band", "start"), [((0.6, 1.0), 0.6), ((0.0, 0.3), 0.3), ((0.1, 0.9), 0.5)])
def test_a_replay_begins_half_full_or_at_the_nearest_edge(
    tmp_path: Path, band: tuple[float, float], start: float
) -> None:
    """A band that excludes the half is replayed from its edge, and its bound is proven there."""
    lowest, highest = band
    result = backtest(
        recording_of(home_frame(3), tmp_path),
        strategy="self_consumption",
        battery__min_soc=lowest,
        battery__max_soc=highest,
    )
    assert summary(result)["initial_soc"] == start
    assert result.proof.is_exact


def test_limits_broken_are_counted(tmp_path: Path) -> None:
    """Every interval above the import limit counts, without a battery too."""
    frame = home_frame(4)
    result = backtest(recording_of(frame, tmp_path), strategy="self_consumption", grid__max_import_w=1000)
    replayed = frame.iloc[48:]
    expected = int((replayed["consumption_w"] - replayed["production_w"] > 1000).sum())
    assert expected > 0
    assert summary(result)["runs"]["no_battery"]["limit_violations"] == expected


def test_without_the_bound_every_run_costs_the_same(tmp_path: Path) -> None:
    """Who only holds a strategy against self-consumption may leave out the bound, and nothing else changes."""
    result = backtest(recording_of(home_frame(3), tmp_path))
    alone = Backtest(result.setting, result.period, lambda _name, _count: None).unbounded(["time_of_use"])
    assert list(alone) == ["no_battery", "self_consumption", "time_of_use"]
    assert {name: run.bill for name, run in alone.items()} == {name: result.runs[name].bill for name in alone}


def test_too_short_and_without_load_are_refused(tmp_path: Path) -> None:
    """A recording that the warm-up uses up, or that holds registers only, is refused with the reason."""
    with pytest.raises(BacktestError, match="feed the history"):
        backtest(recording_of(home_frame(2), tmp_path), warm_up_days=28)
    registers = home_frame(4).rename(columns={"consumption_w": "grid_import_w", "production_w": "grid_export_w"})
    with pytest.raises(BacktestError, match="registers"):
        backtest(recording_of(registers, tmp_path))


def test_results_are_written_whole_and_nothing_else_is_overwritten(tmp_path: Path) -> None:
    """A second run replaces the first; a folder with other things is left alone."""
    result = backtest(recording_of(home_frame(3), tmp_path), strategy="self_consumption")
    out = tmp_path / "out"
    write(result, out)
    write(result, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "no_battery", "perfect_foresight", "report.html", "self_consumption", "summary.json",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home.csv", "out"]
    with pytest.raises(BacktestError, match="no backtest"):
        write(result, tmp_path)


@pytest.mark.parametrize("place", ["notes.txt", "time_of_use/notes.txt", "summary.json"])
def test_a_backtest_with_something_of_a_persons_own_in_it_is_left_alone(tmp_path: Path, place: str) -> None:
    """A note beside the results, or a summary of another program, is not lost to the next run."""
    written = {
        "summary.json": json.dumps({"runs": {"time_of_use": {"saving_share_of_bound": 0.9}}}),
        "report.html": "page",
        "time_of_use/steps.csv": "steps",
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    check_folder(tmp_path)
    (tmp_path / place).write_text(json.dumps({"runs": 3, "thesis": True}))
    with pytest.raises(BacktestError, match=f"no backtest, such as {place if 'notes' in place else 'report.html'}"):
        check_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """What is named with --out and is a file is not called a folder with something in it."""
    (tmp_path / "out").touch()
    with pytest.raises(BacktestError, match="is no folder"):
        check_folder(tmp_path / "out")


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (START + timedelta(days=2), START + timedelta(days=2), "not after its start"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), None, "nothing to replay from 9999-12-31"),
        (START + timedelta(days=40), START + timedelta(days=41), "nothing to replay between"),
        (START, None, "is the earliest; start later or lower --warm-up"),
    ],
)
def test_a_period_without_anything_in_it_is_told_as_it_was_asked_for(
    tmp_path: Path, start: datetime, end: datetime | None, told: str
) -> None:
    """Start, end, recording and warm-up are named, whatever instants stand there."""
    recording = recording_of(home_frame(4), tmp_path)
    tariff = build_tariff(configuration_from_tables(tables()).settings)
    with pytest.raises(BacktestError, match=told):
        choose_period(recording, tariff, start=start, end=end, warm_up=timedelta(days=1))
