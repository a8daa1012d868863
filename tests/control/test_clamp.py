"""What is allowed, after every strategy alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.control.clamp import AUTOMATIC_MARGIN, automatic_keeps_band, clamp
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Limit
from optimizer.domain.measurement import Measurement
from optimizer.domain.site import GridConnection
from support.situations import BATTERY, batteries, connections, measurements, situation_of

wishes = st.floats(-50_000.0, 50_000.0)
NO_LIMITS = GridConnection()


def measured(**changes: object) -> Measurement:
    return replace(situation_of().measurement, **changes)  # type: ignore[arg-type]


@settings(max_examples=200)
@given(wish=wishes, measurement=measurements(), battery=batteries(), connection=connections())
def test_battery_limits_are_never_exceeded(
    wish: float, measurement: Measurement, battery: Battery, connection: GridConnection
) -> None:
    """Whatever is wished for, the result is within the battery's power and its SoC band."""
    allowed_w = clamp(wish, measurement, battery, connection).power_w
    assert -battery.max_discharge_w <= allowed_w <= battery.max_charge_w
    if measurement.soc >= battery.max_soc:
        assert allowed_w <= 0.0
    if measurement.soc <= max(battery.min_soc, measurement.backup_soc or 0.0) or measurement.discharge_allowed is False:
        assert allowed_w >= 0.0


@settings(max_examples=200)
@given(wish=wishes, measurement=measurements(), battery=batteries(), connection=connections())
def test_clamp_is_idempotent(
    wish: float, measurement: Measurement, battery: Battery, connection: GridConnection
) -> None:
    """What is allowed once is allowed again, unchanged and unremarked."""
    once = clamp(wish, measurement, battery, connection).power_w
    again = clamp(once, measurement, battery, connection)
    assert again.power_w == once
    assert again.limits == ()


@settings(max_examples=200)
@given(wish=wishes, measurement=measurements(), battery=batteries(), connection=connections())
def test_magnitude_grows_only_for_a_limit_of_the_connection(
    wish: float, measurement: Measurement, battery: Battery, connection: GridConnection
) -> None:
    """The clamp takes away; it adds power only where an import or export limit demands it."""
    clamped = clamp(wish, measurement, battery, connection)
    if abs(clamped.power_w) > abs(wish):
        assert set(clamped.limits) & {Limit.MAX_IMPORT, Limit.MAX_EXPORT}


@settings(max_examples=200)
@given(wish=wishes, measurement=measurements(), battery=batteries(), connection=connections())
def test_the_battery_never_pushes_the_grid_over_a_limit(
    wish: float, measurement: Measurement, battery: Battery, connection: GridConnection
) -> None:
    """A limit is exceeded only where the house alone exceeds it; no grid charging or export slips through."""
    allowed_w = clamp(wish, measurement, battery, connection).power_w
    net_w = measurement.net_load_w
    if connection.max_import_w is not None and allowed_w > 0:
        assert net_w + allowed_w <= connection.max_import_w + 1e-6
    if connection.max_export_w is not None and allowed_w < 0:
        assert net_w + allowed_w >= -connection.max_export_w - 1e-6
    if not connection.grid_charging and allowed_w > 0:
        assert allowed_w <= max(0.0, -net_w) + 1e-6
    if not connection.battery_export and allowed_w < 0:
        assert allowed_w >= min(0.0, -net_w) - 1e-6


@pytest.mark.parametrize(
    ("why", "measurement", "connection", "wish", "allowed_w", "limit"),
    [
        ("too much charging", measured(), NO_LIMITS, 9000.0, 4600.0, Limit.MAX_CHARGE),
        ("too much discharging", measured(), NO_LIMITS, -9000.0, -4600.0, Limit.MAX_DISCHARGE),
        ("import allows as much", measured(), GridConnection(max_import_w=5100.0), 9000.0, 4600.0, Limit.MAX_CHARGE),
        (
            "export allows as much", measured(), GridConnection(max_export_w=4100.0),
            -9000.0, -4600.0, Limit.MAX_DISCHARGE,
        ),
        ("full", measured(soc=1.0), NO_LIMITS, 1000.0, 0.0, Limit.MAX_SOC),
        ("empty", measured(soc=0.0), NO_LIMITS, -1000.0, 0.0, Limit.MIN_SOC),
        ("at its own reserve", measured(soc=0.2, backup_soc=0.2), NO_LIMITS, -1000.0, 0.0, Limit.MIN_SOC),
        ("battery care", measured(discharge_allowed=False), NO_LIMITS, -1000.0, 0.0, Limit.DISCHARGE_NOT_ALLOWED),
        ("import is limited", measured(), GridConnection(max_import_w=2000.0), 4600.0, 1500.0, Limit.MAX_IMPORT),
        (
            "the house alone exceeds it", measured(consumption_w=5000.0), GridConnection(max_import_w=2000.0),
            0.0, -3000.0, Limit.MAX_IMPORT,
        ),
        (
            "the sun alone exceeds it", measured(production_w=5000.0), GridConnection(max_export_w=2000.0),
            0.0, 2500.0, Limit.MAX_EXPORT,
        ),
        (
            "the inverter holds it", measured(production_w=5000.0),
            GridConnection(max_export_w=2000.0, curtailable=True), 0.0, 0.0, None,
        ),
        (
            "no grid charging", measured(production_w=1500.0), GridConnection(grid_charging=False),
            4600.0, 1000.0, Limit.NO_GRID_CHARGING,
        ),
        (
            "no battery export", measured(), GridConnection(battery_export=False),
            -4600.0, -500.0, Limit.NO_BATTERY_EXPORT,
        ),
    ],
)  # fmt: skip
def test_each_limit_has_its_name(  # noqa: PLR0917
    why: str, measurement: Measurement, connection: GridConnection, wish: float, allowed_w: float, limit: Limit | None
) -> None:
    """A person can see which limit held a wish."""
    clamped = clamp(wish, measurement, BATTERY, connection)
    assert clamped.power_w == pytest.approx(allowed_w), why
    assert clamped.limits == (() if limit is None else (limit,)), why


def test_automatic_mode_is_left_near_a_band_it_does_not_know() -> None:
    """The device knows its own reserve and the full battery, not our band."""
    banded = replace(BATTERY, min_soc=0.2, max_soc=0.8)
    assert automatic_keeps_band(measured(soc=0.5), banded)
    assert not automatic_keeps_band(measured(soc=0.21), banded)
    assert not automatic_keeps_band(measured(soc=0.79), banded)
    assert automatic_keeps_band(measured(soc=0.21, backup_soc=0.2), banded)
    assert automatic_keeps_band(measured(soc=1.0), BATTERY)
    for edge in (banded.min_soc + AUTOMATIC_MARGIN, banded.max_soc - AUTOMATIC_MARGIN):
        assert automatic_keeps_band(measured(soc=edge), banded)
