"""What the optimum is free to do: exactly what a replayed run is free to do, over all spans at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.backtest.bill import meter_intervals
from optimizer.backtest.world import Floats, Span
from optimizer.domain.battery import Battery
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.time_grid import Interval
from optimizer.planning.penalties import Penalties
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps, scale_problem
from optimizer.planning.step_arrays import StepArrays
from optimizer.tariffs.demand import DemandTariff

FINE_TIER = 10.0
"""Times the largest price: storing a kWh to keep a limit costs less than breaking it, losses included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFreedom:
    """One span, ready for either method; arrays have shape (count,)."""

    scaled: ScaledProblem
    forced_w: Floats
    """PV the inverter must hold back with the battery at rest [W]."""

    @property
    def steps(self) -> ScenarioSteps:
        """Its only future: the truth."""
        return self.scaled.scenarios[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredInterval:
    """An interval of the meter whose mean import counts towards a billing peak."""

    span: int
    first: int
    size: int
    """How many intervals of the recording it holds."""
    period: int
    """Which billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom:
    """The whole problem; spans are independent but for the billing peaks they share."""

    spans: tuple[SpanFreedom, ...]
    credit: float
    """Worth of the energy that the spans start with: what the bill does not pay for [currency]."""
    fine_per_kwh: float
    """What energy beyond a limit of the connection costs in the objective, of every run alike [currency/kWh]."""
    metered: tuple[MeteredInterval, ...] = ()
    periods: int = 0
    peak_price_per_kw: float = 0.0
    free_kw: float = 0.0


def freedom_of(
    spans: Sequence[Span],
    *,
    battery: Battery,
    connection: GridConnection,
    start_soc: float,
    credit_per_kwh: float,
    demand: DemandTariff | None,
) -> Freedom:
    """Return what may be done in the spans, their ends credited as in the bill."""
    prices = np.concatenate([np.concatenate([span.buy, span.sell]) for span in spans])
    dearest = max(0.01, abs(credit_per_kwh), battery.wear_cost_per_kwh, float(np.abs(prices).max()))
    fine_per_kwh = FINE_TIER * dearest / battery.round_trip_efficiency
    metered, periods = _metered(spans, demand)
    return Freedom(
        spans=tuple(
            _span_freedom(
                whole_problem(
                    span,
                    battery=battery,
                    connection=connection,
                    start_soc=start_soc,
                    credit_per_kwh=credit_per_kwh,
                ),
                fine_per_kwh,
            )
            for span in spans
        ),
        credit=len(spans) * credit_per_kwh * battery.energy_wh(start_soc) / 1000.0,
        fine_per_kwh=fine_per_kwh,
        metered=metered,
        periods=periods,
        peak_price_per_kw=0.0 if demand is None else demand.price_per_kw,
        free_kw=0.0 if demand is None else demand.free_kw,
    )


def whole_problem(
    span: Span, *, battery: Battery, connection: GridConnection, start_soc: float, credit_per_kwh: float
) -> PlanningProblem:
    """Return a span as one planning problem, its end credited as in the bill, demand charges aside."""
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


def _span_freedom(problem: PlanningProblem, fine_per_kwh: float) -> SpanFreedom:
    scaled = scale_problem(problem)
    arrays = scaled.arrays
    forced_kw = np.zeros(scaled.count)
    if scaled.curtailable and scaled.export_limit_kw is not None:
        forced_kw = np.maximum(0.0, -arrays.net_load_kw[0] - scaled.export_limit_kw)
        arrays = _without_choice(arrays, scaled.export_limit_kw, forced_kw)
    return SpanFreedom(
        scaled=replace(
            scaled,
            # An inverter curtails at the feed-in limit and nowhere else: without one there is nothing to curtail.
            curtailable=scaled.curtailable and scaled.export_limit_kw is not None,
            penalties=Penalties(band_per_kwh=fine_per_kwh, limit_per_kwh=fine_per_kwh),
            arrays=arrays,
        ),
        forced_w=1000.0 * forced_kw,
    )


def _without_choice(arrays: StepArrays, limit_kw: float, forced_kw: Floats) -> StepArrays:
    """Take the choice to curtail away where the limit does not ask for it, and discharging into a curtailed roof."""
    room_kw = np.maximum(0.0, limit_kw + arrays.net_load_kw)
    return replace(
        arrays,
        pv_kw=np.where(forced_kw > 0.0, arrays.pv_kw, 0.0),
        max_discharge_kw=np.minimum(arrays.max_discharge_kw, room_kw),
    )


def _metered(spans: Sequence[Span], demand: DemandTariff | None) -> tuple[tuple[MeteredInterval, ...], int]:
    if demand is None or demand.price_per_kw <= 0:
        return (), 0
    numbers: dict[Interval, int] = {}
    found = []
    for number, span in enumerate(spans):
        for one in meter_intervals(span.grid, demand):
            if demand.counts(one.interval):
                period = numbers.setdefault(demand.billing_period(one.interval.start), len(numbers))
                found.append(MeteredInterval(span=number, first=one.first, size=one.size, period=period))
    return tuple(found), len(numbers)
