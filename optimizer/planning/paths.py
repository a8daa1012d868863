"""The way of battery and grid along one future, and its money, recomputed from the powers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.planning.interval_cost import battery_kw, stored_kwh
from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioPath:
    """What happens along one future; every tuple has shape (count,)."""

    battery_kw: tuple[float, ...]
    """+ charging [kW]."""
    grid_kw: tuple[float, ...]
    """+ importing [kW]."""
    curtailed_kw: tuple[float, ...]
    energy_kwh: tuple[float, ...]
    """At the end of the interval [kWh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What a path costs [currency]."""

    energy: float
    wear: float
    demand: float
    terminal: float
    """Worth of the energy left at the end; to be subtracted."""
    penalties: float
    """What steered the optimum away from broken rules; in no reported figure."""

    @property
    def objective(self) -> float:
        """Energy cost + wear + demand charge - terminal value [currency]."""
        return self.energy + self.wear + self.demand - self.terminal


def path_along(
    scaled: ScaledProblem, steps: ScenarioSteps, energy_kwh: Sequence[float], curtailed_kw: Sequence[float]
) -> ScenarioPath:
    """Return the path that follows the energies a solver found, one battery power per interval.

    The energies are the decision; everything else follows from them by physics. So the balance closes exactly, and
    charging while discharging, which a solver may return where it costs nothing, cannot be expressed.
    """
    battery: list[float] = []
    grid: list[float] = []
    curtailed: list[float] = []
    energy: list[float] = []
    held = scaled.start_kwh
    for step, (target, wanted) in enumerate(zip(energy_kwh, curtailed_kw, strict=True)):
        power = battery_kw(scaled, target - held + scaled.standby_kwh)
        power = min(max(power, -steps.max_discharge_kw[step]), steps.max_charge_kw[step])
        held = min(max(held + stored_kwh(scaled, power) - scaled.standby_kwh, 0.0), scaled.capacity_kwh)
        before = steps.net_load_kw[step] + power
        unused = _curtailment(scaled, steps.pv_kw[step], before, wanted)
        battery.append(power)
        curtailed.append(unused)
        grid.append(before + unused)
        energy.append(held)
    return ScenarioPath(
        battery_kw=tuple(battery), grid_kw=tuple(grid), curtailed_kw=tuple(curtailed), energy_kwh=tuple(energy)
    )


def _curtailment(scaled: ScaledProblem, pv_kw: float, before_kw: float, wanted_kw: float) -> float:
    """Return the curtailment as wanted, and as much more as the export limit asks for [kW]."""
    if not scaled.curtailable:
        return 0.0
    needed = wanted_kw
    if scaled.export_limit_kw is not None:
        needed = max(wanted_kw, -before_kw - scaled.export_limit_kw)
    return min(max(needed, 0.0), pv_kw)


def money_of(scaled: ScaledProblem, steps: ScenarioSteps, path: ScenarioPath) -> Money:
    """Return what a path costs, recomputed from its powers."""
    h = scaled.step_h
    prices = zip(steps.buy, steps.sell, path.grid_kw, strict=True)
    return Money(
        energy=h * sum((buy if grid > 0.0 else sell) * grid for buy, sell, grid in prices),
        wear=h * scaled.wear_per_kwh * sum(max(0.0, -power) for power in path.battery_kw),
        demand=scaled.peak_price_per_kw * (billing_peak_kw(scaled, path) - scaled.peak_so_far_kw),
        terminal=scaled.terminal_per_kwh * path.energy_kwh[-1],
        penalties=_penalties(scaled, path),
    )


def billing_peak_kw(scaled: ScaledProblem, path: ScenarioPath) -> float:
    """Return the billing peak once a path is carried out, never below the one already reached [kW]."""
    counted = (grid for grid, counts in zip(path.grid_kw, scaled.peak_counts, strict=True) if counts)
    return max(scaled.peak_so_far_kw, max(counted, default=0.0))


def expected_money(scaled: ScaledProblem, paths: Sequence[ScenarioPath]) -> Money:
    """Return the expected cost over all futures."""
    weighted = [
        (steps.weight, money_of(scaled, steps, path)) for steps, path in zip(scaled.scenarios, paths, strict=True)
    ]
    return Money(
        energy=sum(weight * money.energy for weight, money in weighted),
        wear=sum(weight * money.wear for weight, money in weighted),
        demand=sum(weight * money.demand for weight, money in weighted),
        terminal=sum(weight * money.terminal for weight, money in weighted),
        penalties=sum(weight * money.penalties for weight, money in weighted),
    )


def _penalties(scaled: ScaledProblem, path: ScenarioPath) -> float:
    outside = sum(max(0.0, scaled.min_kwh - kwh, kwh - scaled.max_kwh) for kwh in path.energy_kwh)
    excess = sum(max(0.0, *excesses_kw(scaled, grid)) for grid in path.grid_kw)
    return scaled.penalties.band_per_kwh * outside + scaled.step_h * scaled.penalties.limit_per_kwh * excess


def excesses_kw(scaled: ScaledProblem, grid_kw: float) -> tuple[float, float]:
    """Return by how much a grid power exceeds the import and the export limit; negative within [kW]."""
    over_import = -1.0 if scaled.import_limit_kw is None else grid_kw - scaled.import_limit_kw
    over_export = -1.0 if scaled.export_limit_kw is None else -grid_kw - scaled.export_limit_kw
    return over_import, over_export
