"""The settings of the control step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """How the control step behaves; the defaults suit a sonnenBatterie polled every 5 to 10 s."""

    step: timedelta = timedelta(minutes=15)
    """Length of a control interval: prices hold over it."""
    prefer_automatic: bool = True
    """Whether to leave self-consumption to the battery's own automatic mode where that can be set."""
    dead_band_w: float = 50.0
    """Smaller changes of the setpoint are not sent [W]."""
    ramp_w_per_s: float | None = None
    """Largest change of the setpoint [W/s]; None: no limit."""
    min_send_interval_s: float = 10.0
    """Least time between two setpoints in the same direction [s]."""
    reassert_s: float = 60.0
    """A forced command is sent again after this long, changed or not [s]."""
    settle_s: float = 30.0
    """How long the battery may take to follow [s]."""
    max_age_s: float = 45.0
    """Older measurements justify no forced command [s]."""
    lease_s: float = 90.0
    """A forced command stands at most this long past its last verified read-back [s]."""
    hold_off_s: float = 1800.0
    """How long to stand down when somebody else commands the battery, or it does not follow [s]."""
    min_automatic_s: float = 60.0
    """Least time in automatic mode before it is left again [s]."""
    max_mode_changes_per_hour: int = 12
    """Changes between automatic and manual mode allowed in any hour."""
