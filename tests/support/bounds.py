"""Small periods whose optimum can be found by trying everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np

from optimizer.backtest.bill import Flows, make_bill
from optimizer.backtest.bound.freedom import Freedom, freedom_of
from optimizer.backtest.bound.perfect import (
    Proof,
    linear_candidate,
    objective,
    prove,
    searched_candidate,
)
from optimizer.backtest.interval_battery import curtailed_w
from optimizer.backtest.world import Floats, Span
from optimizer.domain.battery import Battery
from optimizer.domain.site import GridConnection
from optimizer.domain.time_grid import TimeGrid
from optimizer.tariffs.demand import DemandTariff

START = datetime(2024, 1, 31, 22, tzinfo=UTC)
"""Two hours before a month ends, on the clock of UTC."""
LOSSLESS = Battery(
    usable_capacity_wh=2000, max_charge_w=1000, max_discharge_w=1000, charge_efficiency=1.0, discharge_efficiency=1.0
)
NO_LIMITS = GridConnection()


def span_of(
    net_w: list[float],
    buy: list[float],
    sell: list[float],
    *,
    step: timedelta = timedelta(hours=1),
    start: datetime = START,
) -> Span:
    """Return a span in which sun is what the net load lacks."""
    net = np.array(net_w)
    return Span(
        grid=TimeGrid(start=start, step=step, count=len(net_w)),
        load_w=np.maximum(net, 0.0),
        pv_w=np.maximum(-net, 0.0),
        buy=np.array(buy),
        sell=np.array(sell),
    )


def monthly(price_per_kw: float, **changes: object) -> DemandTariff:
    """Return a demand charge on the highest hour of each month."""
    values = {"period": "month", "timezone": ZoneInfo("UTC"), "interval": timedelta(hours=1), **changes}
    return DemandTariff(price_per_kw=price_per_kw, **values)  # type: ignore[arg-type]


class SmallBound:
    """The bound of a few spans, and the cost of any path through them."""

    def __init__(
        self,
        *spans: Span,
        battery: Battery = LOSSLESS,
        connection: GridConnection = NO_LIMITS,
        demand: DemandTariff | None = None,
        credit_per_kwh: float = 0.2,
    ) -> None:
        self.spans, self.battery, self.connection, self.demand = spans, battery, connection, demand
        self.credit_per_kwh = credit_per_kwh
        self.freedom: Freedom = freedom_of(
            spans,
            battery=battery,
            connection=connection,
            start_soc=0.5,
            credit_per_kwh=credit_per_kwh,
            demand=demand,
        )

    def cost(self, flows: tuple[Flows, ...]) -> float:
        bill = make_bill(
            self.spans, flows, battery=self.battery, credit_per_kwh=self.credit_per_kwh, demand=self.demand
        )
        return objective(bill, flows, self.freedom, self.connection)

    def proof(self) -> Proof:
        candidate = linear_candidate(self.freedom, battery=self.battery)
        proof = prove(self.freedom, candidate, self.cost(candidate.flows))
        if not proof.is_exact:
            candidate = searched_candidate(self.freedom, candidate, battery=self.battery)
            proof = prove(self.freedom, candidate, self.cost(candidate.flows))
        return proof

    def cheapest_of_all(self, powers_w: list[float]) -> float:
        """Return the least cost over every sequence of these stored powers in every span."""
        return min(map(self.cost, product(*(self._paths(span, powers_w) for span in self.spans))))

    def _paths(self, span: Span, powers_w: list[float]) -> list[Flows]:
        steps = product(powers_w, repeat=len(span.grid))
        return list(filter(None, (self._path(span, np.array(stored_w)) for stored_w in steps)))

    def _path(self, span: Span, stored_w: Floats) -> Flows | None:
        battery, hours = self.battery, span.grid.step_h
        energy = battery.energy_wh(0.5) + np.cumsum(stored_w - battery.standby_w) * hours
        power = np.array([battery.ac_power_w(one) for one in stored_w.tolist()])
        if energy.min() < battery.min_energy_wh - 1e-9 or energy.max() > battery.max_energy_wh + 1e-9:
            return None
        if not all(self._allowed(*one) for one in zip(power, span.load_w - span.pv_w, strict=True)):
            return None
        triples = zip(span.load_w, span.pv_w, power, strict=True)
        curtailed = np.array([curtailed_w(*triple, self.connection) for triple in triples])
        return Flows(
            battery_w=power,
            grid_w=span.load_w - span.pv_w + power + curtailed,
            curtailed_w=curtailed,
            soc=energy / battery.usable_capacity_wh,
            start_soc=0.5,
        )

    def _allowed(self, power_w: float, net_w: float) -> bool:
        battery, connection = self.battery, self.connection
        if not -battery.max_discharge_w - 1e-9 <= power_w <= battery.max_charge_w + 1e-9:
            return False
        if power_w > 0 and not connection.grid_charging and power_w > max(0.0, -net_w) + 1e-9:
            return False
        over_w = 0.0 if connection.max_export_w is None else -net_w - power_w - connection.max_export_w
        return not (power_w < 0 and over_w > 1e-9)


def random_homes(seed: int, count: int, hours: int) -> Iterator[tuple[list[float], list[float], list[float]]]:
    """Yield net loads in half kilowatts and prices, negative and crossed ones included."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        net = draw.integers(-4, 5, hours) * 500.0
        buy = draw.integers(-2, 9, hours) * 0.05
        sell = draw.integers(-3, 5, hours) * 0.04
        yield net.tolist(), buy.tolist(), sell.tolist()
