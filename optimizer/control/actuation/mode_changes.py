"""At most so many changes of mode an hour, and none too soon after another."""

from __future__ import annotations

from optimizer.control.actuation.recurrence import Recurrence
from optimizer.control.options import ControlOptions
from optimizer.domain.setpoint import Automatic, Setpoint


class ModeChanges:
    """Counts changes between automatic and manual mode, and says when the next one may come."""

    def __init__(self, options: ControlOptions) -> None:
        self._options = options
        self._changes = Recurrence()

    def note(self, before: Setpoint | None, after: Setpoint, elapsed_s: float) -> None:
        """Count a command if it changes the mode."""
        if before is None or isinstance(before, Automatic) != isinstance(after, Automatic):
            self._changes.note(elapsed_s)

    def may_change(self, standing: Setpoint | None, elapsed_s: float) -> bool:
        """Return whether the mode may be changed now."""
        if self._changes.count(elapsed_s) >= self._options.max_mode_changes_per_hour:
            return False
        if standing is None:
            return True
        dwelt_s = self._changes.since_s(elapsed_s)
        return not isinstance(standing, Automatic) or dwelt_s is None or dwelt_s >= self._options.min_automatic_s
