"""Day-ahead price files, and when each of their prices was published."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

MARKET = ZoneInfo("Europe/Brussels")


def hourly_prices(
    start: datetime, days: int, *, seed: int = 1, lowest: float = -0.08, highest: float = 0.30
) -> pd.Series:
    """Return one price an hour, negative ones among them [currency/kWh]."""
    index = pd.date_range(start, periods=24 * days, freq="1h", name="timestamp")
    draw = np.random.default_rng(seed)
    return pd.Series(draw.uniform(lowest, highest, len(index)).round(4), index=index, name="price_eur_per_kwh")


def published_at(instant: datetime) -> datetime:
    """Return when the price of an instant is published: at 12:45 of the day before, on the market's clock."""
    day = instant.astimezone(MARKET).date()
    return datetime.combine(day - timedelta(days=1), time(12, 45), MARKET)


def price_file(prices: pd.Series, path: Path, **more: Any) -> dict[str, Any]:
    """Write prices and return the tariff section that reads them."""
    table = prices.reset_index()
    table["timestamp"] = [instant.isoformat() for instant in table["timestamp"]]
    table.to_csv(path, index=False)
    return {"kind": "file", "path": str(path), **more}
