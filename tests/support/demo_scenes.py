"""Scenes of the demo for tests: one plausible afternoon, and every kind of decision."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.demo.scene import CostSoFar, LogLine, Scene, Tally, Weight
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import Plan, PlanStatus, PlanStep
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.setpoint import Automatic, Power
from optimizer.domain.site import GridConnection
from optimizer.domain.time_grid import TimeGrid

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2016, 5, 16, 12, 35, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600)
LONG = "stores 2.8 kW of surplus: feed-in pays 0.08, a stored kWh is worth 0.24 later; " * 4
MEASUREMENT = Measurement(
    at=NOW,
    elapsed_s=60.0,
    consumption_w=610.0,
    production_w=3420.0,
    battery_power_w=2700.0,
    soc=0.64,
    reported_grid_power_w=-110.0,
)


def a_plan(*, start: datetime = NOW - timedelta(minutes=5), steps: int = 144) -> Plan:
    """Return a plan of quarter hours with sun by day, three prices and a battery that moves both ways."""
    grid = TimeGrid(start=start, step=timedelta(minutes=15), count=steps)
    hours = [(interval.start.astimezone(ZONE).hour + interval.start.minute / 60) for interval in grid]
    sun = tuple(max(0.0, 4200 * math.sin((hour - 6) / 14 * math.pi)) if 6 < hour < 20 else 0.0 for hour in hours)
    load = tuple(350.0 + (900.0 if 17 < hour < 21 else 0.0) for hour in hours)
    prices = tuple(0.21 if hour < 5 else 0.38 if 17 <= hour < 21 else 0.30 for hour in hours)
    path = tuple(
        PlanStep(
            start=interval.start,
            battery_power_w=0.8 * (sun[index] - load[index]),
            grid_power_w=0.2 * (load[index] - sun[index]),
            curtailed_w=0.0,
            soc_end=0.5 + 0.4 * math.sin(index / 20),
            energy_value_per_kwh=0.24,
        )
        for index, interval in enumerate(grid)
    )
    problem = PlanningProblem(
        grid=grid,
        battery=BATTERY,
        connection=GridConnection(),
        import_price_per_kwh=prices,
        export_price_per_kwh=(0.08,) * steps,
        scenarios=(Scenario(weight=1.0, load_w=load, pv_w=sun),),
        initial_soc=0.64,
        terminal_value_per_kwh=0.2,
    )
    return Plan(
        made_at=start,
        problem=problem,
        status=PlanStatus.OPTIMAL,
        method="lp",
        objective=1.0,
        energy_cost=1.0,
        steps=path,
        values=(EnergyValue.linear(0.24, lowest_wh=0.0, highest_wh=10_000.0),) * steps,
    )


def a_decision(outcome: Outcome = Outcome.APPLIED, **changes: object) -> Decision:
    """Return a decision on the usual measurement, with what is to be different."""
    decision = Decision(
        at=NOW,
        strategy="time_of_use",
        outcome=outcome,
        reason=LONG,
        measurement=MEASUREMENT,
        wanted_power_w=2700.0,
        allowed_power_w=2700.0,
        setpoint=Power(2700.0),
        energy_value_per_kwh=0.241,
        import_price_per_kwh=0.302,
        export_price_per_kwh=0.08,
    )
    return replace(decision, **changes)  # type: ignore[arg-type]


DECISIONS: dict[str, Decision | None] = {
    "none yet": None,
    "charging": a_decision(),
    "discharging": a_decision(setpoint=Power(-1200.0)),
    "idle": a_decision(setpoint=Power(0.0)),
    "automatic": a_decision(Outcome.KEPT, setpoint=Automatic()),
    "observed": a_decision(Outcome.OBSERVED, setpoint=None),
    "handed back": a_decision(Outcome.HANDED_BACK, setpoint=Automatic()),
    "stood down": a_decision(Outcome.STOOD_DOWN, setpoint=None, reason="another controller has changed the mode"),
    "not read": a_decision(Outcome.FAILED, measurement=None, setpoint=None, error="no answer from 127.0.0.1:8080"),
    "prices unknown": a_decision(
        import_price_per_kwh=None, export_price_per_kwh=None, energy_value_per_kwh=None, reason="no plan to trust"
    ),
}


def a_scene(**changes: object) -> Scene:
    """Return the afternoon, with what is to be different."""
    log = tuple(
        LogLine(at=NOW - timedelta(minutes=40 * age), text=LONG, weight=list(Weight)[age % 3])
        for age in range(12, 0, -1)
    )
    scene = Scene(
        now=NOW,
        timezone=ZONE,
        day=2,
        days=3,
        share_played=0.45,
        battery=BATTERY,
        scale_w=5000.0,
        decision=a_decision(),
        plan=a_plan(),
        cost=CostSoFar(no_battery=4.12, self_consumption=2.33, sunshift=1.98),
        tally=Tally(polls=12_304, setpoints=1_121, plans=43, errors=0),
        log=log,
    )
    return replace(scene, **changes)  # type: ignore[arg-type]
