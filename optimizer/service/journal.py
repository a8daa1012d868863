"""One line for every decision that matters, and one an hour: under 200 on a healthy day.

A decision matters when what is done, how it ends or why changes in kind; the numbers in it change all the time.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Automatic, Power

logger = logging.getLogger("sunshift.decisions")

HOUR = timedelta(hours=1)
SPACING = timedelta(minutes=10)
"""A line of credit is earned so often ..."""
MOST_CREDIT = 6
"""... and so many can be saved up: at most 24 * 6 + 6 lines a day, however the clouds flap, besides 24 summaries."""
_NUMBER = re.compile(r"[-+]?\d[\d.,:]*")
_BAD = (Outcome.FAILED, Outcome.HANDED_BACK, Outcome.STOOD_DOWN)


@dataclass(slots=True, kw_only=True)
class _Hour:
    began: datetime
    polls: int = 0
    unsaid: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class Journal:
    """Writes decisions to the log, few and plain."""

    def __init__(self) -> None:
        self._kind: tuple[object, ...] | None = None
        self._outcome_bad = False
        self._credit = float(MOST_CREDIT)
        self._credited_at: datetime | None = None
        self._hour: _Hour | None = None

    def note(self, decision: Decision) -> None:
        """Take notice of a decision and write what matters of it."""
        self._earn(decision.at)
        kind, bad = kind_of(decision), decision.outcome in _BAD
        if kind != self._kind:
            # Trouble and its end are told at once, up to a bound; the rest when there is credit.
            self._say(decision, urgent=bad != self._outcome_bad or self._kind is None)
        self._summarise(decision)

    def _say(self, decision: Decision, *, urgent: bool) -> None:
        if self._credit < (1.0 if not urgent else -MOST_CREDIT):
            if self._hour is not None:
                self._hour.unsaid += 1
            return
        self._credit -= 1.0
        self._kind, self._outcome_bad = kind_of(decision), decision.outcome in _BAD
        logger.log(logging.WARNING if self._outcome_bad else logging.INFO, "%s", sentence(decision))

    def _earn(self, at: datetime) -> None:
        if self._credited_at is not None:
            earned = max(0.0, (at - self._credited_at) / SPACING)
            self._credit = min(float(MOST_CREDIT), self._credit + earned)
        self._credited_at = at

    def _summarise(self, decision: Decision) -> None:
        hour = decision.at.replace(minute=0, second=0, microsecond=0)
        if self._hour is None:
            self._hour = _Hour(began=hour)
        elif abs(hour - self._hour.began) >= HOUR:
            logger.info("%s", _summary(self._hour, decision))
            self._hour = _Hour(began=hour)
        self._hour.polls += 1
        self._hour.outcomes[decision.outcome.value] += 1


def kind_of(decision: Decision) -> tuple[object, ...]:
    """Return what must change for a decision to matter: outcome, direction, and what is done without its numbers."""
    same = (Outcome.APPLIED, Outcome.KEPT, Outcome.OBSERVED)
    outcome = "done" if decision.outcome in same else decision.outcome.value
    # A reason begins with what is done; the prices and comparisons after it change from step to step.
    gist = _NUMBER.sub("#", re.split("[:;]", decision.reason)[0])
    return outcome, _direction(decision), gist, _NUMBER.sub("#", decision.error or "")


def _direction(decision: Decision) -> str:
    match decision.setpoint:
        case Automatic():
            return "automatic"
        case Power(battery_power_w=power_w):
            return "charge" if power_w > 0 else "discharge" if power_w < 0 else "idle"
        case None:
            return ""


def sentence(decision: Decision) -> str:
    """Return a decision as one line: what is done, why, and what was measured."""
    what = decision.outcome.value.replace("_", " ")
    if decision.setpoint is not None:
        what += f" {decision.setpoint}"
    elif decision.outcome is Outcome.OBSERVED and decision.allowed_power_w is not None:
        what += f", would {_would(decision.allowed_power_w)}"
    parts = [f"{what}: {decision.reason}", flows(decision)]
    if decision.error and decision.error not in decision.reason:
        parts.append(decision.error)
    return " | ".join(" ".join(part.split()) for part in parts if part)


def _would(power_w: float) -> str:
    return str(Power(float(round(power_w))))


def flows(decision: Decision) -> str:
    """Return what was measured, in a few words; empty where nothing was."""
    seen = decision.measurement
    if seen is None:
        return ""
    return (
        f"charge {seen.soc:.0%}, load {seen.consumption_w:.0f} W, sun {seen.production_w:.0f} W, "
        f"battery {seen.battery_power_w:+.0f} W, grid {seen.grid_power_w:+.0f} W"
    )


def _summary(hour: _Hour, decision: Decision) -> str:
    outcomes = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in hour.outcomes.most_common())
    unsaid = f", {hour.unsaid} changes not told" if hour.unsaid else ""
    return f"the hour from {hour.began:%H:%M} UTC: {hour.polls} polls ({outcomes}){unsaid}; now {flows(decision)}"
