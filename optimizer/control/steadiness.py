"""Calm: ramp, dead band, and at most so many changes of mode an hour."""

from __future__ import annotations

from optimizer.control.clamp import Clamped
from optimizer.control.options import ControlOptions
from optimizer.control.recurrence import Recurrence
from optimizer.domain.decision import Limit
from optimizer.domain.setpoint import Automatic, Power, Setpoint


def steady(allowed_w: float, standing: Setpoint | None, passed_s: float, options: ControlOptions) -> Clamped:
    """Return the power to stand now, given the one that stands already.

    Parameters
    ----------
    allowed_w
        What the clamp left of the wish, + charging [W].
    standing
        What stands at the battery by our command.
    passed_s
        Time since the control step before [s].

    Notes
    -----
    A wish of exactly zero is never held back: idle means idle. A ramp applies between forced powers only; after
    automatic mode the battery starts from wherever it was.
    """
    if not isinstance(standing, Power):
        return Clamped(power_w=allowed_w)
    change_w = allowed_w - standing.battery_power_w
    if abs(change_w) < options.dead_band_w and allowed_w != 0.0:
        limits = (Limit.DEAD_BAND,) if change_w else ()
        return Clamped(power_w=standing.battery_power_w, limits=limits)
    if options.ramp_w_per_s is None:
        return Clamped(power_w=allowed_w)
    largest_w = options.ramp_w_per_s * max(passed_s, 1.0)
    if abs(change_w) > largest_w:
        step_w = largest_w if change_w > 0 else -largest_w
        return Clamped(power_w=standing.battery_power_w + step_w, limits=(Limit.RAMP,))
    return Clamped(power_w=allowed_w)


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
