"""How long a plan takes: build, solve, read and check, on synthetic days.

"lp" and "recursion" are the two methods of ``[planning]``: under "lp" the recursion stands in where it must.

Run with ``python benchmarks/planning_time.py``. Medians on a shared machine are noisy; ratios within one run
hold better.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from optimizer.clock import WallClock
from optimizer.domain.battery import Battery
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.time_grid import TimeGrid
from optimizer.planning.port import Planner
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.reliable_planner import ReliablePlanner

START = datetime(2026, 6, 1, tzinfo=UTC)
STEPS_PER_DAY = 96
TARGETS_MS = {
    "192 steps": 60.0,
    "192 steps x 20": 600.0,
    "192 steps x 20, limits": 600.0,
    "192 steps x 20, demand charge": 600.0,
    "192 steps x 20, negative noon": 1500.0,
}


def future(rng: random.Random, count: int, weight: float) -> Scenario:
    """Return one synthetic future: a spiky load, and sun under a sky of its own for each day."""
    skies = [rng.uniform(0.2, 1.0) for _ in range(count // STEPS_PER_DAY + 1)]
    hours = [24.0 * step / STEPS_PER_DAY for step in range(count)]
    evening = (500.0 * math.exp(-(((hour % 24.0 - 19.0) / 2.0) ** 2)) for hour in hours)
    load = (250.0 + 2_500.0 * rng.random() ** 6 + watts for watts in evening)
    sun = (max(0.0, 6_000.0 * math.sin((hour % 24.0 - 6.0) / 12.0 * math.pi)) for hour in hours)
    pv = (watts * skies[step // STEPS_PER_DAY] for step, watts in enumerate(sun))
    return Scenario(weight=weight, load_w=tuple(load), pv_w=tuple(pv))


def day_ahead_price(rng: random.Random, step: int) -> float:
    """Return a price with a morning and an evening peak, changing every hour [currency/kWh]."""
    hour = step * 24.0 / STEPS_PER_DAY
    return round(0.26 - 0.07 * math.cos(hour / 6.0 * math.pi) + 0.02 * rng.random(), 4)


def synthetic(count: int, scenarios: int) -> PlanningProblem:
    """Return an ordinary problem in quarter hours."""
    rng = random.Random(20)
    return PlanningProblem(
        grid=TimeGrid(start=START, step=timedelta(minutes=15), count=count),
        battery=Battery(usable_capacity_wh=10_000, max_charge_w=4_600, max_discharge_w=4_600),
        connection=GridConnection(),
        import_price_per_kwh=tuple(day_ahead_price(rng, step // 4 * 4) for step in range(count)),
        export_price_per_kwh=(0.08,) * count,
        scenarios=tuple(future(rng, count, 1.0 / scenarios) for _ in range(scenarios)),
        initial_soc=0.5,
        terminal_value_per_kwh=0.18,
    )


def with_negative_noon(problem: PlanningProblem) -> PlanningProblem:
    """Return the problem with both prices 35 ct lower in 16 quarter hours around the first noon."""
    shift = [-0.35 if 44 <= step < 60 else 0.0 for step in range(len(problem.grid))]
    return replace(
        problem,
        import_price_per_kwh=tuple(map(sum, zip(problem.import_price_per_kwh, shift, strict=True))),
        export_price_per_kwh=tuple(map(sum, zip(problem.export_price_per_kwh, shift, strict=True))),
    )


def cases() -> dict[str, PlanningProblem]:
    """Return the problems to time, by name."""
    one, many = synthetic(192, 1), synthetic(192, 20)
    limits = GridConnection(max_import_w=6_000, max_export_w=3_000, curtailable=True)
    demand = DemandCharge(price_per_kw=5.0, peak_so_far_w=1_000)
    return {
        "96 steps": synthetic(96, 1),
        "192 steps": one,
        "192 steps, limits": replace(one, connection=limits),
        "192 steps, demand charge": replace(one, demand_charge=demand),
        "192 steps, negative noon": with_negative_noon(one),
        "192 steps x 20": many,
        "192 steps x 20, limits": replace(many, connection=limits),
        "192 steps x 20, demand charge": replace(many, demand_charge=demand),
        "192 steps x 20, negative noon": with_negative_noon(many),
    }


def median_ms(planner: Planner, problem: PlanningProblem, repeats: int) -> float:
    """Return the median time of a plan, after one that warms up [ms]."""
    clock = WallClock()
    planner.plan(problem, made_at=START)
    times = []
    for _ in range(repeats):
        started = clock.elapsed()
        planner.plan(problem, made_at=START)
        times.append(clock.elapsed() - started)
    return 1_000.0 * statistics.median(times)


def main() -> None:
    """Time every case both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="plans per case (default: %(default)s)")
    repeats = parser.parse_args().repeats
    table = Table(title=f"Time for one plan, median of {repeats} [ms]")
    for heading in ("problem", "lp", "aim", "recursion", "ratio"):
        table.add_column(heading, justify="left" if heading == "problem" else "right")
    for name, problem in cases().items():
        by_program = median_ms(ReliablePlanner(clock=WallClock()), problem, repeats)
        by_recursion = median_ms(RecursionPlanner(clock=WallClock()), problem, repeats)
        aim = f"{TARGETS_MS[name]:.0f}" if name in TARGETS_MS else ""
        table.add_row(name, f"{by_program:.1f}", aim, f"{by_recursion:.1f}", f"{by_program / by_recursion:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
