"""The bill: one for every run, whatever made its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.backtest.world import Floats, Span
from optimizer.domain.battery import Battery
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.tariffs.demand import DemandTariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What flowed in one span; arrays have shape (count,)."""

    battery_w: Floats
    """+ charging [W]."""
    grid_w: Floats
    """+ importing [W]."""
    curtailed_w: Floats
    soc: Floats
    """At the end of each interval, 0..1."""
    start_soc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run cost [currency]."""

    energy_cost: float
    wear_cost: float
    demand_cost: float
    stored_energy_credit: float

    @property
    def total_cost(self) -> float:
        """Everything, the credit taken off."""
        return self.energy_cost + self.wear_cost + self.demand_cost - self.stored_energy_credit


def interval_costs(span: Span, flows: Flows, battery: Battery) -> Floats:
    """Return what each interval cost, energy and wear [currency]."""
    grid_kwh = flows.grid_w * span.grid.step_h / 1000.0
    energy: Floats = np.where(grid_kwh > 0, span.buy, span.sell) * grid_kwh
    return energy + wear_costs(span, flows, battery)


def wear_costs(span: Span, flows: Flows, battery: Battery) -> Floats:
    """Return the wear of each interval: per AC energy discharged [currency]."""
    wear: Floats = battery.wear_cost_per_kwh * np.maximum(0.0, -flows.battery_w) * span.grid.step_h / 1000.0
    return wear


def make_bill(
    spans: Sequence[Span],
    flows: Sequence[Flows],
    *,
    battery: Battery,
    credit_per_kwh: float,
    demand: DemandTariff | None,
) -> Bill:
    """Return the bill of a run.

    Parameters
    ----------
    credit_per_kwh
        Worth of one stored kWh more at the end of a span than at its start [currency/kWh].
    """
    pairs = list(zip(spans, flows, strict=True))
    wear = sum(float(wear_costs(span, flow, battery).sum()) for span, flow in pairs)
    costs = sum(float(interval_costs(span, flow, battery).sum()) for span, flow in pairs)
    gained_kwh = sum((float(flow.soc[-1]) - flow.start_soc) for flow in flows) * battery.usable_capacity_wh / 1000.0
    return Bill(
        energy_cost=costs - wear,
        wear_cost=wear,
        demand_cost=0.0 if demand is None else demand_cost(pairs, demand),
        stored_energy_credit=credit_per_kwh * gained_kwh,
    )


def demand_cost(pairs: Sequence[tuple[Span, Flows]], demand: DemandTariff) -> float:
    """Return what the peaks cost: the highest counted mean import of each billing period [currency].

    Imports are averaged over the meter's interval; where the recording is coarser, its own means stand in.
    """
    peaks_w: dict[Interval, float] = {}
    for span, flow in pairs:
        grid, means_w = _metered(span.grid, flow.grid_w, demand)
        for interval, mean_w in zip(grid, means_w, strict=True):
            period = demand.billing_period(interval.start)
            counted_w = max(0.0, float(mean_w)) if demand.counts(interval) else 0.0
            peaks_w[period] = max(peaks_w.get(period, 0.0), counted_w)
    return sum(demand.cost(peak_w) for peak_w in peaks_w.values())


def _metered(grid: TimeGrid, grid_w: Floats, demand: DemandTariff) -> tuple[TimeGrid, npt.NDArray[np.float64]]:
    size = demand.interval // grid.step
    if size <= 1:
        return grid, grid_w
    offset = int(-(grid.start.timestamp() // grid.step_s) % size)
    count = (len(grid) - offset) // size
    if count < 1:
        return grid, grid_w
    whole = grid_w[offset : offset + count * size].reshape(count, size).mean(axis=1)
    return TimeGrid(start=grid.start + offset * grid.step, step=demand.interval, count=count), whole
