"""How much of the perfect-foresight bound the default strategy earns on real homes, with one default for all.

Run with ``python benchmarks/share_of_bound.py``; the recordings are read from the folder in ``SUNSHIFT_SHARED_DATA``,
by default ``../shared/data``. ``--truth load`` (``sun``, ``price``) tells the forecaster the truth about one thing and
so shows what its error costs; ``--truth all`` tells all three, so that what remains is control and horizon.
``--days N`` replays only the first days after the warm-up, ``--home NAME`` a part of the homes, ``--jobs N`` several at
once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.planning import build_forecaster
from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import PERFECT, SELF_CONSUMPTION, Backtest
from optimizer.backtest.replay import MakeForecaster, Setting
from optimizer.backtest.world import choose_period
from optimizer.clock import WallClock
from optimizer.domain.measurement import Measurement
from optimizer.domain.row import Row
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.port import Forecast, Forecaster
from optimizer.history.port import HistoryReader
from optimizer.history.recorded_forecast import RecordedSunForecast
from optimizer.history.recording import SUN_FORECAST, Recording, read_recording
from optimizer.settings import Settings

DATA = Path(os.environ.get("SUNSHIFT_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
WARM_UP = timedelta(days=28)
STRATEGY = "time_of_use"
BATTERY = {"usable_capacity_wh": 10000, "max_charge_w": 4600, "max_discharge_w": 4600}
TRUTHS = ("load", "sun", "price", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home, where it stands and what it pays."""

    name: str
    recording: str
    timezone: str
    latitude: float
    longitude: float
    buy: dict[str, Any]
    sell: float
    aim: float | None = None
    """Share of the bound to reach [1]."""
    prices_from: str | None = None
    """Instant in the price file from which prices replace those of the recording's days, over and over."""
    without_sun_forecast: bool = False


def _day_ahead(path: str, surcharge: float) -> dict[str, Any]:
    return {
        "kind": "file",
        "path": path,
        "column": "price_eur_per_kwh",
        "published": "day-ahead",
        "publication_time": "12:45",
        "publication_timezone": "Europe/Brussels",
        "surcharge_per_kwh": surcharge,
        "vat": 0.19,
    }


_KONSTANZ: dict[str, Any] = {
    "recording": "konstanz/home_03.csv",
    "timezone": "Europe/Berlin",
    "latitude": 47.66,
    "longitude": 9.18,
    "sell": 0.08,
}
_GERMAN_PRICES = "prices/day_ahead_de_2015_2022.csv"
_THREE_LEVELS = {
    "kind": "time_of_use",
    "price_per_kwh": 0.20,
    "rules": [
        {"from": "00:00", "to": "06:00", "price_per_kwh": 0.12},
        {"from": "17:00", "to": "21:00", "price_per_kwh": 0.40},
    ],
}
_FRANCE: dict[str, Any] = {
    "recording": "france/home_01_with_pv_forecast.csv",
    "timezone": "Europe/Paris",
    "latitude": 48.8,
    "longitude": 2.3,
    "buy": {
        "kind": "time_of_use",
        "price_per_kwh": 0.1907,
        "rules": [{"from": "22:00", "to": "06:00", "price_per_kwh": 0.1419}],
    },
    "sell": 0.06,
}
HOMES = (
    Home(name="konstanz_2016", **_KONSTANZ, buy=_day_ahead(_GERMAN_PRICES, 0.17), aim=0.974),
    Home(
        name="konstanz_2022",
        **_KONSTANZ,
        buy=_day_ahead(_GERMAN_PRICES, 0.12),
        prices_from="2022-03-01T00:00+01:00",
        aim=0.965,
    ),
    Home(
        name="konstanz_nl_2023",
        **_KONSTANZ,
        buy=_day_ahead("prices/day_ahead_nl_2023.csv", 0.12),
        prices_from="2023-01-01T00:00+01:00",
    ),
    *(
        Home(
            name=f"california_{number}",
            recording=f"california/home_{number}.csv",
            timezone="America/Los_Angeles",
            latitude=34.09,
            longitude=-117.43,
            buy={"kind": "file", "path": "california/tariff_time_of_use.csv", "column": "price_usd_per_kwh"},
            sell=0.08,
            aim=0.985,
        )
        for number in ("01", "02", "03", "08", "09")
    ),
    Home(
        name="vermont",
        recording="vermont/home_01_first_year.csv",
        timezone="America/New_York",
        latitude=44.4,
        longitude=-73.1,
        buy=_THREE_LEVELS,
        sell=0.08,
        aim=0.88,
    ),
    Home(name="france", **_FRANCE, without_sun_forecast=True),
    Home(name="france_with_forecast", **_FRANCE),
)


