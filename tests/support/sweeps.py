"""Small sweeps on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.history.recording import write_recording
from optimizer.sweep.case import Outcome
from optimizer.sweep.loading import load_sweep
from support.replays import home_frame

HEAD = 'strategies = ["time_of_use"]\nwarm_up = "2d"\n'
BASE = """
[base.site]
timezone = "Europe/Berlin"
[base.battery]
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[base.planning]
step = "1h"
horizon = "24h"
replan = "1h"
[base.tariff.import]
kind = "time_of_use"
price_per_kwh = 0.40
rules = [{from = "22:00", to = "06:00", price_per_kwh = 0.10}]
[base.tariff.export]
kind = "fixed"
price_per_kwh = 0.08
"""
TWO_HOMES = """
[[homes]]
name = "first"
recording = "first.csv"
[[homes]]
name = "second"
recording = "second.csv"
"""
TWO_TARIFFS = """
[[tariffs]]
name = "as it is"
[[tariffs]]
name = "market"
[tariffs.import]
kind = "file"
path = "prices.csv"
surcharge_per_kwh = 0.15
"""
TWO_BATTERIES = """
[[batteries]]
name = "small"
usable_capacity_wh = 4000
max_charge_w = 2000
[[batteries]]
name = "large"
usable_capacity_wh = 12000
"""
WHOLE = HEAD + BASE + TWO_HOMES + TWO_TARIFFS + TWO_BATTERIES


def write_sweep(folder: Path, text: str = WHOLE, *, days: int = 3) -> Path:
    """Write a sweep's file with two recordings and hourly prices beside it, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(("first", "second"), start=1):
        write_recording(home_frame(days, seed=seed), folder / f"{name}.csv")
    _prices(days + 3).to_csv(folder / "prices.csv", index=False)
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_in(folder: Path, text: str) -> dict[str, str]:
    """Return what is wrong with a sweep's file of this text, message by path."""
    try:
        load_sweep(write_sweep(folder, text))
    except ConfigError as error:
        found = error.problems
    else:
        return {}
    messages = {problem.path: problem.message for problem in found}
    assert len(messages) == len(found), f"a path was told twice: {found}"
    return messages


def figures(outcome: Outcome) -> Any:
    """Return what must not depend on where a case is computed: everything but the time it took."""
    assert outcome.summary is not None, outcome.error
    runs = {
        name: {key: value for key, value in run.items() if key != "seconds"}
        for name, run in outcome.summary["runs"].items()
    }
    return {**outcome.summary, "runs": runs}


def _prices(days: int) -> pd.DataFrame:
    index = pd.date_range("2024-03-24T00:00:00+00:00", periods=24 * days, freq="1h")
    return pd.DataFrame(
        {
            "timestamp": [instant.isoformat() for instant in index],
            "price_eur_per_kwh": [round(0.05 + 0.02 * ((7 * hour) % 11), 4) for hour in range(len(index))],
        }
    )
