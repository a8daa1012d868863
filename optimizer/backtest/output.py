"""What a backtest leaves behind: one summary and the steps of every run, whole or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.assembly.site import build_battery, build_site
from optimizer.backtest.backtest import NO_BATTERY, PERFECT, Result, Run
from optimizer.backtest.bill import interval_costs
from optimizer.backtest.forecast_skill import forecast_skill
from optimizer.backtest.report.page import render
from optimizer.backtest.whole_folder import cannot_write, is_in_use, remove_leftovers, try_to_write_beside, whole_folder
from optimizer.errors import BacktestError
from optimizer.forecasting.skill import Skill

SUMMARY, REPORT, STEPS = "summary.json", "report.html", "steps.csv"
NOISE_W = 1.0
"""Excesses below this are rounding [W]."""


def summary(result: Result) -> dict[str, Any]:
    """Return the summary as ``summary.json`` holds it."""
    period = result.period
    return {
        "period": {
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "step_s": int(period.step.total_seconds()),
            "steps": sum(len(span.grid) for span in period.spans),
            "spans": len(period.spans),
            "bridged_gaps": len(result.setting.recording.bridged),
            "bridged_prices": sum(span.bridged_prices for span in period.spans),
        },
        "currency": result.setting.settings.site.currency,
        "notes": list(result.setting.recording.notes),
        "planner": result.setting.settings.planning.method,
        "initial_soc": result.setting.start_soc,
        "bound": {
            "cost": result.proof.cost,
            "lowest_cost": result.proof.lowest_cost,
            "recursion_cost": result.proof.recursion_cost,
            "exact": result.proof.is_exact,
            "method": "mixed-integer program" if result.proof.binaries else "linear program and recursion",
        },
        "runs": {name: _figures(result, run) for name, run in result.runs.items()},
    }


def _figures(result: Result, run: Run) -> dict[str, Any]:
    battery, connection = build_battery(result.setting.settings), build_site(result.setting.settings).connection
    hours = result.period.step.total_seconds() / 3600.0
    grid, power = (np.concatenate([getattr(flow, name) for flow in run.flows]) for name in ("grid_w", "battery_w"))
    load, pv = (np.concatenate([getattr(span, name) for span in result.period.spans]) for name in ("load_w", "pv_w"))

    def kwh(powers: Any) -> float:
        return float(np.maximum(0.0, powers).sum()) * hours / 1000.0

    over = np.zeros(len(grid), dtype=bool)
    if connection.max_import_w is not None:
        over |= grid > connection.max_import_w + NOISE_W
    if connection.max_export_w is not None:
        over |= -grid > connection.max_export_w + NOISE_W
    nothing, bound = result.runs[NO_BATTERY].bill.total_cost, result.runs[PERFECT].bill.total_cost
    saving = nothing - run.bill.total_cost
    capacity_kwh = battery.usable_capacity_wh / 1000.0
    return {
        "total_cost": run.bill.total_cost,
        "energy_cost": run.bill.energy_cost,
        "wear_cost": run.bill.wear_cost,
        "demand_cost": run.bill.demand_cost,
        "stored_energy_credit": run.bill.stored_energy_credit,
        "saving": saving,
        "saving_share_of_bound": saving / (nothing - bound) if nothing - bound > 1e-9 else None,
        "import_kwh": kwh(grid),
        "export_kwh": kwh(-grid),
        "charged_kwh": kwh(power),
        "discharged_kwh": kwh(-power),
        "full_cycles": kwh(-power) / battery.discharge_efficiency / capacity_kwh,
        "peak_import_w": float(np.maximum(0.0, grid).max()),
        "self_consumption_rate": 1.0 - kwh(-grid) / kwh(pv) if kwh(pv) else None,
        "self_sufficiency": 1.0 - kwh(grid) / kwh(load) if kwh(load) else None,
        "limit_violations": int(over.sum()),
        "plans": run.plans,
        "failed_plans": run.failed_plans,
        "rejected_plans": run.rejected_plans,
        "seconds": round(run.seconds, 3),
    }


def steps_table(result: Result, run: Run) -> pd.DataFrame:
    """Return the steps of a run as ``steps.csv`` holds them."""
    battery = build_battery(result.setting.settings)
    parts = [
        pd.DataFrame(
            {
                "timestamp": [interval.start.isoformat() for interval in span.grid],
                "consumption_w": span.load_w,
                "production_w": span.pv_w,
                "battery_power_w": flow.battery_w,
                "grid_power_w": flow.grid_w,
                "curtailed_w": flow.curtailed_w,
                "soc": flow.soc,
                "import_price_per_kwh": span.buy,
                "export_price_per_kwh": span.sell,
                "cost": interval_costs(span, flow, battery),
            }
        )
        for span, flow in zip(result.period.spans, run.flows, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def check_folder(out: Path) -> None:
    """Accept a folder that is new, empty or an earlier backtest's, and nothing else in it.

    Raises
    ------
    BacktestError
        It holds something else, which would be lost; or it cannot be replaced.
    """
    if is_in_use(out):
        msg = f"{out}: is the folder you are in, or one around it, and would be replaced; name another with --out"
        raise BacktestError(msg)
    if out.exists() and not out.is_dir():
        msg = f"{out}: is no folder; name a new or empty one with --out"
        raise BacktestError(msg)
    foreign = _foreign_things(out) if out.exists() else []
    if foreign:
        msg = f"{out}: holds something that is no backtest, such as {foreign[0]}; name a new or empty folder with --out"
        raise BacktestError(msg)
    try:
        try_to_write_beside(out)
    except OSError as error:
        raise BacktestError(cannot_write(out, error)) from error


def _foreign_things(out: Path) -> list[str]:
    """Return what in a folder no backtest has written."""
    runs = _runs_of(out / SUMMARY)
    ours = {SUMMARY, REPORT, *runs} if runs else set()
    foreign = [path.name for path in out.iterdir() if path.name not in ours]
    within = (path for name in runs if (out / name).is_dir() for path in (out / name).iterdir())
    return sorted([*foreign, *(f"{path.parent.name}/{path.name}" for path in within if path.name != STEPS)])


def _runs_of(path: Path) -> list[str]:
    """Return the names of the runs in a backtest's summary; none where it is no such thing."""
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        return [name for name in runs if "saving_share_of_bound" in runs[name]]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return []


