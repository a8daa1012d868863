"""Small recordings and the backtests over them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import Backtest, Result
from optimizer.backtest.clock_steps import on_the_clock
from optimizer.backtest.replay import Setting
from optimizer.backtest.world import choose_period
from optimizer.clock import WallClock
from optimizer.history.recording import Recording, read_recording, write_recording
from support.configurations import tables

START = datetime(2024, 3, 25, tzinfo=UTC)
HOURLY = {
    "kind": "time_of_use",
    "price_per_kwh": 0.40,
    "rules": [{"from": "22:00", "to": "06:00", "price_per_kwh": 0.10}],
}


def home_frame(days: int, *, start: datetime = START, seed: int = 1) -> pd.DataFrame:
    """Return an hourly home with an evening peak and sun of changing strength."""
    hours, draw = np.arange(24 * days), np.random.default_rng(seed)
    sun = np.maximum(0.0, np.sin((hours % 24 - 6) / 12 * np.pi)) * 4000 * np.repeat(draw.uniform(0.1, 1.0, days), 24)
    load = 300 + 1500 * ((hours % 24 >= 17) & (hours % 24 < 22)) + draw.uniform(0, 300, len(hours))
    index = pd.date_range(start, periods=len(hours), freq="1h", name="timestamp")
    return pd.DataFrame({"consumption_w": load.round(1), "production_w": sun.round(1)}, index=index)


def recording_of(frame: pd.DataFrame, folder: Path) -> Recording:
    """Write and read a recording, as a user's would be."""
    path = folder / "home.csv"
    write_recording(frame, path)
    return read_recording(path)


def backtest(recording: Recording, *, warm_up_days: int = 2, strategy: str = "time_of_use", **changes: Any) -> Result:
    """Run a whole backtest of a recording, as the command does."""
    recording = on_the_clock(recording)
    settings = configuration_from_tables(
        tables(**{"tariff__import": HOURLY, "planning__horizon": "24h", **changes})
    ).settings
    tariff = build_tariff(settings)
    period = choose_period(recording, tariff, start=None, end=None, warm_up=timedelta(days=warm_up_days))
    setting = Setting(
        settings=settings,
        tariff=tariff,
        recording=recording,
        stopwatch=WallClock(),
    )
    return Backtest(setting, period, lambda name, count: None).run([strategy])
