"""What the demo shows at one instant: everything a view draws, and nothing it would have to ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision
from optimizer.domain.plan import Plan


class Weight(StrEnum):
    """How much a line of the log matters."""

    NORMAL = "normal"
    GOOD = "good"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One thing that happened, for a person."""

    at: datetime
    text: str
    weight: Weight = Weight.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSoFar:
    """What the days played so far cost on three ways, each with its stored energy credited [currency]."""

    no_battery: float
    self_consumption: float
    sunshift: float

    @property
    def saved(self) -> float:
        """Saving of sunshift against no battery [currency]."""
        return self.no_battery - self.sunshift


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the service has done so far."""

    polls: int = 0
    setpoints: int = 0
    plans: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One instant of the demo."""

    now: datetime
    timezone: ZoneInfo
    day: int
    """The day being played, from 1."""
    days: int
    share_played: float
    """0..1."""
    battery: Battery
    scale_w: float
    """Power of a full bar [W]."""
    decision: Decision | None = None
    """The last one; None before the first."""
    plan: Plan | None = None
    """The plan in force; None: there is none."""
    cost: CostSoFar | None = None
    tally: Tally = Tally()
    log: tuple[LogLine, ...] = ()
    """Oldest first."""
