"""Planning problems for tests: one readable day, and arbitrary small ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from optimizer.domain.battery import Battery
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.time_grid import TimeGrid

START = datetime(2026, 6, 1, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4_600, max_discharge_w=4_600)


def hourly_problem(
    *,
    load_w: tuple[float, ...],
    pv_w: tuple[float, ...] | None = None,
    buy: tuple[float, ...] | float = 0.30,
    sell: tuple[float, ...] | float = 0.08,
    battery: Battery = BATTERY,
    connection: GridConnection | None = None,
    initial_soc: float = 0.5,
    terminal_value_per_kwh: float = 0.10,
    demand_charge: DemandCharge | None = None,
    others: tuple[Scenario, ...] = (),
) -> PlanningProblem:
    """Return a problem in hours; ``others`` are further futures, all equally likely."""
    count = len(load_w)
    futures = (Scenario(weight=1.0, load_w=load_w, pv_w=pv_w or (0.0,) * count), *others)
    weight = 1.0 / len(futures)
    return PlanningProblem(
        grid=TimeGrid(start=START, step=timedelta(hours=1), count=count),
        battery=battery,
        connection=connection or GridConnection(),
        import_price_per_kwh=buy if isinstance(buy, tuple) else (buy,) * count,
        export_price_per_kwh=sell if isinstance(sell, tuple) else (sell,) * count,
        scenarios=tuple(Scenario(weight=weight, load_w=one.load_w, pv_w=one.pv_w) for one in futures),
        initial_soc=initial_soc,
        terminal_value_per_kwh=terminal_value_per_kwh,
        demand_charge=demand_charge,
    )


def _powers(count: int, highest_w: float) -> st.SearchStrategy[tuple[float, ...]]:
    power = st.one_of(st.just(0.0), st.floats(0.0, highest_w).map(lambda watts: round(watts, 1)))
    return st.lists(power, min_size=count, max_size=count).map(tuple)


def _prices(count: int, lowest: float, highest: float) -> st.SearchStrategy[list[float]]:
    price = st.integers(round(lowest * 100), round(highest * 100)).map(lambda cents: cents / 100)
    return st.lists(price, min_size=count, max_size=count)


@st.composite
def batteries(draw: st.DrawFn) -> Battery:
    """Return any battery worth planning for."""
    return Battery(
        usable_capacity_wh=draw(st.sampled_from([2_000.0, 5_000.0, 10_000.0])),
        max_charge_w=draw(st.sampled_from([0.0, 1_000.0, 4_600.0])),
        max_discharge_w=draw(st.sampled_from([0.0, 2_000.0, 4_600.0])),
        charge_efficiency=draw(st.sampled_from([1.0, 0.95, 0.8])),
        discharge_efficiency=draw(st.sampled_from([1.0, 0.95, 0.9])),
        min_soc=draw(st.sampled_from([0.0, 0.1, 0.3])),
        max_soc=draw(st.sampled_from([1.0, 0.9, 0.6])),
        wear_cost_per_kwh=draw(st.sampled_from([0.0, 0.03])),
        standby_w=draw(st.sampled_from([0.0, 20.0])),
    )


@st.composite
def connections(draw: st.DrawFn) -> GridConnection:
    """Return any connection, tight limits included."""
    return GridConnection(
        max_import_w=draw(st.sampled_from([None, None, 0.0, 3_000.0])),
        max_export_w=draw(st.sampled_from([None, None, 0.0, 2_000.0])),
        curtailable=draw(st.booleans()),
        grid_charging=draw(st.booleans()),
        battery_export=draw(st.booleans()),
    )


@st.composite
def problems(
    draw: st.DrawFn, *, most_scenarios: int = 1, wild_prices: bool = False, demand: bool = False
) -> PlanningProblem:
    """Return any problem; ``wild_prices``: negative ones, and export prices above import prices."""
    count = draw(st.integers(1, 12))
    lowest = -0.30 if wild_prices else 0.0
    buy = draw(_prices(count, lowest, 0.40))
    sell = draw(_prices(count, lowest, 0.40 if wild_prices else 0.20))
    if not wild_prices:
        sell = [min(pair) for pair in zip(buy, sell, strict=True)]
    futures = draw(st.integers(1, most_scenarios))
    windows = st.lists(st.booleans(), min_size=count, max_size=count).map(tuple)
    charge = DemandCharge(
        price_per_kw=draw(st.sampled_from([1.0, 10.0])),
        peak_so_far_w=draw(st.sampled_from([0.0, 1500.0])),
        counts=draw(st.none() | windows),
    )
    return PlanningProblem(
        grid=TimeGrid(start=START, step=timedelta(minutes=draw(st.sampled_from([15, 60]))), count=count),
        battery=draw(batteries()),
        connection=draw(connections()),
        import_price_per_kwh=tuple(buy),
        export_price_per_kwh=tuple(sell),
        scenarios=tuple(
            Scenario(weight=1.0 / futures, load_w=draw(_powers(count, 6_000.0)), pv_w=draw(_powers(count, 9_000.0)))
            for _ in range(futures)
        ),
        initial_soc=draw(st.integers(0, 100)) / 100,
        terminal_value_per_kwh=draw(st.integers(round(lowest * 100), 40)) / 100,
        demand_charge=charge if demand else None,
    )
