"""What the page's plots are drawn from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.assembly.site import build_battery
from optimizer.backtest.backtest import NO_BATTERY, Result, Run
from optimizer.backtest.report.months import DAY, MONTH, calendar_parts, cycles, interval_starts, joined, money, rounded
from optimizer.backtest.report.packing import packed_columns
from optimizer.backtest.report.prices import by_price
from optimizer.backtest.report.why import reasons
from optimizer.backtest.world import Floats
from optimizer.domain.decision import Decision

WATT, PRICE, SOC = 1.0, 1e-5, 1e-3
"""Units in which numbers travel."""


def plot_contents(result: Result) -> dict[str, Any]:
    """Return everything the plots need but the intervals themselves."""
    battery, zone = build_battery(result.setting.settings), result.setting.settings.site.zone
    starts = interval_starts(result)
    days, months = (calendar_parts(starts, zone, form) for form in (DAY, MONTH))
    daily, monthly = (
        {name: money(result, run, battery, parts) for name, run in result.runs.items()} for parts in (days, months)
    )
    return {
        "currency": result.setting.settings.site.currency,
        "step_ms": int(1000 * result.period.step.total_seconds()),
        "spans": [[int(1000 * span.grid.start.timestamp()), len(span.grid)] for span in result.period.spans],
        "offsets": _offsets(result, zone),
        "columns": [name for name, _, _ in _columns(result)],
        "units": [unit for _, _, unit in _columns(result)],
        "runs": list(result.runs),
        "days": {"labels": days.labels, "saved": _saved(daily)},
        "months": {
            "labels": months.labels,
            "saved": _saved(monthly),
            "peak_w": {name: rounded(months.highest(joined(run, "grid_w")), 0) for name, run in result.runs.items()},
            "cycles": {name: rounded(cycles(result, run, battery, months), 2) for name, run in result.runs.items()},
        },
        "why": {name: _why(result, run) for name, run in result.runs.items() if name != NO_BATTERY},
        "prices": {name: by_price(result, run) for name, run in result.runs.items() if name != NO_BATTERY},
        "decisions": {
            name: [_told(decision, zone) for decision in run.decisions]
            for name, run in result.runs.items()
            if run.decisions
        },
    }


def interval_columns(result: Result) -> str:
    """Return every interval's numbers, compressed."""
    return packed_columns([(values, unit) for _, values, unit in _columns(result)])


def _columns(result: Result) -> list[tuple[str, Floats, float]]:
    spans = result.period.spans
    shared = {"load_w": WATT, "pv_w": WATT, "buy": PRICE, "sell": PRICE}
    columns = [(name, np.concatenate([getattr(span, name) for span in spans]), unit) for name, unit in shared.items()]
    for run_name, run in result.runs.items():
        columns.append((f"{run_name}.grid_w", joined(run, "grid_w"), WATT))
        if run_name != NO_BATTERY:
            columns.append((f"{run_name}.battery_w", joined(run, "battery_w"), WATT))
            columns.append((f"{run_name}.soc", joined(run, "soc"), SOC))
    return columns


def _saved(costs: dict[str, Floats]) -> dict[str, list[float]]:
    return {name: rounded(costs[NO_BATTERY] - cost, 3) for name, cost in costs.items() if name != NO_BATTERY}


def _why(result: Result, run: Run) -> list[tuple[str, float]]:
    return [(name, round(value, 2)) for name, value in reasons(result, run, result.runs[NO_BATTERY])]


def _offsets(result: Result, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return from which instant on the home's clock is how far ahead of UTC [ms, s]."""
    found: list[tuple[int, int]] = []
    for span in result.period.spans:
        for interval in span.grid:
            offset = interval.start.astimezone(zone).utcoffset()
            seconds = 0 if offset is None else int(offset.total_seconds())
            if not found or found[-1][1] != seconds:
                found.append((int(1000 * interval.start.timestamp()), seconds))
    return found


def _told(decision: Decision, zone: ZoneInfo) -> list[Any]:
    """Return a decision as a row: local time, battery [W], worth, price, state of charge, why, and what held it."""
    return [
        _local(decision.at, zone),
        None if decision.allowed_power_w is None else round(decision.allowed_power_w),
        _short(decision.energy_value_per_kwh),
        _short(decision.import_price_per_kwh),
        None if decision.measurement is None else round(decision.measurement.soc, 3),
        decision.reason if decision.error is None else f"{decision.reason} ({decision.error})",
        [limit.value.replace("_", " ") for limit in decision.limits],
    ]


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _short(price: float | None) -> float | None:
    return None if price is None else round(price, 4)
