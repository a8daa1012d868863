"""Situations, plans and energy values for tests: made by hand, or by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from optimizer.control.strategy import Previous, Situation, Wish
from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.plan import Plan, PlanStatus, PlanStep
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection, Site
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.planning.present import Regime

START = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
STEP = timedelta(minutes=15)
BATTERY = Battery(usable_capacity_wh=10_000.0, max_charge_w=4600.0, max_discharge_w=4600.0)
SITE = Site(timezone=ZoneInfo("Europe/Berlin"))


def value_of(*slopes: float, capacity_wh: float = 10_000.0) -> EnergyValue:
    """Return a worth with equally wide segments."""
    width = capacity_wh / len(slopes)
    return EnergyValue(tuple(index * width for index in range(len(slopes) + 1)), slopes)


def plan_of(
    *values: EnergyValue,
    start: datetime = START,
    count: int = 8,
    load_w: Sequence[float] | None = None,
    battery: Battery = BATTERY,
    connection: GridConnection | None = None,
    made_at: datetime | None = None,
) -> Plan:
    """Return a plan that carries the given worths (the last one for all that follow)."""
    grid = TimeGrid(start=start, step=STEP, count=count)
    worths = [values[min(index, len(values) - 1)] for index in range(count)]
    problem = PlanningProblem(
        grid=grid,
        battery=battery,
        connection=connection or GridConnection(),
        import_price_per_kwh=(0.30,) * count,
        export_price_per_kwh=(0.08,) * count,
        scenarios=(Scenario(weight=1.0, load_w=tuple(load_w or (500.0,) * count), pv_w=(0.0,) * count),),
        initial_soc=0.5,
        terminal_value_per_kwh=0.1,
    )
    steps = tuple(
        PlanStep(
            start=one.start,
            battery_power_w=0.0,
            grid_power_w=problem.scenarios[0].load_w[index],
            curtailed_w=0.0,
            soc_end=0.5,
            energy_value_per_kwh=worths[index].slope_per_kwh[0],
        )
        for index, one in enumerate(grid)
    )
    return Plan(
        made_at=made_at or start,
        problem=problem,
        status=PlanStatus.OPTIMAL,
        method="test",
        objective=0.0,
        energy_cost=0.0,
        steps=steps,
        values=tuple(worths),
    )


def situation_of(
    *,
    load_w: float = 500.0,
    pv_w: float = 0.0,
    soc: float = 0.5,
    buy: float | None = 0.30,
    sell: float | None = 0.08,
    plan: Plan | None = None,
    into_interval_s: float = 0.0,
    battery: Battery = BATTERY,
    site: Site = SITE,
    demand_charge: DemandCharge | None = None,
    mean_import_w: float = 0.0,
    previous: Previous | None = None,
) -> Situation:
    """Return a situation at the start of the plan, or some seconds into its first interval."""
    at = START + timedelta(seconds=into_interval_s)
    interval = Interval(start=START, end=START + STEP)
    measurement = Measurement(
        at=at, elapsed_s=into_interval_s, consumption_w=load_w, production_w=pv_w, battery_power_w=0.0, soc=soc
    )
    return Situation(
        interval=interval,
        remaining_h=(interval.end - at).total_seconds() / 3600.0,
        measurement=measurement,
        battery=battery,
        site=site,
        import_price_per_kwh=buy,
        export_price_per_kwh=sell,
        plan=plan,
        demand_charge=demand_charge,
        mean_import_w=mean_import_w,
        previous=previous,
    )


prices = st.floats(-0.5, 1.0).map(lambda price: round(price, 3))
powers = st.floats(0.0, 12_000.0).map(lambda power: round(power, 1))


@st.composite
def batteries(draw: st.DrawFn) -> Battery:
    """Return batteries of every make."""
    low = draw(st.sampled_from([0.0, 0.1, 0.3]))
    return Battery(
        usable_capacity_wh=draw(st.floats(1000.0, 30_000.0)),
        max_charge_w=draw(st.floats(500.0, 8000.0)),
        max_discharge_w=draw(st.floats(500.0, 8000.0)),
        charge_efficiency=draw(st.floats(0.8, 1.0)),
        discharge_efficiency=draw(st.floats(0.8, 1.0)),
        min_soc=low,
        max_soc=draw(st.sampled_from([0.8, 1.0])),
        wear_cost_per_kwh=draw(st.sampled_from([0.0, 0.02, 0.1])),
    )


@st.composite
def connections(draw: st.DrawFn) -> GridConnection:
    """Return grid connections with and without limits."""
    limits = st.none() | st.floats(0.0, 10_000.0)
    return GridConnection(
        max_import_w=draw(limits),
        max_export_w=draw(limits),
        curtailable=draw(st.booleans()),
        grid_charging=draw(st.booleans()),
        battery_export=draw(st.booleans()),
    )


@st.composite
def energy_values(draw: st.DrawFn, battery: Battery) -> EnergyValue:
    """Return concave worths over a battery's energies."""
    slopes = sorted(draw(st.lists(prices, min_size=1, max_size=5)), reverse=True)
    inner = draw(st.lists(st.floats(0.01, 0.99), min_size=len(slopes) - 1, max_size=len(slopes) - 1, unique=True))
    points = [0.0, *sorted(inner), 1.0]
    return EnergyValue(tuple(point * battery.usable_capacity_wh for point in points), tuple(slopes))


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    """Return measurements of any house, states of charge outside the band included."""
    return Measurement(
        at=START,
        elapsed_s=0.0,
        consumption_w=draw(powers),
        production_w=draw(powers),
        battery_power_w=draw(st.floats(-8000.0, 8000.0)),
        soc=draw(st.integers(0, 100)) / 100.0,
        discharge_allowed=draw(st.sampled_from([None, True, False])),
        backup_soc=draw(st.sampled_from([None, 0.0, 0.2])),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Return any valid situation, with and without plan, prices, demand charge and memory."""
    battery = draw(batteries())
    site = Site(timezone=ZoneInfo("Europe/Berlin"), connection=draw(connections()))
    into_s = draw(st.floats(0.0, 899.0))
    made_at = START - timedelta(minutes=draw(st.sampled_from([0, 15])))
    plan = plan_of(draw(energy_values(battery)), start=made_at, battery=battery) if draw(st.booleans()) else None
    interval = Interval(start=START, end=START + STEP)
    at = START + timedelta(seconds=into_s)
    wish = Wish(battery_power_w=draw(st.floats(-4600.0, 4600.0)), reason="", regime=draw(st.sampled_from(list(Regime))))
    before = Previous(wish=wish, interval=interval, plan_made_at=made_at if plan else None)
    measurement = draw(measurements())
    return Situation(
        interval=interval,
        remaining_h=(interval.end - at).total_seconds() / 3600.0,
        measurement=Measurement(**{name: getattr(measurement, name) for name in measurement.__slots__} | {"at": at}),
        battery=battery,
        site=site,
        import_price_per_kwh=draw(st.none() | prices),
        export_price_per_kwh=draw(st.none() | prices),
        plan=plan,
        demand_charge=draw(
            st.none() | st.builds(DemandCharge, price_per_kw=st.floats(0.0, 200.0), peak_so_far_w=powers)
        ),
        mean_import_w=draw(powers),
        previous=draw(st.sampled_from([None, before])),
    )


def in_manual(**changes: object) -> Measurement:
    """Return a status in manual mode that nothing is wrong with."""
    return replace(situation_of().measurement, **{"mode": OperatingMode.MANUAL, **changes})  # type: ignore[arg-type]
