"""How possible futures change into one another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """At fixed instants each future goes on as it is, or gives way to any of them.

    A morning like a past day's need not bring that day's evening as well: planned as if it did, each future would be
    known to its end, and being prepared for another would be worth too little.
    """

    share: float
    """Probability that a future gives way at a switch, to any one by their weights (itself among them) [1]."""
    every: timedelta
    """From the start of the plan to the first switch, and from one to the next; whole intervals of the plan."""
