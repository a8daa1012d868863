"""Perfect foresight: found by one method, proven by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.backtest.bill import Bill, Flows
from optimizer.backtest.bound.certificate import lowest_cost
from optimizer.backtest.bound.freedom import Freedom, SpanFreedom
from optimizer.backtest.bound.matrix import solve
from optimizer.backtest.bound.program import PeriodProgram, SpanColumns, build_program
from optimizer.backtest.world import Floats
from optimizer.domain.battery import Battery
from optimizer.domain.site import GridConnection
from optimizer.errors import BacktestError

AGREEMENT = 1e-6
"""How far apart, relative to the cost, the two methods may be."""

TIME_LIMIT_S = 120.0
"""A year of quarter hours takes 3 s; only a search over binaries comes near this [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How the optimum was proven, its fines included."""

    cost: float
    """Of the program's path, billed like any run [currency]."""
    lowest_cost: float
    """No run can cost less: by the recursion, or by the search over binaries where that proves more [currency]."""
    recursion_cost: float
    """By the recursion alone [currency]."""
    binaries: bool
    """Whether negative or crossed prices asked for a search."""

    @property
    def is_exact(self) -> bool:
        """Whether path and proof meet."""
        return self.cost - self.lowest_cost <= tolerance(self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The program's path, and what the solver proved."""

    flows: tuple[Flows, ...]
    lowest: float | None
    """What the search proved [currency]; None: without binaries."""
    peak_prices: Floats


def linear_candidate(freedom: Freedom, *, battery: Battery) -> Candidate:
    """Return the path of the linear program: the optimum where no price rewards what no home can do."""
    built = build_program(freedom, binaries=False)
    solution = solve(built.program, time_limit_s=TIME_LIMIT_S)
    if solution is None:
        raise BacktestError(_too_long("linear program"))
    prices = solution.row_prices[built.peak_rows] if len(built.peak_rows) else np.zeros(0)
    return Candidate(flows=_flows(freedom, built, solution.values, battery), lowest=None, peak_prices=prices)


def searched_candidate(freedom: Freedom, linear: Candidate, *, battery: Battery) -> Candidate:
    """Return the path of the program with binaries; ``linear`` where none are needed.

    A search that runs out of time leaves a path and a proof that do not quite meet.

    Raises
    ------
    BacktestError
        No path is found in time.
    """
    built = build_program(freedom, binaries=True)
    if not built.program.has_binaries:
        return linear
    solution = solve(built.program, time_limit_s=TIME_LIMIT_S)
    if solution is None:
        raise BacktestError(_too_long("search that negative or crossed prices ask for"))
    return Candidate(
        flows=_flows(freedom, built, solution.values, battery),
        lowest=solution.lowest + freedom.credit,
        peak_prices=linear.peak_prices,
    )


def prove(freedom: Freedom, candidate: Candidate, cost: float) -> Proof:
    """Return what is proven of a path that costs so much, fines included."""
    recursion = lowest_cost(freedom, candidate.peak_prices)
    lowest = recursion if candidate.lowest is None else max(recursion, candidate.lowest)
    return Proof(cost=cost, lowest_cost=lowest, recursion_cost=recursion, binaries=candidate.lowest is not None)


def require_agreement(proof: Proof) -> None:
    """Stop where the two methods disagree.

    With binaries the recursion, which relaxes them, proves less than the search; it never may prove more.

    Raises
    ------
    BacktestError
        With both figures.
    """
    above = proof.recursion_cost > proof.cost + tolerance(proof.cost)
    if above or not (proof.is_exact or proof.binaries):
        msg = (
            f"internal error: the program finds a perfect-foresight cost of {proof.cost:.6f} and the recursion proves "
            f"{proof.recursion_cost:.6f}; they must agree; nothing was written; please report this with configuration "
            "and recording"
        )
        raise BacktestError(msg)


def tolerance(cost: float) -> float:
    """Return by how much rounding may tell costs apart [currency]."""
    return AGREEMENT * max(1.0, abs(cost))


def fine(flows: Sequence[Flows], freedom: Freedom, connection: GridConnection) -> float:
    """Return what a run's excesses over the limits cost in the bound's objective [currency]."""
    total_kwh = 0.0
    for span, flow in zip(freedom.spans, flows, strict=True):
        over_w = 0.0
        if connection.max_import_w is not None:
            over_w += float(np.maximum(0.0, flow.grid_w - connection.max_import_w).sum())
        if connection.max_export_w is not None:
            over_w += float(np.maximum(0.0, -flow.grid_w - connection.max_export_w).sum())
        total_kwh += over_w * span.scaled.step_h / 1000.0
    return freedom.fine_per_kwh * total_kwh


def objective(bill: Bill, flows: Sequence[Flows], freedom: Freedom, connection: GridConnection) -> float:
    """Return what a run costs with its fines: what the bound is the least of [currency]."""
    return bill.total_cost + fine(flows, freedom, connection)


def assert_not_beaten(name: str, cost: float, proof: Proof) -> None:
    """Stop where a run is cheaper than the optimum: then one of the two is wrong.

    Raises
    ------
    BacktestError
        With both figures.
    """
    if cost < proof.lowest_cost - tolerance(proof.lowest_cost):
        msg = (
            f"internal error: {name} costs {cost:.6f} and perfect foresight {proof.cost:.6f}, which no run can beat; "
            "nothing was written; please report this with configuration and recording"
        )
        raise BacktestError(msg)


def _flows(freedom: Freedom, built: PeriodProgram, values: Floats, battery: Battery) -> tuple[Flows, ...]:
    pairs = zip(freedom.spans, built.spans, strict=True)
    return tuple(_span_flows(span, columns, values, battery) for span, columns in pairs)


def _span_flows(span: SpanFreedom, columns: SpanColumns, values: Floats, battery: Battery) -> Flows:
    """Follow the program's energies: what it charges and discharges at once, or curtails by choice, is not done."""
    scaled = span.scaled
    energy = np.clip(values[columns.energy], scaled.lowest_kwh, scaled.highest_kwh)
    before = np.concatenate([[scaled.start_kwh], energy[:-1]])
    stored_w = 1000.0 * (energy - before + scaled.standby_kwh) / scaled.step_h
    power_w = np.where(stored_w >= 0, stored_w / battery.charge_efficiency, stored_w * battery.discharge_efficiency)
    # A solver keeps to bounds within its tolerance; a microwatt of either is no decision.
    power_w = np.where(np.abs(power_w) < 1e-6, 0.0, power_w)
    surplus_w = -(1000.0 * np.array(span.steps.net_load_kw) + power_w)
    limit_w = np.inf if scaled.export_limit_kw is None else 1000.0 * scaled.export_limit_kw
    curtailed_w = np.clip(surplus_w - limit_w, 0.0, span.forced_w)
    return Flows(
        battery_w=power_w,
        grid_w=-surplus_w + curtailed_w,
        curtailed_w=curtailed_w,
        soc=energy / scaled.capacity_kwh,
        start_soc=scaled.start_kwh / scaled.capacity_kwh,
    )


def _too_long(what: str) -> str:
    return (
        f"the perfect-foresight optimum could not be proven: the {what} takes longer than {TIME_LIMIT_S:.0f} s; "
        "choose a shorter period with --start and --end"
    )
