"""``sunshift backtest``: what it would have earned on a recording, and how far that is from perfect."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from optimizer.assembly.configuration import load_configuration
from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import PERFECT, SELF_CONSUMPTION, Backtest
from optimizer.backtest.clock_steps import on_the_clock
from optimizer.backtest.output import check_folder, write
from optimizer.backtest.replay import Setting
from optimizer.backtest.world import choose_period
from optimizer.cli.argument_types import instant, whole_number
from optimizer.cli.recording_notes import tell_notes
from optimizer.clock import WallClock
from optimizer.history.recording import read_recording

DAYS = whole_number("days", 0, 36_500)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="battery, tariff and strategy")
    parser.add_argument("--recording", type=Path, required=True, metavar="FILE", help="load and sun of the home")
    parser.add_argument("--start", type=instant, metavar="ISO", help="first instant to replay")
    parser.add_argument("--end", type=instant, metavar="ISO", help="where to stop")
    parser.add_argument("--strategy", action="append", metavar="NAME", help="what to replay (default: the configured)")
    parser.add_argument("--warm-up", type=DAYS, default=28, metavar="DAYS", help="days that only feed the history")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Replay, write the results and print the summary."""
    configuration = load_configuration(arguments.config)
    check_folder(arguments.out)
    settings = configuration.settings
    recording, tariff = on_the_clock(read_recording(arguments.recording)), build_tariff(settings)
    tell_notes(recording)
    period = choose_period(
        recording,
        tariff,
        start=_aware(arguments.start, settings.site.zone),
        end=_aware(arguments.end, settings.site.zone),
        warm_up=timedelta(days=arguments.warm_up),
    )
    setting = Setting(
        settings=settings,
        tariff=tariff,
        recording=recording,
        stopwatch=WallClock(),
    )
    names = arguments.strategy or [settings.strategy.name]
    total = sum(len(span.grid) for span in period.spans)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        tasks = {name: bar.add_task(name, total=total) for name in dict.fromkeys([PERFECT, SELF_CONSUMPTION, *names])}
        result = Backtest(setting, period, lambda name, count: bar.advance(tasks[name], count)).run(names)
        bar.add_task("report", total=None)
        figures = write(result, arguments.out)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        _print_table(figures)
        if console.is_terminal:
            console.print(f"Why, on one page: {arguments.out / 'report.html'}")
    return 0


def _print_table(figures: dict[str, Any]) -> None:
    table = Table(title=f"{figures['period']['start']} to {figures['period']['end']}, {figures['currency']}")
    for column in ("run", "cost", "saving", "of bound", "cycles", "plans", "seconds"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for name, one in figures["runs"].items():
        share = one["saving_share_of_bound"]
        table.add_row(
            name,
            f"{one['total_cost']:.2f}",
            f"{one['saving']:.2f}",
            "-" if share is None else f"{share:.1%}",
            f"{one['full_cycles']:.1f}",
            str(one["plans"]),
            f"{one['seconds']:.1f}",
        )
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    for name, one in figures["runs"].items():
        if one["failed_plans"] or one["rejected_plans"]:
            print(
                f"{name}: {one['failed_plans']} plans could not be made (the one before was followed for as long as it "
                f"could be trusted), {one['rejected_plans']} would have done worse than self-consumption (which was "
                "followed instead)"
            )


def _aware(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Take an instant without an offset as local time of the home."""
    return instant.replace(tzinfo=zone) if instant is not None and instant.tzinfo is None else instant
