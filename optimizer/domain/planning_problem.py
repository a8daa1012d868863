"""What the planner is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.domain.battery import Battery
from optimizer.domain.prices import DemandCharge
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.switching import Switching
from optimizer.domain.time_grid import TimeGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningProblem:
    """Everything a plan depends on; complete, so that a dump of it replays.

    With several scenarios the decision of the first interval is shared and each then goes its own way.
    """

    grid: TimeGrid
    battery: Battery
    connection: GridConnection
    import_price_per_kwh: Sequence[float]
    """Shape (count,) [currency/kWh]."""
    export_price_per_kwh: Sequence[float]
    """Shape (count,) [currency/kWh]."""
    scenarios: tuple[Scenario, ...]
    """At least one; weights add up to 1."""
    initial_soc: float
    """State of charge at the start, 0..1; may lie outside the battery's band."""
    terminal_value_per_kwh: float
    """Worth of one stored kWh at the end of the grid [currency/kWh]."""
    demand_charge: DemandCharge | None = None
    switching: Switching | None = None
    """How the scenarios change into one another; None: each is planned as if it were known to its end."""
