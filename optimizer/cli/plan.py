"""``sunshift plan``: the plan as it would be made now, or that of a dumped problem."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from optimizer.clock import Clock, WallClock
from optimizer.domain.plan import FlagKind, Plan
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.errors import PlanningError
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.port import Planner
from optimizer.planning.problem_json import plan_to_json, problem_from_json, problem_to_json
from optimizer.planning.recursion_planner import RecursionPlanner

log = logging.getLogger(__name__)

TIME_LIMIT_S = 10.0
"""How long to search for the plan of a dumped problem, which carries no ``planning.time_limit`` [s]."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, metavar="FILE", help="plan for this configuration, as of now")
    source.add_argument("--problem", type=Path, metavar="FILE.json", help="plan a dumped problem")
    parser.add_argument(
        "--method", choices=("lp", "recursion"), help="how to plan (default: as configured, lp for a dumped problem)"
    )
    parser.add_argument("--dump", type=Path, metavar="FILE.json", help="write the problem, so that it can be replayed")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")


def run(arguments: argparse.Namespace) -> int:
    """Plan, and print the plan."""
    clock = WallClock()
    if arguments.problem:
        plan = planner_for(arguments.method or "lp", clock).plan(read_problem(arguments.problem), made_at=clock.now())
        timezone: tzinfo = UTC
    else:
        plan, timezone = plan_now(arguments.config, arguments.method, clock)
    if arguments.dump:
        write_problem(arguments.dump, plan.problem)
    if arguments.json:
        print(plan_to_json(plan))
    else:
        print_plan(plan, Console(width=None if sys.stdout.isatty() else 110), timezone)
    return 0


def plan_now(config: Path, method: str | None, clock: Clock) -> tuple[Plan, ZoneInfo]:
    """Return the plan as the service would make it now, from a fresh reading of the battery, and the home's zone.

    Raises
    ------
    SunshiftError
        The configuration, the battery, the tariff or the planner failed; its text says which and why.
    """
    # What a dumped problem does not need is imported only here: `plan --problem` starts without pandas.
    from optimizer.assembly.configuration import load_configuration  # noqa: PLC0415
    from optimizer.assembly.device import build_device  # noqa: PLC0415
    from optimizer.assembly.history import build_history  # noqa: PLC0415
    from optimizer.assembly.planner import build_planner  # noqa: PLC0415
    from optimizer.assembly.planning import build_desk  # noqa: PLC0415

    configuration = load_configuration(config)
    device = build_device(configuration, clock=clock)
    timezone = ZoneInfo(configuration.settings.site.timezone)
    limit_s = configuration.settings.planning.time_limit.total_seconds()
    other = None if method is None else planner_for(method, clock, time_limit_s=limit_s)
    with build_history(configuration.settings, clock=clock) as history, closing(device):
        desk = build_desk(configuration, clock=clock, history=history)
        now, measurement = clock.now(), device.read()
        done = desk.replan(now, measurement)
        plan = done.plan
        if plan is None:
            name, why = configuration.settings.strategy.name, done.rejected or "it needs none"
            log.warning("strategy %s keeps to no plan now (%s); this is the one of least cost", name, why)
            planner = build_planner(configuration.settings, clock=clock) if other is None else other
            return planner.plan(desk.problem(now, measurement), made_at=now), timezone
    return plan if other is None or method == plan.method else replanned(plan, other), timezone


def replanned(plan: Plan, planner: Planner) -> Plan:
    """Return another planner's plan for the same problem, with what was assumed in posing it."""
    other = planner.plan(plan.problem, made_at=plan.made_at)
    assumed = [flag for flag in plan.flags if flag.kind in (FlagKind.PRICES_ASSUMED, FlagKind.FORECAST_DEFAULT)]
    return replace(other, flags=(*other.flags, *assumed))


def planner_for(method: str, clock: Clock, *, time_limit_s: float = TIME_LIMIT_S) -> Planner:
    """Return the planner of that name, the solver searching at most so long [s]."""
    if method == "recursion":
        return RecursionPlanner(clock=clock)
    return LinearProgramPlanner(clock=clock, time_limit_s=time_limit_s)


def read_problem(path: Path) -> PlanningProblem:
    """Return the problem in a file.

    Raises
    ------
    PlanningError
        The file cannot be read, or what stands in it is no planning problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise PlanningError(msg) from error
    try:
        return problem_from_json(text)
    except PlanningError as error:
        msg = f"{path}: {error}"
        raise PlanningError(msg) from error


def write_problem(path: Path, problem: PlanningProblem) -> None:
    """Write a problem as JSON.

    Raises
    ------
    PlanningError
        The file cannot be written.
    """
    try:
        path.write_text(problem_to_json(problem) + "\n", encoding="utf-8")
    except OSError as error:
        msg = f"{path}: the problem cannot be written: {error}"
        raise PlanningError(msg) from error


def print_plan(plan: Plan, console: Console, timezone: tzinfo) -> None:
    """Print the plan for a person, on the home's own clock."""
    console.print(plan_table(plan, timezone))
    energy = "" if plan.energy_cost is None else f"energy cost {plan.energy_cost:.4f}, "
    console.print(
        f"{plan.status.value} by {plan.method} in {plan.seconds * 1000:.0f} ms: objective {plan.objective:.4f}, "
        f"{energy}highest import {plan.peak_import_w:.0f} W",
        highlight=False,
    )
    for flag in plan.flags:
        console.print(f"! {flag.kind.value}: {flag.message}", highlight=False, style="yellow")


def plan_table(plan: Plan, timezone: tzinfo) -> Table:
    """Return the plan's steps as a table; powers in W, money per kWh, the expected path of all scenarios."""
    problem = plan.problem
    futures = len(problem.scenarios)
    start = plan.grid.start.astimezone(timezone)
    table = Table(title=f"Plan from {start:%Y-%m-%d %H:%M %Z}, {futures} scenario{'s' if futures != 1 else ''}")
    headings = ("start", "import", "export", "load W", "pv W", "battery W", "grid W", "cut W", "soc", "value/kWh")
    for heading in headings:
        table.add_column(heading, justify="right")
    for index, step in enumerate(plan.steps):
        load, pv = (sum(s.weight * getattr(s, name)[index] for s in problem.scenarios) for name in ("load_w", "pv_w"))
        table.add_row(
            f"{step.start.astimezone(timezone):%d. %H:%M}",
            f"{problem.import_price_per_kwh[index]:.4f}",
            f"{problem.export_price_per_kwh[index]:.4f}",
            f"{load:.0f}",
            f"{pv:.0f}",
            f"{step.battery_power_w:+.0f}",
            f"{step.grid_power_w:+.0f}",
            f"{step.curtailed_w:.0f}",
            f"{step.soc_end:.1%}",
            f"{step.energy_value_per_kwh:.4f}",
        )
    return table
