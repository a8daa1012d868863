"""A replay plans as the service does, by the program too where the recursion is not exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.assembly.planner import build_planner
from optimizer.backtest.backtest import NO_BATTERY, PERFECT, Backtest, Run
from optimizer.backtest.bound.perfect import Proof
from optimizer.clock import Clock
from optimizer.history.recording import Recording
from optimizer.planning.port import Planner
from optimizer.settings import Settings
from support.price_files import hourly_prices, price_file
from support.replays import START, backtest, home_frame, recording_of

FAST = {"planning__scenarios": 8, "planning__replan": "2h"}
DEMAND = {"price_per_kw": 8.0, "period": "month", "interval": "1h"}


def spiky_home(folder: Path) -> Recording:
    """Return a home whose peaks are worth a plan."""
    frame = home_frame(6)
    frame["consumption_w"] += 3500.0 * (np.random.default_rng(3).random(len(frame)) < 0.12)
    return recording_of(frame, folder)


def as_the_service(settings: Settings, *, clock: Clock, audited: bool) -> Planner:
    assert not audited, "a replay that audits its plans would take hours"
    return build_planner(settings, clock=clock)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the recursion alone"),
        pytest.param({"tariff__demand": DEMAND}, id="a demand charge over several futures"),
        pytest.param({"planning__method": "lp"}, id="the program, as configured"),
    ],
)
def test_a_replay_decides_as_the_service_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """With the service's own planner in its place every interval is the same, and no plan is lost."""
    recording = spiky_home(tmp_path)
    replayed = backtest(recording, **FAST, **changes).runs["time_of_use"]
    monkeypatch.setattr("optimizer.backtest.replay.build_planner", as_the_service)
    live = backtest(recording, **FAST, **changes).runs["time_of_use"]
    np.testing.assert_allclose(replayed.flows[0].battery_w, live.flows[0].battery_w, atol=1e-3)
    assert replayed.plans == live.plans == 48
    assert replayed.failed_plans == 0


def test_negative_prices_are_planned_as_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the recursion stands in for a search that would take too long."""
    prices = price_file(hourly_prices(START, 7) - 0.25, tmp_path / "prices.csv")
    recording = recording_of(home_frame(4), tmp_path)
    changes = {"tariff__import": prices, "tariff__export": prices, **FAST}
    replayed = backtest(recording, **changes).runs["time_of_use"]
    monkeypatch.setattr("optimizer.backtest.replay.build_planner", as_the_service)
    live = backtest(recording, **changes).runs["time_of_use"]
    np.testing.assert_allclose(replayed.flows[0].battery_w, live.flows[0].battery_w, atol=1e-3)


def test_an_unfinished_search_never_stands_above_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search for the bound left a dearer path than a run found, that run's is the best known."""
    recording = recording_of(home_frame(4), tmp_path)
    whole = backtest(recording, **FAST)

    def unfinished(_: Backtest) -> tuple[Run, Proof]:
        dear = whole.runs[NO_BATTERY]
        return dear, replace(whole.proof, cost=dear.bill.total_cost, binaries=True)

    monkeypatch.setattr(Backtest, "_bound", unfinished)
    result = backtest(recording, **FAST)
    cheapest = min(run.bill.total_cost for name, run in result.runs.items() if name != PERFECT)
    assert result.runs[PERFECT].bill.total_cost == cheapest == result.proof.cost
    assert not result.proof.is_exact
