"""What the unit reads of itself: each value a little old, the grid's a few watts off, all at once never."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.devices.simulated.authority import Authority
from optimizer.devices.simulated.reading import HouseReading
from optimizer.devices.simulated.recent_powers import Powers
from optimizer.devices.simulated.world import World
from optimizer.domain.site import grid_power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """How well the unit's meters know the house.

    Recorded payloads miss the balance by 0 to 22 W, and by far more where a load changed between two of the samples
    (battery-api facts, section 1.5).
    """

    error_w: float = 20.0
    """Largest error of the grid's meter; mostly far smaller [W]."""
    skew_s: float = 0.3
    """Largest age of a value when the others are read; each value has its own [s]."""

    def grid_error_w(self, noise: random.Random) -> float:
        """Return the error of one reading of the grid [W]."""
        return max(-self.error_w, min(self.error_w, noise.gauss(0.0, self.error_w / 3.0)))


def read_meters(
    world: World, authority: Authority, metering: Metering, *, timezone: ZoneInfo, clock_skew_s: float
) -> HouseReading:
    """Return what the unit knows at the instant that the world has reached."""
    parameters, state, moment = world.parameters, world.state, world.moment()
    noise = random.Random(int(world.now_s) ^ parameters.seed)  # noqa: S311 - noise, not a secret
    error_w = metering.grid_error_w(noise)
    load_w, production_w, battery_w = world.served(moment, state.power_w)
    present = Powers(load_w=load_w, production_w=production_w, battery_w=battery_w)
    house, sun, battery, grid = (
        world.recent.at(world.now_s - noise.uniform(0.0, metering.skew_s), present) for _ in range(4)
    )
    balance_w = grid_power_w(load_w=grid.load_w, battery_power_w=grid.battery_w, pv_w=grid.production_w)
    local = datetime.fromtimestamp(world.now_s + clock_skew_s, timezone)
    user_soc = min(1.0, max(0.0, world.soc))
    return HouseReading(
        at=datetime.fromtimestamp(world.now_s, UTC),
        local_time=local.replace(tzinfo=None, fold=0),
        utc_offset_h=(local.utcoffset() or timedelta(0)) / timedelta(hours=1),
        consumption_w=house.load_w,
        consumption_average_w=world.load_average.mean_w(present.load_w),
        production_w=sun.production_w,
        battery_power_w=battery.battery_w,
        grid_power_w=balance_w + error_w if authority.on_grid else 0.0,
        user_soc=user_soc,
        relative_soc=min(1.0, parameters.relative_soc(world.soc)),
        full_capacity_wh=parameters.full_capacity_wh,
        mode=authority.mode,
        setpoint_w=authority.setpoint_w,
        active_setpoint_w=world.order(moment).power_w,
        backup_soc=authority.backup_soc,
        discharge_allowed=not authority.care,
        on_grid=authority.on_grid,
        vpp_active=authority.vpp_power_w is not None,
        grid_frequency_hz=50.0 + noise.gauss(0.0, 0.015) if authority.on_grid else 0.0,
        grid_voltage_v=232.0 + noise.gauss(0.0, 1.5) if authority.on_grid else 0.0,
        battery_voltage_v=48.0 + 6.0 * user_soc + battery.battery_w / 4600.0,
        temperature_c=state.temperature_c,
        imported_wh=world.totals.imported_wh,
        exported_wh=world.totals.exported_wh,
        load_wh=world.totals.load_wh,
        production_wh=world.totals.production_wh,
        charged_wh=world.totals.charged_wh,
        seconds_since_full=world.now_s - world.full_at_s,
        reasons=_reasons(world, authority),
    )


def _reasons(world: World, authority: Authority) -> tuple[str, ...]:
    """Return why a setpoint is not followed, as V2's ``ic_status`` names it."""
    state = world.state
    checks = {
        "Full Charge Request": authority.care,
        "Trickle Charge": authority.trickle,
        "Inverter": not authority.on_grid,
        "Min User SOC": state.empty and state.target_w < 0,
        "BMS": state.full and state.target_w > 0,
    }
    return tuple(name for name, holds in checks.items() if holds)
