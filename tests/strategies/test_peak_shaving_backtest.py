"""Peak shaving on a recorded home: the limit holds, and it pays where peaks cost."""

from __future__ import annotations

import pytest

from optimizer.history.recording import read_recording
from support.past import DATA
from support.replays import backtest

HOME = {
    "site__timezone": "America/Los_Angeles",
    "battery__max_charge_w": 4600,
    "battery__max_discharge_w": 4600,
    "tariff__import": {
        "kind": "time_of_use",
        "price_per_kwh": 0.20,
        "rules": [{"from": "16:00", "to": "21:00", "price_per_kwh": 0.45}],
    },
    "tariff__export": {"kind": "fixed", "price_per_kwh": 0.05},
    "planning__horizon": "36h",
}


@pytest.fixture(scope="module")
def recording() -> object:
    return read_recording(DATA / "us_home_16_summer.csv")


def test_a_limit_is_kept_in_every_hour(recording) -> None:  # type: ignore[no-untyped-def]
    """A home whose load passes 4 kW imports at most 3.5 kW in each of 168 hours."""
    result = backtest(
        recording, warm_up_days=7, strategy="peak_shaving", strategies__peak_shaving={"import_limit_w": 3500}, **HOME
    )
    kept, plain = (result.runs[name].flows[0].grid_w.max() for name in ("peak_shaving", "self_consumption"))
    assert plain > 4000.0
    assert kept <= 3500.0 + 1.0


def test_a_demand_charge_is_cut_by_more_than_half_of_what_can_be(recording) -> None:  # type: ignore[no-untyped-def]
    """What the strategy saves of a dear peak comes near what could be saved by knowing everything."""
    result = backtest(
        recording,
        warm_up_days=7,
        strategy="peak_shaving",
        tariff__demand={"price_per_kw": 15, "period": "month", "interval": "1h"},
        **HOME,
    )
    cost = {name: run.bill.total_cost for name, run in result.runs.items()}
    share = (cost["no_battery"] - cost["peak_shaving"]) / (cost["no_battery"] - cost["perfect_foresight"])
    assert cost["peak_shaving"] < cost["self_consumption"]
    assert share > 0.5