class Oracle:
    """A forecaster that knows the truth about load, sun or both, to measure what its error costs."""

    def __init__(self, forecaster: Forecaster, recording: Recording, truth: str) -> None:
        self._forecaster = forecaster
        self._frame = recording.frame[["consumption_w", "production_w"]]
        names = {"load": ("consumption_w", "load_w"), "sun": ("production_w", "pv_w")}
        self._known = [names[truth]] if truth in names else list(names.values())

    def forecast(self, grid: TimeGrid, *, as_of: datetime, latest: Measurement | None = None) -> Forecast:
        """Return the forecast with what is known put in the place of what is expected."""
        told = self._forecaster.forecast(grid, as_of=as_of, latest=latest)
        index = pd.date_range(grid.start, periods=len(grid), freq=grid.step)
        scenarios = told.scenarios
        for column, field in self._known:
            came = self._frame[column].reindex(index).to_numpy(dtype=np.float64)
            filled = [Row(np.where(np.isnan(came), getattr(one, field), came).tolist()) for one in scenarios]
            scenarios = tuple(
                replace(one, load_w=row) if field == "load_w" else replace(one, pv_w=row)
                for one, row in zip(scenarios, filled, strict=True)
            )
        return replace(told, scenarios=scenarios)


def prepared(
    home: Home, folder: Path, battery: dict[str, Any] = BATTERY, **more: dict[str, Any]
) -> tuple[Settings, Recording]:
    """Return configuration and recording of a home, with the battery of the table or another."""
    frame = pd.read_csv(DATA / home.recording).rename(columns={"pv_forecast_w": SUN_FORECAST})
    path = folder / f"{home.name}.csv"
    dropped = [SUN_FORECAST] if home.without_sun_forecast else []
    frame.drop(columns=dropped, errors="ignore").to_csv(path, index=False)
    recording = read_recording(path)
    buy = dict(home.buy)
    if "path" in buy:
        buy["path"] = str(_prices(home, DATA / buy["path"], recording, folder))
    tables = {
        "site": {"timezone": home.timezone, "latitude": home.latitude, "longitude": home.longitude},
        "battery": {
            "driver": "sonnen_v1",
            "host": "192.0.2.1",
            **battery,
            "charge_efficiency": 0.95,
            "discharge_efficiency": 0.95,
            "standby_w": 0.0,  # the table's battery has none; a real one draws some 25 W
        },
        "tariff": {"import": buy, "export": {"kind": "fixed", "price_per_kwh": home.sell}},
        **more,
    }
    return configuration_from_tables(tables).settings, recording


