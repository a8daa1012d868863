"""The port every forecaster speaks through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from optimizer.domain.measurement import Measurement
from optimizer.domain.scenario import Scenario
from optimizer.domain.time_grid import TimeGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What may come: scenarios of load and sun, and where they come from."""

    grid: TimeGrid
    scenarios: tuple[Scenario, ...]
    """At least one; weights add up to 1."""
    origin: str
    """For a person, such as ``21 days of this home``."""
    is_default: bool = False
    """Whether documented defaults stand in for a history that is not there yet."""
    days_ago: tuple[int | None, ...] = ()
    """The past day behind each scenario, where scenarios are past days; None: one that is assumed."""


class Forecaster(Protocol):
    """Load and sun to come, knowing nothing later than ``as_of``."""

    def forecast(self, grid: TimeGrid, *, as_of: datetime, latest: Measurement | None = None) -> Forecast:
        """Return scenarios over ``grid``."""
        ...
