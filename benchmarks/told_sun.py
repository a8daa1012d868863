"""What a recorded sun forecast earns: a home with and without it, over tariffs and batteries.

    python benchmarks/told_sun.py [--days N] [--jobs N]

One home, one tariff and one battery say little: a forecast matters on the few days on which it turns a decision, and
there luck is as large as skill. So the home of ``share_of_bound.py`` that has a recorded forecast is replayed under
three tariffs with three batteries each, planned in steps of an hour. Printed are the shares of the perfect-foresight
bound without and with the forecast, what it earned, and the mean of that with its standard error over the cases (which
share one weather, so it is too small). Ends with an error where the mean is not above zero.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from never_below import PLANNING
from rich.console import Console
from rich.table import Table
from share_of_bound import BATTERY, DATA, HOMES, Home, shares

CAPACITIES_KWH = (5, 10, 15)
WITH = next(home for home in HOMES if home.name == "france_with_forecast")
THREE_LEVELS = next(home.buy for home in HOMES if home.name == "vermont")
DAY_AHEAD = next(home for home in HOMES if home.name == "konstanz_2022")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The home under one tariff with one battery."""

    tariff: str
    capacity_kwh: int
    home: Home
    """With its forecast."""

    def share(self, days: int | None, *, told: bool) -> float:
        """Return the strategy's share of the bound, with or without the forecast."""
        home = replace(self.home, without_sun_forecast=not told)
        battery: dict[str, Any] = {**BATTERY, "usable_capacity_wh": 1000 * self.capacity_kwh}
        with tempfile.TemporaryDirectory() as folder:
            return shares(home, folder=Path(folder), days=days, battery=battery, planning=PLANNING)[1]


def cases() -> Iterator[Case]:
    """Yield every tariff with every battery."""
    day_ahead = replace(WITH, buy=DAY_AHEAD.buy, prices_from=DAY_AHEAD.prices_from)
    tariffs = {"peak and off-peak": WITH, "three levels": replace(WITH, buy=THREE_LEVELS), "day-ahead 2022": day_ahead}
    for tariff, home in tariffs.items():
        for capacity_kwh in CAPACITIES_KWH:
            yield Case(tariff=tariff, capacity_kwh=capacity_kwh, home=home)


def both(case: Case, days: int | None) -> tuple[float, float]:
    """Return the share without and with the forecast."""
    without, told = case.share(days, told=False), case.share(days, told=True)
    Console(stderr=True).print(f"{case.tariff}, {case.capacity_kwh} kWh: {without:.2%} {told:.2%}")
    return without, told


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, help="replay only so many days after the warm-up")
    parser.add_argument("--jobs", type=int, default=1, help="how many cases are replayed at once")
    arguments = parser.parse_args()
    console = Console(width=110)
    if not (DATA / WITH.recording).is_file():
        console.print(f"skipped: no recordings in {DATA}; set SUNSHIFT_SHARED_DATA to the folder that holds them")
        return 0
    found = list(cases())
    with ProcessPoolExecutor(arguments.jobs) as pool:
        pairs = list(pool.map(partial(both, days=arguments.days), found))
    table = Table(title="What the recorded sun forecast earns, share of the perfect-foresight bound")
    for column in ("tariff", "battery", "without", "with", "earned"):
        table.add_column(column, justify="left" if column == "tariff" else "right")
    for case, (without, told) in zip(found, pairs, strict=True):
        row = (f"{case.capacity_kwh} kWh", f"{without:.2%}", f"{told:.2%}", f"{100 * (told - without):+.2f}")
        table.add_row(case.tariff, *row)
    console.print(table)
    earned = [100.0 * (told - without) for without, told in pairs]
    error = statistics.stdev(earned) / len(earned) ** 0.5
    console.print(f"earned in the mean {statistics.mean(earned):+.2f} points, standard error {error:.2f}")
    return 0 if statistics.mean(earned) > 0.0 else 1


if __name__ == "__main__":
    sys.exit(main())
