"""Calm: when a small change is not sent, and how fast a large one may go."""

from __future__ import annotations

import pytest

from optimizer.control.clamp import Clamped
from optimizer.control.options import ControlOptions
from optimizer.control.steadiness import steady
from optimizer.domain.decision import Limit
from optimizer.domain.setpoint import Automatic, Power, Setpoint

AUTOMATIC, FORCED = Automatic(), Power(1000.0)
RAMP = 100.0


@pytest.mark.parametrize(
    ("allowed_w", "standing", "power_w", "limits"),
    [
        (1049.0, FORCED, 1000.0, (Limit.DEAD_BAND,)),
        (951.0, FORCED, 1000.0, (Limit.DEAD_BAND,)),
        (1050.0, FORCED, 1050.0, ()),
        (950.0, FORCED, 950.0, ()),
        (1000.0, FORCED, 1000.0, ()),
        (0.0, Power(40.0), 0.0, ()),
        (1049.0, None, 1049.0, ()),
        (10.0, AUTOMATIC, 10.0, ()),
    ],
)
def test_a_small_change_is_not_sent(
    allowed_w: float, standing: Setpoint | None, power_w: float, limits: tuple[Limit, ...]
) -> None:
    """Below 50 W, except to zero: idle means idle."""
    assert steady(allowed_w, standing, 10.0, ControlOptions()) == Clamped(power_w=power_w, limits=limits)


@pytest.mark.parametrize(
    ("allowed_w", "passed_s", "power_w", "limits"),
    [
        (3000.0, 10.0, 2000.0, (Limit.RAMP,)),
        (-3000.0, 10.0, 0.0, (Limit.RAMP,)),
        (2000.0, 10.0, 2000.0, ()),
        (0.0, 10.0, 0.0, ()),
        (3000.0, 0.0, 1100.0, (Limit.RAMP,)),
        (3000.0, 1.5, 1150.0, (Limit.RAMP,)),
    ],
)
def test_a_large_change_goes_step_by_step(
    allowed_w: float, passed_s: float, power_w: float, limits: tuple[Limit, ...]
) -> None:
    """As far as the time since the step before allows, that of a second at least."""
    options = ControlOptions(ramp_w_per_s=RAMP)
    assert steady(allowed_w, FORCED, passed_s, options) == Clamped(power_w=power_w, limits=limits)
    assert steady(allowed_w, AUTOMATIC, passed_s, options) == Clamped(power_w=allowed_w)


def test_a_slow_ramp_goes_the_right_way() -> None:
    """Also by less than a watt."""
    options = ControlOptions(ramp_w_per_s=0.5, dead_band_w=0.0)
    for allowed_w, power_w in ((1000.75, 1000.5), (999.25, 999.5)):
        assert steady(allowed_w, FORCED, 1.0, options) == Clamped(power_w=power_w, limits=(Limit.RAMP,))
