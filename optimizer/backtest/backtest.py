"""All runs over one period, billed alike and held against the bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.assembly.site import build_battery, build_site
from optimizer.backtest.bill import Bill, Flows, make_bill
from optimizer.backtest.bound import assert_not_beaten, fine, perfect_foresight, whole_problem
from optimizer.backtest.interval_battery import curtailed_w
from optimizer.backtest.replay import Replay, Setting
from optimizer.backtest.world import Period, Span
from optimizer.control.registry import create_strategy
from optimizer.control.strategy import Strategy
from optimizer.domain.site import GridConnection
from optimizer.errors import BacktestError
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.penalties import Penalties
from optimizer.planning.recursion_planner import RecursionPlanner

NO_BATTERY, SELF_CONSUMPTION, PERFECT = "no_battery", "self_consumption", "perfect_foresight"
ALWAYS = (NO_BATTERY, SELF_CONSUMPTION, PERFECT)
Progress = Callable[[str, int], None]
"""Told the run's name and how many more intervals are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, billed."""

    flows: tuple[Flows, ...]
    bill: Bill
    plans: int = 0
    failed_plans: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A whole backtest."""

    period: Period
    setting: Setting
    runs: dict[str, Run] = field(default_factory=dict)


class Backtest:
    """Runs one period.

    Parameters
    ----------
    setting, period
        The home, and what to replay.
    progress
        Told after every interval.
    """

    def __init__(self, setting: Setting, period: Period, progress: Progress) -> None:
        self._setting, self._period, self._progress = setting, period, progress
        self._battery = build_battery(setting.settings)
        self._connection = build_site(setting.settings).connection
        self._credit_per_kwh = period.mean_import_price * self._battery.discharge_efficiency

    def run(self, strategies: Sequence[str]) -> Result:
        """Run baselines, bound and strategies.

        Raises
        ------
        BacktestError
            The tariff cannot be bounded, or a run beats the bound.
        """
        if self._setting.tariff.demand is not None:
            msg = (
                "tariff.demand: the perfect-foresight bound does not yet know demand charges, and a share of a wrong "
                "bound would mislead; remove the section to replay the energy prices alone"
            )
            raise BacktestError(msg)
        asked = [name for name in dict.fromkeys(strategies) if name not in ALWAYS]
        for name in asked:
            self._strategy(name)  # a wrong name is told before the long work, not after
        bound, penalties = self._bound()
        runs = {NO_BATTERY: self._idle(), SELF_CONSUMPTION: self._replay(SELF_CONSUMPTION)}
        runs |= {name: self._replay(name) for name in asked}
        ceiling = self._objective(bound, penalties)
        for name, run in runs.items():
            assert_not_beaten(name, self._objective(run, penalties), ceiling)
        return Result(period=self._period, setting=self._setting, runs={**runs, PERFECT: bound})

    def _billed(self, flows: Sequence[Flows], began_s: float, *, plans: int = 0, failed_plans: int = 0) -> Run:
        bill = make_bill(
            self._period.spans, flows, battery=self._battery, credit_per_kwh=self._credit_per_kwh, demand=None
        )
        seconds = self._setting.stopwatch.elapsed() - began_s
        return Run(flows=tuple(flows), bill=bill, plans=plans, failed_plans=failed_plans, seconds=seconds)

    def _objective(self, run: Run, penalties: Sequence[Penalties]) -> float:
        hours = self._period.spans[0].grid.step_h
        fines = zip(run.flows, penalties, strict=True)
        return run.bill.total_cost + sum(fine(flow, price, self._connection, hours) for flow, price in fines)

    def _idle(self) -> Run:
        began_s = self._setting.stopwatch.elapsed()
        flows = [without_battery(span, self._connection, self._setting.start_soc) for span in self._period.spans]
        return self._billed(flows, began_s)

    def _strategy(self, name: str) -> Strategy:
        # The baseline is the plain rule, whatever the configuration says of it.
        table = {} if name == SELF_CONSUMPTION else self._setting.settings.strategies.get(name, {})
        return create_strategy(name, table)

    def _replay(self, name: str) -> Run:
        began_s = self._setting.stopwatch.elapsed()
        done = [
            Replay(self._setting, span, self._strategy(name), name).run(lambda count: self._progress(name, count))
            for span in self._period.spans
        ]
        return self._billed(
            [one.flows for one in done],
            began_s,
            plans=sum(one.plans for one in done),
            failed_plans=sum(one.failed_plans for one in done),
        )

    def _bound(self) -> tuple[Run, list[Penalties]]:
        clock = self._setting.stopwatch
        began_s = clock.elapsed()
        planners = (RecursionPlanner(clock=clock), LinearProgramPlanner(clock=clock, time_limit_s=120.0))
        bounds = []
        for span in self._period.spans:
            problem = whole_problem(
                span,
                battery=self._battery,
                connection=self._connection,
                start_soc=self._setting.start_soc,
                credit_per_kwh=self._credit_per_kwh,
            )
            bounds.append(perfect_foresight(problem, planners))
            self._progress(PERFECT, len(span.grid))
        return self._billed([one.flows for one in bounds], began_s), [one.penalties for one in bounds]


def without_battery(span: Span, connection: GridConnection, soc: float) -> Flows:
    """Return what flows where there is no battery; its state of charge stands still, so nothing is credited."""
    curtailed = np.array(
        [curtailed_w(load, pv, 0.0, connection) for load, pv in zip(span.load_w, span.pv_w, strict=True)]
    )
    nothing = np.zeros(len(span.grid))
    return Flows(
        battery_w=nothing,
        grid_w=span.load_w - span.pv_w + curtailed,
        curtailed_w=curtailed,
        soc=nothing + soc,
        start_soc=soc,
    )
