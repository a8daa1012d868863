"""``sunshift sweep``: many backtests from one file, on all cores or on a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from optimizer.backtest.backtest import ALWAYS
from optimizer.cli.argument_types import whole_number
from optimizer.cli.recording_notes import tell_notes
from optimizer.sweep.case import Outcome
from optimizer.sweep.folder import SweepFolder
from optimizer.sweep.loading import Sweep, load_sweep
from optimizer.sweep.local import all_cores, run_here
from optimizer.sweep.report.page import render
from optimizer.sweep.running import Runner, run_sweep
from optimizer.sweep.table import as_csv, results

PROCESSES = whole_number("processes", 1, 1024)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="homes, tariffs, batteries, strategies"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results; goes on there")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=PROCESSES, metavar="N", help="processes on this machine (default: all cores)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster instead, such as tcp://192.168.1.30:8786")
    parser.add_argument("--json", action="store_true", help="print the results as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Compute what is not yet computed, write the results and print them."""
    sweep = load_sweep(arguments.config)
    folder = SweepFolder(arguments.out)
    for recording in sweep.recordings.values():
        tell_notes(recording)
    outcomes = _computed(sweep, folder, _runner(arguments))
    rows = results(outcomes)
    failed = _failed(outcomes)
    document = json.dumps({"cases": len(outcomes), "failed": failed, "results": rows}, indent=2)
    folder.write("results.csv", as_csv(rows))
    folder.write("results.json", document + "\n")
    folder.write("report.html", render(rows, failed))
    if arguments.json:
        print(document)
    else:
        _print_table(rows)
    return _report_failures(outcomes)


def _runner(arguments: argparse.Namespace) -> Runner:
    if arguments.scheduler is None:
        return partial(run_here, workers=arguments.workers or all_cores())
    from optimizer.sweep.cluster import run_on_cluster  # noqa: PLC0415 - Dask is an extra

    return partial(run_on_cluster, address=arguments.scheduler)


def _computed(sweep: Sweep, folder: SweepFolder, runner: Runner) -> list[Outcome]:
    console, finished = Console(stderr=True), 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("cases", total=len(sweep.cases))

        def tell(outcome: Outcome) -> None:
            nonlocal finished
            finished += outcome.error is None
            bar.update(task, advance=1, description=outcome.case.title)

        try:
            return run_sweep(sweep, folder, runner, tell)
        except BaseException:
            kept = (
                f"{finished} of {len(sweep.cases)} cases are kept in {folder.path}; the same command goes on from there"
            )
            print(f"sunshift: {kept}", file=sys.stderr)
            raise


def _failed(outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    return [
        {"home": one.case.home, "tariff": one.case.tariff, "battery": one.case.battery, "reason": one.error}
        for one in outcomes
        if one.error is not None
    ]


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title=f"{len(rows)} runs, baselines and bound included")
    for column in ("home", "tariff", "battery", "strategy"):
        table.add_column(column)
    for column in ("cost", "saving", "of bound", "cycles"):
        table.add_column(column, justify="right")
    for row in rows:
        if row["strategy"] not in ALWAYS:
            share = row["saving_share_of_bound"]
            table.add_row(
                *(str(row[name]) for name in ("home", "tariff", "battery", "strategy")),
                f"{row['total_cost']:.2f}",
                f"{row['saving']:.2f}",
                "-" if share is None else f"{share:.1%}",
                f"{row['full_cycles']:.1f}",
            )
    Console(width=None if sys.stdout.isatty() else 110).print(table)


def _report_failures(outcomes: Sequence[Outcome]) -> int:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        print(f"sunshift: {len(failed)} of {len(outcomes)} cases failed", file=sys.stderr)
        for outcome in failed:
            print(f"  {outcome.case.title}: {outcome.error}", file=sys.stderr)
    return 1 if failed else 0
