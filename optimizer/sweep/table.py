"""All figures of a sweep in one tidy table: one row for each home, tariff, battery and strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from optimizer.sweep.case import Outcome

NAMES = ("home", "tariff", "battery", "strategy")
RATED = ("usable_capacity_wh", "max_charge_w", "max_discharge_w")


def results(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return the rows; cases that failed have none.

    The columns are the names, the period, the rated size of the battery, and every figure of a backtest's
    ``summary.json``.
    """
    return [row for outcome in outcomes for row in _rows(outcome)]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a CSV file holds them: what is not known is empty, numbers in full."""
    return str(pd.DataFrame(rows, columns=None if rows else list(NAMES)).to_csv(index=False))


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    case, summary = outcome.case, outcome.summary
    if summary is None:
        return []
    names = {"home": case.home, "tariff": case.tariff, "battery": case.battery}
    rated = {name: getattr(case.settings.battery, name) for name in RATED}
    shared = {**_plain(summary["period"]), **_plain(summary), **rated}
    return [{**names, "strategy": run, **shared, **_plain(figures)} for run, figures in summary["runs"].items()]


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if not isinstance(value, dict | list)}