def write(result: Result, out: Path) -> dict[str, Any]:
    """Write everything beside ``out``, put it in its place when it is whole, and return the summary.

    Raises
    ------
    BacktestError
        The folder holds something else, or cannot be written.
    """
    check_folder(out)
    skill = forecast_skill(result.setting, result.period)
    figures = summary(result) | {"forecast": _skill_figures(skill)}
    try:
        remove_leftovers(out)
        with whole_folder(out) as draft:
            for name, run in result.runs.items():
                (draft / name).mkdir()
                steps_table(result, run).to_csv(draft / name / STEPS, index=False)
            (draft / SUMMARY).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
            (draft / REPORT).write_text(render(result, figures, skill), encoding="utf-8")
    except OSError as error:
        raise BacktestError(cannot_write(out, error)) from error
    return figures


def _skill_figures(skill: Skill | None) -> dict[str, Any] | None:
    if skill is None:
        return None
    sides = {"load": skill.load, "sun": skill.pv}
    return {
        "forecasts": skill.forecasts,
        **{
            side: {
                "mean_absolute_error_w": one.mean_absolute_error_w,
                "persistence_error_w": one.persistence_error_w,
                "ranked_probability_score_w": one.ranked_probability_score_w,
                "skill": one.skill,
                "scenario_skill": one.scenario_skill,
            }
            for side, one in sides.items()
            if not math.isnan(one.mean_w)
        },
    }