def _prices(home: Home, source: Path, recording: Recording, folder: Path) -> Path:
    """Return a price file for the days of the recording: that itself, or later prices laid over them, repeated."""
    if home.prices_from is None:
        return source
    prices = pd.read_csv(source)
    at = pd.to_datetime(prices.iloc[:, 0], utc=True)
    values = prices[home.buy["column"]].to_numpy()[at >= pd.Timestamp(home.prices_from)]
    an_hour = round(timedelta(hours=1) / (at.iloc[1] - at.iloc[0]))
    values = values[: len(values) // an_hour * an_hour].reshape(-1, an_hour).mean(axis=1)
    midnight = recording.start.astimezone(at.iloc[0].tzinfo) - timedelta(hours=recording.start.hour + 1)
    index = pd.date_range(midnight, recording.end + timedelta(days=3), freq="1h")
    weeks = values[: len(values) // 168 * 168]
    laid = pd.DataFrame({"timestamp": index, home.buy["column"]: weeks[np.arange(len(index)) % len(weeks)]})
    path = folder / f"{home.name}_prices.csv"
    laid.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    return path


def with_truth(settings: Settings, recording: Recording, truth: str | None) -> tuple[Settings, MakeForecaster | None]:
    """Return settings and forecaster that know the truth about one thing."""
    if truth in ("price", "all"):
        buy = settings.tariff.import_
        known = buy.model_copy(update={"published": "known"}) if hasattr(buy, "published") else buy
        settings = settings.model_copy(update={"tariff": settings.tariff.model_copy(update={"import_": known})})
    if truth is None or truth == "price":
        return settings, None

    def make(history: HistoryReader) -> Forecaster:
        told = RecordedSunForecast(recording, settings.site.zone) if SUN_FORECAST in recording.frame else None
        return Oracle(build_forecaster(settings, history=history, sun_forecast=told), recording, truth)

    return settings, make


def shares(
    home: Home,
    *,
    folder: Path,
    days: int | None = None,
    truth: str | None = None,
    battery: dict[str, Any] = BATTERY,
    **more: dict[str, Any],
) -> tuple[float, float, float]:
    """Return the share of the bound of self-consumption and of the strategy, and the bound's saving."""
    settings, recording = prepared(home, folder, battery, **more)
    settings, make = with_truth(settings, recording, truth)
    tariff = build_tariff(settings)
    end = None if days is None else recording.start + WARM_UP + timedelta(days=days)
    period = choose_period(recording, tariff, start=None, end=end, warm_up=WARM_UP)
    setting = Setting(
        settings=settings,
        tariff=tariff,
        recording=recording,
        stopwatch=WallClock(),
        make_forecaster=make,
    )
    runs = Backtest(setting, period, lambda _name, _count: None).run([STRATEGY]).runs
    without = runs["no_battery"].bill.total_cost
    saved = {name: without - run.bill.total_cost for name, run in runs.items()}
    return saved[SELF_CONSUMPTION] / saved[PERFECT], saved[STRATEGY] / saved[PERFECT], saved[PERFECT]


def measured(home: Home, days: int | None, truth: str | None) -> tuple[str, ...]:
    """Return a home's row of the table."""
    if not (DATA / home.recording).is_file():
        return home.name, "skipped", f"no {home.recording}", "", ""
    with tempfile.TemporaryDirectory() as folder:
        rule, default, bound = shares(home, days=days, truth=truth, folder=Path(folder))
    aim = "" if home.aim is None else f"{home.aim:.1%}"
    Console(stderr=True).print(f"{home.name}: {rule:.2%} {default:.2%}")
    return home.name, f"{rule:.2%}", f"{default:.2%}", aim, f"{bound:.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, help="replay only so many days after the warm-up")
    parser.add_argument("--home", action="append", help="homes whose name begins so; as often as wanted")
    parser.add_argument("--truth", choices=TRUTHS, help="tell the forecaster the truth about this")
    parser.add_argument("--jobs", type=int, default=1, help="how many homes are replayed at once")
    arguments = parser.parse_args()
    console = Console(width=110)
    if not DATA.is_dir():
        console.print(f"skipped: no recordings in {DATA}; set SUNSHIFT_SHARED_DATA to the folder that holds them")
        return
    table = Table(
        title="Share of the perfect-foresight bound" + (f", true {arguments.truth}" if arguments.truth else "")
    )
    for column in ("home", "self-consumption", STRATEGY, "aim", "bound saves"):
        table.add_column(column, justify="left" if column == "home" else "right")
    homes = [home for home in HOMES if not arguments.home or home.name.startswith(tuple(arguments.home))]
    row = partial(measured, days=arguments.days, truth=arguments.truth)
    if arguments.jobs > 1:
        with ProcessPoolExecutor(arguments.jobs) as pool:
            rows = list(pool.map(row, homes))
    else:
        rows = [row(home) for home in homes]
    for cells in rows:
        table.add_row(*cells)
    console.print(table)


if __name__ == "__main__":
    main()
