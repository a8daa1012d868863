"""Measurements, decisions and made-up homes for tests of history and forecasting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement

DATA = Path(__file__).parent.parent / "data"
START = datetime(2026, 3, 1, tzinfo=UTC)


def measured(seconds: float = 0.0, *, load: float = 500.0, sun: float = 0.0, **more: Any) -> Measurement:
    """Return a measurement so many seconds after ``START``."""
    given = {
        "at": START + timedelta(seconds=seconds),
        "elapsed_s": seconds,
        "consumption_w": load,
        "production_w": sun,
        "battery_power_w": 0.0,
        "soc": 0.5,
        **more,
    }
    return Measurement(**given)


def decided(seconds: float = 0.0, **more: Any) -> Decision:
    """Return a decision so many seconds after ``START``."""
    given = {
        "at": START + timedelta(seconds=seconds),
        "strategy": "self_consumption",
        "outcome": Outcome.KEPT,
        "reason": "the house first",
        **more,
    }
    return Decision(**given)


def home(start: datetime, days: int, *, step: timedelta, zone: str, seed: int = 1, noise: float = 0.0) -> pd.DataFrame:
    """Return a home whose load follows the local hour and whose sun stands at noon UTC, weekends higher."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(pd.Timestamp(start), periods=int(timedelta(days=days) / step), freq=step, name="timestamp")
    local = index.tz_convert(zone)
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60
    load = 300 + 40 * hour + np.where(local.day_of_week.to_numpy() >= 5, 200.0, 0.0)
    sun = np.maximum(0.0, 3000 * np.cos((index.hour.to_numpy() - 12) * np.pi / 12))
    factor = 1 + noise * rng.standard_normal(len(index))
    return pd.DataFrame({"consumption_w": load * np.abs(factor), "production_w": sun}, index=index)
