"""What scripts and dashboards read: every promised field is there, and follows from the steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.backtest.output import write
from support.replays import backtest, home_frame, recording_of

RUNS = ["no_battery", "self_consumption", "time_of_use", "perfect_foresight"]
FIGURES = {
    "total_cost", "energy_cost", "demand_cost", "stored_energy_credit", "saving", "saving_share_of_bound",
    "import_kwh", "export_kwh", "charged_kwh", "discharged_kwh", "full_cycles", "peak_import_w",
    "self_consumption_rate", "self_sufficiency", "limit_violations", "plans", "seconds",
}  # fmt: skip
COLUMNS = [
    "timestamp", "consumption_w", "production_w", "battery_power_w", "grid_power_w", "curtailed_w", "soc",
    "import_price_per_kwh", "export_price_per_kwh", "cost",
]  # fmt: skip
EFFICIENCY, CAPACITY_KWH = 0.95, 10.0


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a backtest over two spans, without standby."""
    folder = tmp_path_factory.mktemp("written")
    frame = home_frame(6)
    frame.iloc[90:96] = np.nan
    write(backtest(recording_of(frame, folder), battery__standby_w=0.0), folder / "out")
    return folder / "out"


def summary_of(out: Path) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = json.loads((out / "summary.json").read_text())
    return found


def test_the_summary_holds_what_was_promised(out: Path) -> None:
    """Period, currency and every figure of every run, no number missing."""
    summary = summary_of(out)
    assert summary["currency"] == "EUR"
    assert {"start", "end", "step_s", "steps", "spans"} <= set(summary["period"])
    assert (summary["period"]["step_s"], summary["period"]["steps"], summary["period"]["spans"]) == (3600, 90, 2)
    assert sorted(summary["runs"]) == sorted(RUNS)
    for figures in summary["runs"].values():
        assert set(figures) >= FIGURES
        assert np.isfinite([figures[name] for name in FIGURES]).all()


@pytest.mark.parametrize("name", RUNS)
def test_the_steps_hold_what_was_promised_and_add_up(out: Path, name: str) -> None:
    """Grid is load plus battery less the sun used; what is stored follows; the summary is the sum of the steps."""
    steps, figures = pd.read_csv(out / name / "steps.csv"), summary_of(out)["runs"][name]
    assert list(steps) == COLUMNS
    assert pd.to_datetime(steps["timestamp"]).dt.tz is not None
    grid, battery = steps["grid_power_w"], steps["battery_power_w"]
    balance = steps["consumption_w"] + battery - steps["production_w"] + steps["curtailed_w"]
    assert grid.to_numpy() == pytest.approx(balance.to_numpy(), abs=1e-3)
    kwh = {
        "import_kwh": grid.clip(lower=0), "export_kwh": -grid.clip(upper=0),
        "charged_kwh": battery.clip(lower=0), "discharged_kwh": -battery.clip(upper=0),
    }  # fmt: skip
    for figure, powers in kwh.items():
        assert figures[figure] == pytest.approx(powers.sum() / 1000.0)
    assert figures["energy_cost"] == pytest.approx(steps["cost"].sum())
    assert figures["peak_import_w"] == pytest.approx(grid.max())
    assert figures["full_cycles"] == pytest.approx(figures["discharged_kwh"] / EFFICIENCY / CAPACITY_KWH)
    assert figures["self_sufficiency"] == pytest.approx(1 - figures["import_kwh"] * 1000 / steps["consumption_w"].sum())


@pytest.mark.parametrize("name", RUNS)
def test_what_is_left_in_the_battery_is_credited_alike_in_every_run(out: Path, name: str) -> None:
    """The energy at the end less that at the start of each span, at the mean import price times the efficiency."""
    steps, figures = pd.read_csv(out / name / "steps.csv"), summary_of(out)["runs"][name]
    begins = pd.to_datetime(steps["timestamp"]).diff() != pd.Timedelta("1h")
    ends = steps["soc"][begins.shift(-1, fill_value=True)]
    more_kwh = (ends - 0.5).sum() * CAPACITY_KWH
    assert len(ends) == 2
    expected = more_kwh * steps["import_price_per_kwh"].mean() * EFFICIENCY
    assert figures["stored_energy_credit"] == pytest.approx(expected, abs=1e-6)
    assert figures["total_cost"] == pytest.approx(figures["energy_cost"] - expected, abs=1e-6)


def test_savings_are_against_no_battery_and_the_bound(out: Path) -> None:
    """As the interface says, of the very figures that stand beside them."""
    runs = summary_of(out)["runs"]
    for figures in runs.values():
        saving = runs["no_battery"]["total_cost"] - figures["total_cost"]
        assert figures["saving"] == pytest.approx(saving)
        assert figures["saving_share_of_bound"] == pytest.approx(saving / runs["perfect_foresight"]["saving"])
