"""What is told of a stand-down: why the battery is left alone, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown:
    """Somebody else has the battery, or it does not follow: nothing is commanded."""

    why: str
    left_s: float
    """Time left [s]; 0: it is over, and the mode that somebody chose is waited out."""
