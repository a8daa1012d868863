"""What the page of a sweep says of all cases together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.backtest.backtest import ALWAYS, SELF_CONSUMPTION

Row = Mapping[str, Any]
POINT = ("home", "tariff", "battery")
YEAR_DAYS = 365.25
NEARLY_A_YEAR_DAYS = 330.0
"""From so many days on, all seasons have had their say and money may be told per year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Over which time the page tells money, so that recordings of different length compare."""

    days: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyRecord:
    """How a strategy did in all cases."""

    name: str
    cases: int
    mean_share: float | None
    """Of the bound; None where no case could save anything."""
    lowest_share: float | None
    lowest_at: str
    behind: int
    """Cases in which it saved less than plain self-consumption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryStep:
    """What a battery brings, and what each kWh more than the next smaller one brings."""

    name: str
    saved: float
    per_further_kwh: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """The batteries of one home and tariff, from the smallest up."""

    home: str
    tariff: str
    currency: str
    steps: tuple[BatteryStep, ...]


def strategies_of(rows: Sequence[Row]) -> list[str]:
    """Return what was asked for; plain self-consumption where nothing else was."""
    asked = [name for name in dict.fromkeys(row["strategy"] for row in rows) if name not in ALWAYS]
    return asked or [SELF_CONSUMPTION]


def days_of(row: Row) -> float:
    """Return how many days were replayed."""
    return float(row["steps"] * row["step_s"] / 86400.0)


def time_scale(rows: Sequence[Row]) -> Scale:
    """Return a year where every case covers one nearly, else a day: a summer says nothing of a winter."""
    if rows and min(map(days_of, rows)) >= NEARLY_A_YEAR_DAYS:
        return Scale(days=YEAR_DAYS, name="year")
    return Scale(days=1.0, name="day")


def records(rows: Sequence[Row]) -> list[StrategyRecord]:
    """Return how each strategy did, plain self-consumption included."""
    plain = {_point(row): row["saving"] for row in rows if row["strategy"] == SELF_CONSUMPTION}
    names = dict.fromkeys([*strategies_of(rows), SELF_CONSUMPTION])
    return [_record(name, [row for row in rows if row["strategy"] == name], plain) for name in names]


def _record(name: str, rows: Sequence[Row], plain: Mapping[tuple[str, ...], float]) -> StrategyRecord:
    shares = {_point(row): row["saving_share_of_bound"] for row in rows if row["saving_share_of_bound"] is not None}
    lowest = min(shares, key=shares.__getitem__, default=None)
    return StrategyRecord(
        name=name,
        cases=len(rows),
        mean_share=float(np.mean(list(shares.values()))) if shares else None,
        lowest_share=None if lowest is None else shares[lowest],
        lowest_at="" if lowest is None else ", ".join(lowest),
        # A thousandth of a cent is rounding.
        behind=sum(row["saving"] < plain[_point(row)] - 1e-5 for row in rows),
    )


def sizes(rows: Sequence[Row], scale: Scale) -> Iterator[SizeRow]:
    """Yield what each size of battery brings with the first strategy, for every home and tariff."""
    first = strategies_of(rows)[0]
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["strategy"] == first:
            groups.setdefault((row["home"], row["tariff"]), []).append(row)
    for (home, tariff), group in groups.items():
        ordered = sorted(group, key=lambda row: row["usable_capacity_wh"])
        steps = tuple(_step(row, ordered[place - 1] if place else None, scale) for place, row in enumerate(ordered))
        yield SizeRow(home=home, tariff=tariff, currency=group[0]["currency"], steps=steps)


def _step(row: Row, smaller: Row | None, scale: Scale) -> BatteryStep:
    saved = row["saving"] / days_of(row) * scale.days
    further = None
    if smaller is not None and row["usable_capacity_wh"] > smaller["usable_capacity_wh"]:
        more_kwh = (row["usable_capacity_wh"] - smaller["usable_capacity_wh"]) / 1000.0
        further = (saved - smaller["saving"] / days_of(smaller) * scale.days) / more_kwh
    return BatteryStep(name=row["battery"], saved=saved, per_further_kwh=further)


def plotted(rows: Sequence[Row], scale: Scale) -> list[dict[str, Any]]:
    """Return the rows as the plots need them."""
    return [
        {
            **{key: row[key] for key in (*POINT, "strategy", "currency")},
            "kwh": row["usable_capacity_wh"] / 1000.0,
            "cost": round(row["total_cost"] / days_of(row) * scale.days, 4),
            "saved": round(row["saving"] / days_of(row) * scale.days, 4),
            "share": row["saving_share_of_bound"],
            "cycles": round(row["full_cycles"] / days_of(row) * scale.days, 2),
        }
        for row in rows
    ]


def _point(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in POINT)
