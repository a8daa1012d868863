"""Calm: ramp and dead band."""

from __future__ import annotations

from optimizer.control.clamp import Clamped
from optimizer.control.options import ControlOptions
from optimizer.domain.decision import Limit
from optimizer.domain.setpoint import Power, Setpoint


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
    The dead band never holds back a wish of exactly zero: idle means idle; the ramp does. It applies between forced
    powers only; after automatic mode the battery starts from wherever it was.
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
