"""Whether the default strategy ever earns less than plain self-consumption: homes, tariffs, batteries and pasts.

Run with ``python benchmarks/never_below.py``; recordings are read as in ``share_of_bound.py``. Every home meets every
tariff, and two tariffs meet feed-in near and above the price of import, small and big batteries, and short pasts.
Each case replays two weeks (``--days``), planned in steps of an hour. Ends with an error where the default loses more
than ``TOLERANCE`` of what self-consumption saves: two weeks are short, and foresight is luck.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from share_of_bound import BATTERY, DATA, HOMES, STRATEGY, Home, prepared

from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import SELF_CONSUMPTION, Backtest, Run
from optimizer.backtest.replay import Setting
from optimizer.backtest.world import choose_period
from optimizer.clock import WallClock

TOLERANCE, TOLERANCE_PER_DAY = 0.01, 0.002
"""What may be lost: a share of what self-consumption saves, and an amount [1, currency/day]."""
PLANNING = {"step": "1h", "replan": "1h"}
LONG_PAST, SHORT_PAST, NO_PAST = timedelta(days=28), timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A home with everything that may differ."""

    home: Home
    tariff: str
    battery: dict[str, Any]
    past: timedelta = LONG_PAST

    def __str__(self) -> str:
        kwh, sell = self.battery["usable_capacity_wh"] / 1000, self.home.sell
        return f"{self.home.name}, {self.tariff}, feed-in {sell:.2f}, {kwh:.0f} kWh, past {self.past.days} d"


def _of(name: str) -> Home:
    return next(home for home in HOMES if home.name == name)


def _without_sun(name: str, recording: str, like: str) -> Home:
    return replace(_of(like), name=name, recording=recording)


PLACES = (
    replace(_of("konstanz_2016"), name="konstanz"),
    _of("california_01"),
    _of("california_09"),
    _of("vermont"),
    _of("france"),
    _without_sun("konstanz_no_sun", "konstanz/home_05_no_pv.csv", "konstanz_2016"),
    _without_sun("sceaux_no_sun", "france/home_sceaux_no_pv.csv", "france"),
)
_LAID_OVER: dict[str, tuple[str, str, str]] = {
    "day-ahead 2022": ("prices/day_ahead_de_2015_2022.csv", "price_eur_per_kwh", "2022-03-01T00:00+01:00"),
    "low, normal, high": ("prices/gb_dynamic_time_of_use_2013.csv", "price_gbp_per_kwh", "2013-01-07T00:00+00:00"),
}
TARIFFS: dict[str, dict[str, Any]] = {
    "flat": {"kind": "fixed", "price_per_kwh": 0.30},
    "three levels": _of("vermont").buy,
    "night rate": _of("france").buy,
    **{
        name: {"kind": "file", "path": path, "column": column, "published": "day-ahead"}
        for name, (path, column, _) in _LAID_OVER.items()
    },
}
FEED_IN = (0.28, 0.40)
BATTERIES = (
    {"usable_capacity_wh": 3000, "max_charge_w": 1500, "max_discharge_w": 1500},
    {"usable_capacity_wh": 20000, "max_charge_w": 5000, "max_discharge_w": 5000},
)


def cases() -> Iterator[Case]:
    """Yield what is tried."""
    for place in PLACES:
        for name, tariff in TARIFFS.items():
            begins = _LAID_OVER[name][2] if name in _LAID_OVER else None
            case = Case(home=replace(place, buy=tariff, sell=0.08, prices_from=begins), tariff=name, battery=BATTERY)
            yield case
            if name in ("flat", "three levels"):
                yield from (replace(case, home=replace(case.home, sell=sell)) for sell in FEED_IN)
                yield from (replace(case, battery=battery) for battery in BATTERIES)
                yield from (replace(case, past=past) for past in (SHORT_PAST, NO_PAST))


def replayed(case: Case, *, days: int, folder: Path) -> dict[str, Run]:
    """Return the runs of a case."""
    settings, recording = prepared(case.home, folder, case.battery, planning=PLANNING)
    tariff = build_tariff(settings)
    end = recording.start + case.past + timedelta(days=days)
    period = choose_period(recording, tariff, start=None, end=end, warm_up=case.past)
    setting = Setting(
        settings=settings,
        tariff=tariff,
        recording=recording,
        stopwatch=WallClock(),
    )
    return Backtest(setting, period, lambda _name, _count: None).unbounded([STRATEGY])


def main() -> None:
    """Print the table, worst first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14, help="how many days each case replays")
    parser.add_argument("--case", action="append", help="only cases that say this; as often as wanted")
    arguments = parser.parse_args()
    console = Console(width=130)
    if not DATA.is_dir():
        console.print(f"skipped: no recordings in {DATA}; set SUNSHIFT_SHARED_DATA to the folder that holds them")
        return
    rows, lost = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            if arguments.case and not all(part in str(case) for part in arguments.case):
                continue
            if not (DATA / case.home.recording).is_file():
                continue
            runs = replayed(case, days=arguments.days, folder=Path(folder))
            idle = runs["no_battery"].bill.total_cost
            rule, default = runs[SELF_CONSUMPTION].bill, runs[STRATEGY].bill
            more = rule.total_cost - default.total_cost
            credit = default.stored_energy_credit - rule.stored_energy_credit
            below = more < -(TOLERANCE * max(0.0, idle - rule.total_cost) + TOLERANCE_PER_DAY * arguments.days)
            lost += below
            rows.append((more, str(case), idle - rule.total_cost, credit, below))
            Console(stderr=True).print(f"{case}: {more:+.3f}")
    table = Table(title=f"What {STRATEGY} earns more than self-consumption")
    for column in ("case", "self-consumption saves", "more", "of it energy left", ""):
        table.add_column(column, justify="left" if column == "case" else "right")
    for more, name, saves, credit, below in sorted(rows):
        table.add_row(name, f"{saves:.2f}", f"{more:+.3f}", f"{credit:+.3f}", "below" if below else "")
    console.print(table)
    if lost:
        sys.exit(f"{lost} of {len(rows)} cases earn less than self-consumption")


if __name__ == "__main__":
    main()
