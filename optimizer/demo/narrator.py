"""Which decisions matter to someone who watches, and how to say them in one line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum

from optimizer.demo.scene import LogLine, Weight
from optimizer.demo.words import IDLE_W
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Automatic

PATIENCE = timedelta(minutes=15)
"""What changed back within this time did not matter: clouds come and go."""
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")


class Act(StrEnum):
    """What the battery is doing, coarsely: a change of this is news, a change of watts is not."""

    AUTOMATIC = "follows the house by itself"
    CHARGE = "charges"
    DISCHARGE = "discharges"
    HOLD = "holds its energy"
    FAILED = "cannot be reached"
    STOOD_DOWN = "is left alone"
    NOTHING = "stands as it was"


TROUBLE = {Act.FAILED, Act.STOOD_DOWN}


def motive_of(decision: Decision) -> str:
    """Return why, coarsely: the head of the reason without its numbers."""
    return _NUMBER.sub("#", decision.reason.split(":")[0])


def act_of(decision: Decision) -> Act:
    """Return what a decision makes of the battery."""
    if decision.outcome is Outcome.FAILED:
        return Act.FAILED
    if decision.outcome is Outcome.STOOD_DOWN:
        return Act.STOOD_DOWN
    setpoint = decision.setpoint
    if setpoint is None:
        return Act.NOTHING
    if isinstance(setpoint, Automatic):
        return Act.AUTOMATIC
    if abs(setpoint.battery_power_w) < IDLE_W:
        return Act.HOLD
    return Act.CHARGE if setpoint.battery_power_w > 0 else Act.DISCHARGE


class Narrator:
    """Tells what the battery does, or why, once a change has lasted; trouble and its end at once."""

    def __init__(self) -> None:
        self._told: tuple[Act, str] | None = None
        self._candidate: tuple[Act, str] | None = None
        self._since: datetime | None = None

    def hear(self, decision: Decision) -> LogLine | None:
        """Return the line for this decision, or None where it is no news."""
        news = act_of(decision), motive_of(decision)
        if news == self._told:
            self._candidate = None
            return None
        if news != self._candidate:
            self._candidate, self._since = news, decision.at
        if not self._is_due(news[0], decision.at):
            return None
        self._told, self._candidate = news, None
        return line_of(decision)

    def _is_due(self, act: Act, at: datetime) -> bool:
        before = None if self._told is None else self._told[0]
        if before is None or (before is not act and TROUBLE & {act, before}):
            return True
        return self._since is not None and at - self._since >= PATIENCE


def line_of(decision: Decision) -> LogLine:
    """Return a decision as one line: what the battery does now, and why."""
    trouble = act_of(decision) in TROUBLE
    why = (decision.error or decision.reason) if trouble else decision.reason
    return LogLine(
        at=decision.at, text=f"{_headline(decision)}: {why}", weight=Weight.TROUBLE if trouble else Weight.NORMAL
    )


def _headline(decision: Decision) -> str:
    act = act_of(decision)
    if act in (Act.CHARGE, Act.DISCHARGE):
        return str(decision.setpoint)
    return {Act.AUTOMATIC: "automatic", Act.HOLD: "hold", Act.FAILED: "failed", Act.STOOD_DOWN: "stood down"}.get(
        act, "nothing sent"
    )
