"""What was decided in a replay, and why: the changes, not the thousand times it went on as before."""

from __future__ import annotations

import re

from optimizer.domain.decision import Decision, Limit, Outcome

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")
_Kind = tuple[str, bool, tuple[Limit, ...]]


class DecisionLog:
    """Keeps each decision that differs in kind from the one before.

    Decisions are of one kind where the action in their reason differs in numbers alone (``covers 1.9 kW of the house``
    and ``covers 0.4 kW of the house``) and the same limits held them.
    """

    def __init__(self) -> None:
        self._changes: list[Decision] = []
        self._last: _Kind | None = None

    def note(self, decision: Decision) -> None:
        """Keep a decision if it is a change."""
        kind = _kind(decision)
        if kind != self._last:
            self._changes.append(decision)
            self._last = kind

    @property
    def changes(self) -> tuple[Decision, ...]:
        """The changes so far, in order."""
        return tuple(self._changes)


def _kind(decision: Decision) -> _Kind:
    action = decision.reason.partition(":")[0]
    done = decision.outcome in (Outcome.APPLIED, Outcome.KEPT)
    return _NUMBER.sub("#", action), done, decision.limits
