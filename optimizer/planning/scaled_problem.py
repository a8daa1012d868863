"""The planning problem in kilowatts and kilowatt-hours, with the battery's freedom in every interval worked out.

Watts and prices per kWh differ by five orders of magnitude; in these units every number a solver sees lies near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.planning.penalties import Penalties

W_PER_KW = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSteps:
    """One future, interval by interval; every tuple has shape (count,)."""

    weight: float
    net_load_kw: tuple[float, ...]
    """Load less available PV [kW]."""
    pv_kw: tuple[float, ...]
    buy: tuple[float, ...]
    """Import price [currency/kWh]."""
    sell: tuple[float, ...]
    """Export price [currency/kWh]."""
    max_charge_kw: tuple[float, ...]
    """Largest charging power the battery and the grid-charging rule allow [kW]."""
    max_discharge_kw: tuple[float, ...]
    """Largest discharging power the battery and the export rules allow [kW]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledProblem:
    """What the linear program and the recursion both start from."""

    step_h: float
    count: int
    capacity_kwh: float
    min_kwh: float
    max_kwh: float
    start_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    wear_per_kwh: float
    standby_kwh: float
    """Standing loss of one interval [kWh]."""
    import_limit_kw: float | None
    export_limit_kw: float | None
    curtailable: bool
    terminal_per_kwh: float
    peak_price_per_kw: float
    """0 where no peak is charged for in any interval [currency/kW]."""
    peak_so_far_kw: float
    peak_counts: tuple[bool, ...]
    """Whether import counts towards the billing peak, shape (count,)."""
    penalties: Penalties
    scenarios: tuple[ScenarioSteps, ...]

    @property
    def lowest_kwh(self) -> float:
        """Lowest energy a plan may reach: that of the band, or the start where it lies below [kWh]."""
        return min(self.min_kwh, self.start_kwh)

    @property
    def highest_kwh(self) -> float:
        """Highest energy a plan may reach: that of the band, or the start where it lies above [kWh]."""
        return max(self.max_kwh, self.start_kwh)

    @property
    def leaves_band(self) -> bool:
        """Whether the plan starts outside the band, the only reason to be there at all."""
        return not self.min_kwh <= self.start_kwh <= self.max_kwh

    @property
    def round_trip_efficiency(self) -> float:
        """AC energy out per AC energy in [1]."""
        return self.charge_efficiency * self.discharge_efficiency

    @property
    def price_range(self) -> float:
        """Highest less lowest price of all futures, zero included [currency/kWh]."""
        prices = [price for steps in self.scenarios for side in (steps.buy, steps.sell) for price in side]
        return max(0.0, self.terminal_per_kwh, *prices) - min(0.0, self.terminal_per_kwh, *prices)


def scale_problem(problem: PlanningProblem) -> ScaledProblem:
    """Return the problem in kW and kWh."""
    battery, connection, demand = problem.battery, problem.connection, problem.demand_charge
    step_h, count = problem.grid.step_h, len(problem.grid)
    peak_counts = tuple(demand is not None and demand.counts_in(index) for index in range(count))
    return ScaledProblem(
        step_h=step_h,
        count=count,
        capacity_kwh=battery.usable_capacity_wh / W_PER_KW,
        min_kwh=battery.min_energy_wh / W_PER_KW,
        max_kwh=battery.max_energy_wh / W_PER_KW,
        start_kwh=battery.energy_wh(problem.initial_soc) / W_PER_KW,
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        wear_per_kwh=battery.wear_cost_per_kwh,
        standby_kwh=step_h * battery.standby_w / W_PER_KW,
        import_limit_kw=_kilowatts(connection.max_import_w),
        export_limit_kw=_kilowatts(connection.max_export_w),
        curtailable=connection.curtailable,
        terminal_per_kwh=problem.terminal_value_per_kwh,
        peak_price_per_kw=demand.price_per_kw if demand and any(peak_counts) else 0.0,
        peak_so_far_kw=demand.peak_so_far_w / W_PER_KW if demand else 0.0,
        peak_counts=peak_counts,
        penalties=Penalties.of(problem),
        scenarios=_share_first_step(tuple(_scenario_steps(problem, scenario) for scenario in problem.scenarios)),
    )


def _kilowatts(power_w: float | None) -> float | None:
    return None if power_w is None else power_w / W_PER_KW


def _scenario_steps(problem: PlanningProblem, scenario: Scenario) -> ScenarioSteps:
    net_load = [(load - pv) / W_PER_KW for load, pv in zip(scenario.load_w, scenario.pv_w, strict=True)]
    return ScenarioSteps(
        weight=scenario.weight,
        net_load_kw=tuple(net_load),
        pv_kw=tuple(pv / W_PER_KW for pv in scenario.pv_w),
        buy=scenario.import_price_per_kwh or problem.import_price_per_kwh,
        sell=scenario.export_price_per_kwh or problem.export_price_per_kwh,
        max_charge_kw=_max_charge_kw(problem, net_load),
        max_discharge_kw=_max_discharge_kw(problem, scenario, net_load),
    )


def _max_charge_kw(problem: PlanningProblem, net_load: Sequence[float]) -> tuple[float, ...]:
    """Return the largest charging power: within the import limit, and within the surplus without grid charging.

    Never less than what standby takes: the device feeds its own standing loss whatever it is told, and this keeps the
    energy recursion feasible.
    """
    battery = problem.battery
    trickle = battery.standby_w / battery.charge_efficiency / W_PER_KW
    limit = battery.max_charge_w / W_PER_KW
    headroom = _kilowatts(problem.connection.max_import_w) if problem.connection.grid_charging else 0.0
    if headroom is None:
        return (max(trickle, limit),) * len(net_load)
    return tuple(max(trickle, min(limit, headroom - net)) for net in net_load)


def _max_discharge_kw(problem: PlanningProblem, scenario: Scenario, net_load: Sequence[float]) -> tuple[float, ...]:
    """Return the largest discharging power: within the export limit, and within the need without battery export.

    Curtailed PV makes room for the battery. Where PV alone exceeds the limit the bound is 0: discharging never pays
    there, and without the bound the program would charge and discharge at once to burn the excess.
    """
    connection, limit = problem.connection, problem.battery.max_discharge_w / W_PER_KW
    if not connection.battery_export:
        return tuple(max(0.0, min(limit, net)) for net in net_load)
    headroom = _kilowatts(connection.max_export_w)
    if headroom is None:
        return (limit,) * len(net_load)
    freed = [pv / W_PER_KW if connection.curtailable else 0.0 for pv in scenario.pv_w]
    return tuple(max(0.0, min(limit, headroom + net + room)) for net, room in zip(net_load, freed, strict=True))


def _share_first_step(scenarios: tuple[ScenarioSteps, ...]) -> tuple[ScenarioSteps, ...]:
    """Give all futures the same freedom in the first interval: its decision is one, and must suit each."""
    charge = min(steps.max_charge_kw[0] for steps in scenarios)
    discharge = min(steps.max_discharge_kw[0] for steps in scenarios)
    return tuple(
        replace(
            steps,
            max_charge_kw=(charge, *steps.max_charge_kw[1:]),
            max_discharge_kw=(discharge, *steps.max_discharge_kw[1:]),
        )
        for steps in scenarios
    )
