"""What became of a command."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.decision import Outcome
from optimizer.domain.setpoint import Setpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuation:
    """What became of a command."""

    outcome: Outcome
    setpoint: Setpoint | None = None
    """What stands by our command."""
    note: str = ""
    """What a person should know beyond the reason of the wish."""
    error: str | None = None
