"""Where the planning job leaves its plan and the control loop finds it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from optimizer.domain.plan import Plan

LEAST_TRUST = timedelta(hours=1)
"""What stored energy is worth changes slowly, so an hour bridges a few failed replans; later forecasts moved on."""


def trusted_for(replan: timedelta) -> timedelta:
    """Return how long a plan is trusted where a new one is due every ``replan``: past one that fails."""
    return max(LEAST_TRUST, 2 * replan)


class PlanBoard:
    """Holds the newest plan; safe to use from two threads.

    Parameters
    ----------
    max_age
        How long a plan is trusted.
    """

    def __init__(self, *, max_age: timedelta = LEAST_TRUST) -> None:
        self._max_age = max_age
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._why_none = "no plan has been made yet"

    def post(self, plan: Plan) -> None:
        """Put up a new plan."""
        with self._lock:
            self._plan = plan

    def withdraw(self, why: str) -> None:
        """Take the plan down: it would do worse than none."""
        with self._lock:
            self._plan, self._why_none = None, why

    @property
    def newest(self) -> Plan | None:
        """The newest plan, however old."""
        with self._lock:
            return self._plan

    def current(self, now: datetime) -> Plan | None:
        """Return the plan to act on, or None where there is none to trust at ``now``."""
        with self._lock:
            return self._plan if self._doubt(now) is None else None

    def why_none(self, now: datetime) -> str | None:
        """Return why there is no plan to act on, for a person; None: there is one."""
        with self._lock:
            return self._doubt(now)

    def _doubt(self, now: datetime) -> str | None:
        if self._plan is None:
            return self._why_none
        age = now - self._plan.made_at
        # A clock set back makes a plan seem to come from the future: then its prices stand at the wrong hours.
        if not -self._max_age <= age <= self._max_age:
            return f"the plan of {self._plan.made_at:%H:%M} UTC is too old"
        if self._plan.index_at(now) is None:
            return f"the plan of {self._plan.made_at:%H:%M} UTC does not cover this hour"
        return None
