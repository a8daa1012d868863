"""The bill: one for every run, whatever made its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from optimizer.backtest.world import Floats, Span
from optimizer.domain.battery import Battery
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.errors import BacktestError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterInterval:
    """An interval of the billing meter, and the rows of a recording that lie in it."""

    interval: Interval
    first: int
    size: int
    """Rows; fewer than the meter's interval holds where the recording begins or ends within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPeak:
    """The peak of one billing period."""

    period: Interval
    at: datetime
    """Start of the meter's interval that set it; of the period's first where nothing counted was imported."""
    power_w: float
    cost: float


def as_recorded(demand: DemandTariff, start: datetime, step: timedelta) -> DemandTariff:
    """Return how peaks are metered on a recording: by its own intervals where they are no finer than the meter's."""
    return demand if step < demand.interval else replace(demand, interval=step, anchor=start)


def meter_intervals(grid: TimeGrid, demand: DemandTariff) -> list[MeterInterval]:
    """Return the meter's intervals of which at least half was recorded, as history tells means.

    Where the recording is no finer than the meter its own intervals stand in (:func:`as_recorded`).

    Raises
    ------
    BacktestError
        The recording's intervals do not fit into the meter's.
    """
    demand = as_recorded(demand, grid.start, grid.step)
    start = demand.metered(grid.start).start
    if demand.interval % grid.step or (grid.start - start) % grid.step:
        msg = (
            f"the recording's intervals of {grid.step.total_seconds() / 60:g} min from {grid.start:%H:%M} UTC on do "
            f"not fit into the {demand.interval.total_seconds() / 60:g} min over which the meter averages "
            "(tariff.demand.interval): resample the recording"
        )
        raise BacktestError(msg)
    size = demand.interval // grid.step
    before = (grid.start - start) // grid.step
    found = []
    for number in range(-(-(before + len(grid)) // size)):
        first, after = max(0, number * size - before), min(len(grid), (number + 1) * size - before)
        if 2 * (after - first) >= size:
            begins = start + number * demand.interval
            interval = Interval(start=begins, end=begins + demand.interval)
            found.append(MeterInterval(interval=interval, first=first, size=after - first))
    return found


def demand_cost(pairs: Sequence[tuple[Span, Flows]], demand: DemandTariff) -> float:
    """Return what the peaks cost: the highest counted mean import of each billing period [currency]."""
    return sum(peak.cost for peak in billed_peaks(pairs, demand))


def billed_peaks(pairs: Sequence[tuple[Span, Flows]], demand: DemandTariff) -> tuple[BilledPeak, ...]:
    """Return the peak of each billing period: the highest counted mean of what the import register counts."""
    peaks: dict[Interval, tuple[float, datetime]] = {}
    for span, flow in pairs:
        imports_w = np.maximum(0.0, flow.grid_w)
        for metered in meter_intervals(span.grid, demand):
            interval, rows = metered.interval, imports_w[metered.first : metered.first + metered.size]
            counted_w = float(rows.mean()) if demand.counts(interval) else 0.0
            period = demand.billing_period(interval.start)
            if period not in peaks or counted_w > peaks[period][0]:
                peaks[period] = (counted_w, interval.start)
    return tuple(
        BilledPeak(period=period, at=at, power_w=power_w, cost=demand.cost(power_w))
        for period, (power_w, at) in peaks.items()
    )
