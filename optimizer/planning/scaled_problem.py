"""The planning problem in kilowatts and kilowatt-hours, with the battery's freedom in every interval worked out.

Watts and prices per kWh differ by five orders of magnitude; in these units every number a solver sees lies near 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.penalties import Penalties
from optimizer.planning.step_arrays import W_PER_KW, StepArrays, step_arrays

JOINED_SHARE = 1.0 / 64.0
"""How finely the worth at a switch tells slopes apart, as a share of the range of real prices [1]."""


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
class Switches:
    """Where several futures change into one another."""

    share: float
    """Probability that a future gives way, to any one by their weights [1]."""
    starts: tuple[int, ...]
    """The intervals that a switch goes before, increasing; at least one."""
    join_per_kwh: float
    """Slopes of a mean worth that differ by less are joined; 0: none are [currency/kWh]."""


@dataclass(frozen=True, kw_only=True, eq=False)
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
    arrays: StepArrays
    """All futures, for arithmetic on many intervals at once."""
    switches: Switches | None = None
    """None: each future is known to its end."""

    @cached_property
    def scenarios(self) -> tuple[ScenarioSteps, ...]:
        """The same futures, one by one."""
        arrays = self.arrays
        columns = (arrays.net_load_kw, arrays.pv_kw, arrays.buy, arrays.sell)
        limits = (arrays.max_charge_kw, arrays.max_discharge_kw)
        rows = zip(arrays.weights.tolist(), *(column.tolist() for column in (*columns, *limits)), strict=True)
        return tuple(
            ScenarioSteps(
                weight=weight,
                net_load_kw=tuple(net_load),
                pv_kw=tuple(pv),
                buy=tuple(buy),
                sell=tuple(sell),
                max_charge_kw=tuple(charge),
                max_discharge_kw=tuple(discharge),
            )
            for weight, net_load, pv, buy, sell, charge, discharge in rows
        )

    @cached_property
    def peak_counted(self) -> NDArray[np.bool_]:
        """The same as ``peak_counts`` for arithmetic on many intervals at once."""
        return np.frombuffer(bytes(self.peak_counts), dtype=np.bool_)

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

    @cached_property
    def price_range(self) -> float:
        """Highest less lowest price of all futures, zero included [currency/kWh]."""
        return _price_range(self.arrays, self.terminal_per_kwh)

    @property
    def known_to_the_end(self) -> ScaledProblem:
        """The same problem without switches."""
        return self if self.switches is None else replace(self, switches=None)


def scale_problem(problem: PlanningProblem) -> ScaledProblem:
    """Return the problem in kW and kWh."""
    battery, connection, demand = problem.battery, problem.connection, problem.demand_charge
    arrays = step_arrays(problem)
    step_h, count = problem.grid.step_h, len(problem.grid)
    peak_counts = tuple(demand.counts_in(index) for index in range(count)) if demand else (False,) * count
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
        penalties=Penalties.of(problem, highest_price=max(arrays.highest_price, -arrays.lowest_price)),
        arrays=arrays,
        switches=_switches(problem, arrays),
    )


def _switches(problem: PlanningProblem, arrays: StepArrays) -> Switches | None:
    """Return where the futures change into one another; None where there is but one, or none ever does."""
    switching = problem.switching
    if switching is None or switching.share <= 0.0 or len(problem.scenarios) == 1:
        return None
    steps = max(1, round(switching.every / problem.grid.step))
    starts = tuple(range(steps, len(problem.grid), steps))
    join_per_kwh = JOINED_SHARE * _price_range(arrays, problem.terminal_value_per_kwh)
    return Switches(share=switching.share, starts=starts, join_per_kwh=join_per_kwh) if starts else None


def _price_range(arrays: StepArrays, terminal_per_kwh: float) -> float:
    return max(0.0, terminal_per_kwh, arrays.highest_price) - min(0.0, terminal_per_kwh, arrays.lowest_price)


def _kilowatts(power_w: float | None) -> float | None:
    return None if power_w is None else power_w / W_PER_KW
