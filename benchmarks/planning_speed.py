"""How fast the recursion is, in plain Python and compiled, against the linear program in the same run.

"program" is PuLP and HiGHS: the model built and solved. "plain" and "compiled" are the whole call of a planner as the
replay makes it: problem checked and scaled, every future recursed, the first interval decided, and the expected worth
of stored energy at its end. Times are the fastest of a few runs and depend on the machine; ratios hold better.

Run with ``python benchmarks/planning_speed.py``; ``--full`` plans every quarter hour of the rolling year, not a tenth.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import process_time

import numpy as np
from planning_time import START, STEPS_PER_DAY, day_ahead_price, future, synthetic
from rich.console import Console
from rich.progress import track
from rich.table import Table

from optimizer.clock import WallClock
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.row import Row
from optimizer.domain.scenario import Scenario
from optimizer.domain.switching import Switching
from optimizer.domain.time_grid import TimeGrid
from optimizer.planning.first_interval import first_decision
from optimizer.planning.kernel.choice import Kernel, compiled, plain, why_not_compiled
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.paths import expected_money
from optimizer.planning.recursion import worths_of
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import scale_problem

YEAR = 365 * STEPS_PER_DAY
HORIZON = 2 * STEPS_PER_DAY
FUTURES = 21
CASES = ((96, 1), (192, 1), (384, 1), (YEAR, 1), (192, 21), (192, 30))
AIMS_MS = {("plain", 192, 1): 1.0, ("compiled", 192, 1): 0.15, ("plain", YEAR, 1): 1000.0}
SWITCHING = Switching(share=0.3, every=timedelta(hours=3))
"""As the service plans by default."""
CLOCK = WallClock()


def as_forecast(problem: PlanningProblem) -> PlanningProblem:
    """Return the problem with its numbers in rows, as forecaster and price outlook hand them out."""
    rows = (replace(one, load_w=Row(one.load_w), pv_w=Row(one.pv_w)) for one in problem.scenarios)
    buy, sell = Row(problem.import_price_per_kwh), Row(problem.export_price_per_kwh)
    return replace(problem, scenarios=tuple(rows), import_price_per_kwh=buy, export_price_per_kwh=sell)


def by_program(problem: PlanningProblem) -> float:
    """Return the optimum by the linear program."""
    return solve(build_model(scale_problem(problem), taste=False).problem, time_limit_s=600.0, binaries=False).objective


def by_recursion(kernel: Kernel) -> Callable[[PlanningProblem], float]:
    """Return what plans as the replay does."""
    planner = RecursionPlanner(clock=CLOCK, audited=False, kernel=kernel)

    def optimum(problem: PlanningProblem) -> float:
        plan = planner.plan(problem, made_at=START)
        assert plan.values[0].slope_per_kwh
        return plan.objective

    return optimum


def with_path(problem: PlanningProblem) -> float:
    """Find the optimum in plain Python, follow it to its end, and reckon what the path costs."""
    scaled, no_peak = scale_problem(problem), np.array([math.inf])
    worths = worths_of(scaled, kernel=plain)
    first = first_decision(scaled, worths, no_peak)
    cost = expected_money(scaled, roll_out(scaled, worths, no_peak, first.battery_kw)).objective
    assert abs(cost - first.expected_cost) <= 1e-6 * max(1.0, abs(cost))
    return cost


def fastest_ms(plan: Callable[[PlanningProblem], float], problem: PlanningProblem, repeats: int) -> float:
    """Return the fastest of several runs, after one that warms up where there are several [ms]."""
    times = []
    for _ in range(repeats + (repeats > 1)):
        before = CLOCK.elapsed()
        plan(problem)
        times.append(CLOCK.elapsed() - before)
    return 1000.0 * min(times)


def methods() -> dict[str, Callable[[PlanningProblem], float]]:
    """Return what can be timed here, by name."""
    found = {"program": by_program, "plain": by_recursion(plain)}
    return found if why_not_compiled() else {**found, "compiled": by_recursion(compiled)}


def single_plans(console: Console, repeats: int) -> None:
    """Time one plan of each size every way, and hold the optima to each other."""
    table = Table(title=f"One plan, fastest of {repeats} [ms]")
    for heading in ("steps", "futures", "method", "time", "aim", "program / it", "µs per step and future"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for steps, futures in CASES:
        problem = as_forecast(synthetic(steps, futures))
        optima, reference = {}, math.nan
        for name, plan in methods().items():
            optima[name] = plan(problem)
            slow = name == "program" and steps * futures > 1000
            time = fastest_ms(plan, problem, 1 if slow else repeats)
            reference = time if name == "program" else reference
            aim = AIMS_MS.get((name, steps, futures))
            told = "" if aim is None else f"{aim:g}"
            ratio, each = f"{reference / time:.0f}", f"{1000.0 * time / steps / futures:.2f}"
            table.add_row(str(steps), str(futures), name, f"{time:.3f}", told, ratio, each)
        apart = max(optima.values()) - min(optima.values())
        assert apart <= 1e-6 * max(1.0, abs(optima["program"])), optima
    console.print(table)
    path_ms = fastest_ms(with_path, synthetic(YEAR, 1), 2)
    console.print(f"the year-long optimum with its path, plain: {path_ms / 1000.0:.2f} s")


def switching_plans(console: Console, repeats: int) -> None:
    """Time a plan whose futures change into one another, beside the same with futures known to their end."""
    known = synthetic(HORIZON, FUTURES)
    switching = replace(known, switching=SWITCHING)
    for name, plan in methods().items():
        if name != "program":
            times = [fastest_ms(plan, problem, repeats) for problem in (known, switching)]
            console.print(
                f"{HORIZON} x {FUTURES}, {name}: {times[0]:.2f} ms, {times[1]:.2f} ms where futures change every 3 h "
                f"({times[1] / times[0]:.1f} times)"
            )


class RollingYear:
    """A synthetic year of quarter hours, planned anew in each, its futures the last 21 days moved to today."""

    def __init__(self, switching: Switching | None) -> None:
        rng = random.Random(7)
        self._switching = switching
        count = YEAR + HORIZON + FUTURES * STEPS_PER_DAY
        home = future(rng, count, 1.0)
        self._load, self._pv = Row(home.load_w), Row(home.pv_w)
        self._buy = Row(day_ahead_price(rng, step // 4 * 4) for step in range(count))
        self._template = as_forecast(synthetic(HORIZON, 1))

    def problem(self, step: int) -> PlanningProblem:
        """Return the problem posed in an interval of the year."""
        now = step + FUTURES * STEPS_PER_DAY
        pasts = [slice(past, past + HORIZON) for past in range(now - FUTURES * STEPS_PER_DAY, now, STEPS_PER_DAY)]
        template = self._template
        return PlanningProblem(
            grid=TimeGrid(start=START + step * timedelta(minutes=15), step=timedelta(minutes=15), count=HORIZON),
            battery=template.battery,
            connection=template.connection,
            import_price_per_kwh=self._buy[now : now + HORIZON],
            export_price_per_kwh=template.export_price_per_kwh,
            scenarios=tuple(
                Scenario(weight=1.0 / FUTURES, load_w=self._load[past], pv_w=self._pv[past]) for past in pasts
            ),
            initial_soc=0.5 + 0.4 * math.sin(step / 15.0),
            terminal_value_per_kwh=0.18,
            switching=self._switching,
        )


def rolling_year(
    console: Console,
    plan: Callable[[PlanningProblem], float],
    name: str,
    every: int,
    *,
    switching: Switching | None = None,
) -> float:
    """Plan every so many quarter hours of a year; print and return the time of the whole one [s]."""
    year, before, cpu_before = RollingYear(switching), CLOCK.elapsed(), process_time()
    plans = range(0, YEAR, every)
    for step in track(plans, description=f"rolling year, {name}", console=console, transient=True):
        plan(year.problem(step))
    spent, cpu = CLOCK.elapsed() - before, process_time() - cpu_before
    whole, cpu = spent * YEAR / len(plans), cpu * YEAR / len(plans)
    counted = "all planned" if every == 1 else f"reckoned from {len(plans)} plans in {spent:.1f} s"
    console.print(
        f"rolling year, {name}: {YEAR} plans of {HORIZON} steps with {FUTURES} futures in {whole:.0f} s, "
        f"{1000.0 * whole / YEAR:.2f} ms each; {cpu:.0f} s of one core ({counted})"
    )
    return whole


def main() -> None:
    """Print every figure and its ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="plan every quarter hour of the rolling year")
    parser.add_argument("--repeats", type=int, default=9, help="runs per case (default: %(default)s)")
    arguments = parser.parse_args()
    console, ways = Console(), methods()
    if "compiled" in ways:
        before = CLOCK.elapsed()
        ways["compiled"](synthetic(96, 1))
        console.print(f"first compiled plan of this process: {CLOCK.elapsed() - before:.2f} s")
    else:
        console.print(f"no compiled figures: {why_not_compiled()}")
    single_plans(console, arguments.repeats)
    switching_plans(console, arguments.repeats)
    fast = "compiled" if "compiled" in ways else "plain"
    each = 1 if arguments.full else 10
    whole = rolling_year(console, ways[fast], fast, each)
    rolling_year(console, ways[fast], f"{fast}, futures that change", each, switching=SWITCHING)
    if fast != "plain":
        rolling_year(console, ways["plain"], "plain", 200)
    program = rolling_year(console, ways["program"], "program", 4000)
    console.print(f"program / {fast}: {program / whole:.0f}; aim of the compiled rolling year: 60 s")


if __name__ == "__main__":
    main()
