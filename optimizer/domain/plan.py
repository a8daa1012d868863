"""What the planner answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.time_grid import TimeGrid


class PlanStatus(StrEnum):
    """How far a plan can be trusted."""

    OPTIMAL = "optimal"
    """Proven, and the independent checker agrees."""
    FEASIBLE = "feasible"
    """Every rule holds, but the optimum was not proven in the time allowed."""


class FlagKind(StrEnum):
    """What a plan could not keep to, or assumed."""

    START_SOC_OUTSIDE_BAND = "start_soc_outside_band"
    SOC_BELOW_BAND = "soc_below_band"
    SOC_ABOVE_BAND = "soc_above_band"
    IMPORT_LIMIT_EXCEEDED = "import_limit_exceeded"
    EXPORT_LIMIT_EXCEEDED = "export_limit_exceeded"
    GRID_CHARGING_UNAVOIDABLE = "grid_charging_unavoidable"
    PRICES_ASSUMED = "prices_assumed"
    FORECAST_DEFAULT = "forecast_default"
    VALUE_RELAXED = "value_relaxed"
    """The value of energy comes from a convex relaxation (negative or crossed prices)."""
    STAND_IN = "stand_in"
    """The recursion planned in place of the linear program."""
    SWITCHING_IN_WORTH_ONLY = "switching_in_worth_only"
    """The path of the plan takes each future as known to its end; the worth of energy lets futures change."""
    METHODS_DISAGREE = "methods_disagree"
    """Recursion and linear program found different optima; the program plans since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFlag:
    """One thing about a plan that its reader should know."""

    kind: FlagKind
    message: str
    """What, by how much, and where, for a person."""
    first_step: int | None = None
    """Index of the first interval concerned."""
    largest: float | None = None
    """Largest excess, in the unit the message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One interval of the expected path."""

    start: datetime
    battery_power_w: float
    """+ charging [W]."""
    grid_power_w: float
    """+ importing [W]."""
    curtailed_w: float
    """PV not used [W]."""
    soc_end: float
    """State of charge at the end of the interval, 0..1."""
    energy_value_per_kwh: float
    """Worth of one more stored kWh at the end of the interval [currency/kWh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule, and what stored energy is worth at the end of each of its intervals."""

    made_at: datetime
    problem: PlanningProblem
    status: PlanStatus
    method: str
    """Which way led here: ``lp``, ``recursion``, or ``switching recursion`` where futures change into one another."""
    objective: float
    """Energy cost + wear + demand charge above the peak so far - terminal value [currency].

    Expected along the futures as they are, even where they may change into one another. Where the energy cost is not
    worked out: what the worths of energy promise, changes and penalties of broken rules included."""
    energy_cost: float | None
    """Expected cost of the grid energy [currency]; None: not worked out, in a plan made for control alone."""
    steps: Sequence[PlanStep]
    """The expected path, shape (count,); worked out on demand in a plan made for control alone."""
    values: Sequence[EnergyValue]
    """Worth of stored energy at the end of each interval, shape (count,)."""
    penalties: float = 0.0
    """What broken rules count inside the optimisation; to compare two plans by, in no reported cost [currency]."""
    flags: tuple[PlanFlag, ...] = ()
    """What its reader should know; of a plan made for control alone, what is known without its path."""
    seconds: float = 0.0
    """How long building, solving and reading took [s]."""

    @property
    def grid(self) -> TimeGrid:
        """The intervals planned for."""
        return self.problem.grid

    @property
    def peak_import_w(self) -> float:
        """Highest mean import on the expected path [W]."""
        return max(0.0, *(step.grid_power_w for step in self.steps))

    @property
    def billing_peak_w(self) -> float:
        """Highest mean import on the expected path that counts towards the demand charge; 0 where there is none [W]."""
        charge = self.problem.demand_charge
        if charge is None:
            return 0.0
        counted = (step.grid_power_w for index, step in enumerate(self.steps) if charge.counts_in(index))
        return max(0.0, max(counted, default=0.0))

    def index_at(self, instant: datetime) -> int | None:
        """Return the index of the interval that holds ``instant``, or None where the plan has run out."""
        return self.grid.index_of(instant)
