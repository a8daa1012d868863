"""Perfect foresight: the exact optimum of a span known from the first interval to the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.backtest.bill import Flows
from optimizer.backtest.world import Span
from optimizer.domain.battery import Battery
from optimizer.domain.plan import PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.errors import BacktestError
from optimizer.planning.penalties import Penalties
from optimizer.planning.port import Planner

TOLERANCE = 1e-3
"""By how much rounding may let a run seem cheaper than the bound, per 100 of cost at least [currency]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The optimum of one span."""

    flows: Flows
    penalties: Penalties
    """What breaking a limit costs in the optimum's objective: soft limits must count for every run alike."""


def whole_problem(
    span: Span, *, battery: Battery, connection: GridConnection, start_soc: float, credit_per_kwh: float
) -> PlanningProblem:
    """Return a span as one planning problem, its end credited as in the bill."""
    return PlanningProblem(
        grid=span.grid,
        battery=battery,
        connection=connection,
        import_price_per_kwh=tuple(span.buy.tolist()),
        export_price_per_kwh=tuple(span.sell.tolist()),
        scenarios=(Scenario(weight=1.0, load_w=tuple(span.load_w.tolist()), pv_w=tuple(span.pv_w.tolist())),),
        initial_soc=start_soc,
        terminal_value_per_kwh=credit_per_kwh,
    )


def perfect_foresight(problem: PlanningProblem, planners: tuple[Planner, ...]) -> Bound:
    """Return the optimum, from the first planner that proves it.

    Raises
    ------
    BacktestError
        None proves it, as with negative prices over a long time.
    """
    for planner in planners:
        plan = planner.plan(problem, made_at=problem.grid.start)
        if plan.status is PlanStatus.OPTIMAL:
            flows = Flows(
                battery_w=np.array([step.battery_power_w for step in plan.steps]),
                grid_w=np.array([step.grid_power_w for step in plan.steps]),
                curtailed_w=np.array([step.curtailed_w for step in plan.steps]),
                soc=np.array([step.soc_end for step in plan.steps]),
                start_soc=problem.initial_soc,
            )
            return Bound(flows=flows, penalties=Penalties.of(problem))
    msg = (
        f"the perfect-foresight optimum of {len(problem.grid)} intervals from {problem.grid.start.isoformat()} "
        "could not "
        "be proven (negative or crossed prices); choose a shorter period with --start and --end"
    )
    raise BacktestError(msg)


def fine(flows: Flows, penalties: Penalties, connection: GridConnection, hours: float) -> float:
    """Return what a run's excesses over the limits would cost in the bound's objective [currency]."""
    over_w = 0.0
    if connection.max_import_w is not None:
        over_w += float(np.maximum(0.0, flows.grid_w - connection.max_import_w).sum())
    if connection.max_export_w is not None:
        over_w += float(np.maximum(0.0, -flows.grid_w - connection.max_export_w).sum())
    return penalties.limit_per_kwh * hours * over_w / 1000.0


def assert_not_beaten(name: str, cost: float, bound_cost: float) -> None:
    """Stop where a run is cheaper than the optimum: then one of the two is wrong.

    Raises
    ------
    BacktestError
        With both figures.
    """
    if cost < bound_cost - TOLERANCE * max(1.0, abs(bound_cost) / 100.0):
        msg = (
            f"internal error: {name} costs {cost:.4f} and perfect foresight {bound_cost:.4f}, which no run can beat; "
            "nothing was written; please report this with configuration and recording"
        )
        raise BacktestError(msg)
