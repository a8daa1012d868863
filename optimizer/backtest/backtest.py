"""All runs over one period, billed alike and held against the bound."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.assembly.site import build_battery, build_site
from optimizer.backtest.bill import Bill, Flows, make_bill
from optimizer.backtest.bound.freedom import freedom_of
from optimizer.backtest.bound.perfect import (
    Proof,
    assert_not_beaten,
    linear_candidate,
    objective,
    prove,
    require_agreement,
    searched_candidate,
)
from optimizer.backtest.interval_battery import curtailed_w
from optimizer.backtest.past import ReplayHistory
from optimizer.backtest.replay import Replay, Replayed, Setting
from optimizer.backtest.world import Period, Span
from optimizer.control.registry import create_strategy
from optimizer.control.strategy import Strategy
from optimizer.domain.decision import Decision
from optimizer.domain.site import GridConnection

logger = logging.getLogger(__name__)
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
    rejected_plans: int = 0
    seconds: float = 0.0
    decisions: tuple[Decision, ...] = ()
    """Those that differ in kind from the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A whole backtest."""

    period: Period
    setting: Setting
    runs: dict[str, Run]
    proof: Proof
    """That no run can cost less than the bound."""
    credit_per_kwh: float
    """Worth of one stored kWh more at a span's end than at its start [currency/kWh]."""


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
        self._freedom = freedom_of(
            period.spans,
            battery=self._battery,
            connection=self._connection,
            start_soc=setting.start_soc,
            credit_per_kwh=self._credit_per_kwh,
            demand=setting.tariff.demand,
        )

    def run(self, strategies: Sequence[str]) -> Result:
        """Run baselines, bound and strategies.

        Raises
        ------
        BacktestError
            The bound cannot be proven, or a run beats it.
        """
        for name in _asked(strategies):
            self._strategy(name)  # a wrong name is told before the long work, not after
        bound, proof = self._bound()
        runs = self.unbounded(strategies)
        for name, run in runs.items():
            # Who has no battery has no standing loss of one either: the only run that a bound with a battery may miss.
            if name != NO_BATTERY or not self._battery.standby_w:
                assert_not_beaten(name, self._objective(run), proof)
        bound, proof = self._best_known(bound, proof, runs)
        return Result(
            period=self._period,
            setting=self._setting,
            runs={**runs, PERFECT: bound},
            proof=proof,
            credit_per_kwh=self._credit_per_kwh,
        )

    def unbounded(self, strategies: Sequence[str]) -> dict[str, Run]:
        """Run baselines and strategies alone: what they earn against each other needs no bound."""
        runs = {NO_BATTERY: self._idle(), SELF_CONSUMPTION: self._replay(SELF_CONSUMPTION)}
        return runs | {name: self._replay(name) for name in _asked(strategies)}

    def _billed(
        self,
        flows: Sequence[Flows],
        began_s: float,
        *,
        replayed: Sequence[Replayed] = (),
        decisions: Sequence[Decision] = (),
    ) -> Run:
        bill = make_bill(
            self._period.spans,
            flows,
            battery=self._battery,
            credit_per_kwh=self._credit_per_kwh,
            demand=self._setting.tariff.demand,
        )
        return Run(
            flows=tuple(flows),
            bill=bill,
            plans=sum(one.plans for one in replayed),
            failed_plans=sum(one.failed_plans for one in replayed),
            rejected_plans=sum(one.rejected_plans for one in replayed),
            seconds=self._setting.stopwatch.elapsed() - began_s,
            decisions=tuple(decisions),
        )

    def _objective(self, run: Run) -> float:
        return objective(run.bill, run.flows, self._freedom, self._connection)

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
        history = ReplayHistory(self._setting.recording, self._period.start)
        done = [
            Replay(self._setting, span, self._strategy(name), name, history, plans=name != SELF_CONSUMPTION).run(
                lambda count: self._progress(name, count)
            )
            for span in self._period.spans
        ]
        return self._billed([one.flows for one in done], began_s, replayed=done, decisions=history.decisions)

    def _bound(self) -> tuple[Run, Proof]:
        """Return the optimum and its proof: the program finds the path, the recursion proves that none costs less."""
        began_s = self._setting.stopwatch.elapsed()
        candidate = linear_candidate(self._freedom, battery=self._battery)
        run = self._billed(candidate.flows, began_s)
        proof = prove(self._freedom, candidate, self._objective(run))
        if not proof.is_exact:
            candidate = searched_candidate(self._freedom, candidate, battery=self._battery)
            run = self._billed(candidate.flows, began_s)
            proof = prove(self._freedom, candidate, self._objective(run))
        require_agreement(proof)
        if not proof.is_exact:
            logger.warning(
                "negative or crossed prices: the search for the bound ended before its proof; it may lie up to %.2f %s "
                "below what is shown",
                proof.cost - proof.lowest_cost,
                self._setting.settings.site.currency,
            )
        self._progress(PERFECT, sum(len(span.grid) for span in self._period.spans))
        return replace(run, seconds=self._setting.stopwatch.elapsed() - began_s), proof

    def _best_known(self, bound: Run, proof: Proof, runs: dict[str, Run]) -> tuple[Run, Proof]:
        """Return the cheapest path there is: a search that was not finished may have left a dearer one than a run's."""
        if proof.is_exact:
            return bound, proof
        best = min((run for name, run in runs.items() if name != NO_BATTERY), key=self._objective)
        cost = self._objective(best)
        if cost >= proof.cost:
            return bound, proof
        return replace(bound, flows=best.flows, bill=best.bill), replace(proof, cost=cost)


def _asked(strategies: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(strategies) if name not in ALWAYS]


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
