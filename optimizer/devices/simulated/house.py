"""A house with a battery, moved forward lazily: whenever somebody looks, it catches up with the clock."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.clock import Clock
from optimizer.devices.simulated.authority import Authority
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart, Outage
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import BatteryState
from optimizer.devices.simulated.profile import HouseProfile
from optimizer.devices.simulated.reading import EnergyTotals, HouseReading
from optimizer.devices.simulated.world import World
from optimizer.domain.battery import Battery
from optimizer.domain.site import grid_power_w


class SimulatedHouse:
    """A battery, its house and its roof.

    Everything that acts on it (HTTP faces, fault scripts, the device in process) calls its methods, from any thread.
    World time follows ``clock.elapsed()``: setting the wall clock moves neither sun nor cells.

    Parameters
    ----------
    clock
        Where the time comes from.
    battery
        Size, limits and efficiencies.
    recording
        Load and sun.
    timezone
        Zone of the device's own clock; Europe/Berlin where absent.
    initial_soc
        User state of charge at the start, 0..1.
    mode
        Operating mode at the start. Manual obeys setpoints; automatic is how a unit is delivered.
    backup_soc
        Reserve that automatic mode keeps, 0..1.
    parameters
        Habits of the battery; the usual ones for ``battery`` where absent.
    import_target_w
        What automatic mode leaves to the grid: about 30 W are reported, 60 to 80 W are measured [W].
    automatic_hold_s
        How long a setpoint lasts in automatic mode [s].
    automatic_minimum_w
        Power below which automatic mode rests [W].
    meter_error_w
        Largest difference between the metered grid power and the balance [W].
    nightly_restart
        The restart at night; None: never.
    battery_care_after_days
        Without being full for so long, the battery charges itself full from the grid; None: never.
    discharge_stops_at_backup
        Whether a manual discharge stops at the backup buffer too (reports contradict each other).
    """

    def __init__(
        self,
        *,
        clock: Clock,
        battery: Battery,
        recording: HouseProfile,
        timezone: ZoneInfo | None = None,
        initial_soc: float = 0.5,
        mode: DeviceMode = DeviceMode.AUTOMATIC,
        backup_soc: float = 0.0,
        parameters: BatteryParameters | None = None,
        import_target_w: float = 30.0,
        automatic_hold_s: float = 20.0,
        automatic_minimum_w: float = 50.0,
        meter_error_w: float = 5.0,
        nightly_restart: NightlyRestart | None = None,
        battery_care_after_days: float | None = None,
        discharge_stops_at_backup: bool = False,
    ) -> None:
        self.clock = clock
        self.timezone = timezone or ZoneInfo("Europe/Berlin")
        self.lock = threading.RLock()
        self._start = clock.now()
        self._start_elapsed_s = clock.elapsed()
        self._authority = Authority(
            mode=mode,
            backup_soc=backup_soc,
            import_target_w=import_target_w,
            automatic_hold_s=automatic_hold_s,
            automatic_minimum_w=automatic_minimum_w,
            floor_in_manual=discharge_stops_at_backup,
        )
        self._world = World(
            start_s=self._start.timestamp(),
            recording=recording,
            parameters=parameters or BatteryParameters(battery=battery),
            authority=self._authority,
            initial_soc=initial_soc,
            battery_care_after_days=battery_care_after_days,
        )
        self._meter_error_w = meter_error_w
        self._nightly = nightly_restart
        self._outage: Outage | None = None
        self._refusing = False
        self._clock_skew_s = 0.0
        self._plan_nightly_restart()

    # -- what others see -------------------------------------------------------------------------------------------

    def reading(self) -> HouseReading:
        """Catch up with the clock and return what the device knows now."""
        with self.lock:
            self.advance()
            return self._reading()

    def availability(self) -> Availability:
        """Catch up with the clock and return whether the device answers."""
        with self.lock:
            self.advance()
            if self._refusing:
                return Availability.REFUSING
            return Availability.UP if self._outage is None else self._outage.availability(self._now_s)

    @property
    def parameters(self) -> BatteryParameters:
        """Habits of the battery."""
        return self._world.parameters

    @property
    def totals(self) -> EnergyTotals:
        """Energy since the start, as of the last step."""
        return self._world.totals

    @property
    def _now_s(self) -> float:
        return self._world.now_s

    @property
    def now(self) -> datetime:
        """World time the house has reached (UTC)."""
        return datetime.fromtimestamp(self._now_s, UTC)

    @property
    def state(self) -> BatteryState:
        """Physical state as of the last step."""
        return self._world.state

    @property
    def soc(self) -> float:
        """Exact user state of charge as of the last step; slightly below 0 while standby eats into the reserve [1]."""
        return self._world.soc

    @property
    def battery_power_w(self) -> float:
        """Battery power as of the last step, + charging [W]."""
        return self._world.state.power_w

    @property
    def mode(self) -> DeviceMode:
        """Operating mode."""
        return self._authority.mode

    @property
    def setpoint_w(self) -> float | None:
        """The command that stands, + charging [W]; None since a restart."""
        return self._authority.setpoint_w

    @property
    def vpp_active(self) -> bool:
        """Whether a virtual power plant has priority."""
        return self._authority.vpp_power_w is not None

    # -- what others do --------------------------------------------------------------------------------------------

    def command(self, power_w: float) -> None:
        """Take a setpoint, + charging [W]: kept until the next, obeyed as far as the mode lets it."""
        with self.lock:
            self.advance()
            self._authority.command(power_w, self._now_s)

    def set_mode(self, mode: DeviceMode) -> None:
        """Change the operating mode; the remembered setpoint acts again as soon as the mode is manual."""
        with self.lock:
            self.advance()
            self._authority.mode = mode
            self._authority.hold_until_s = self._now_s

    def set_backup_soc(self, soc: float) -> None:
        """Set the reserve that automatic mode keeps, 0..1."""
        with self.lock:
            self.advance()
            self._authority.backup_soc = soc

    def restart(self, refusing_s: float = 120.0, bad_gateway_s: float = 180.0) -> None:
        """Restart now: the setpoint is forgotten, the mode is kept."""
        with self.lock:
            self.advance()
            refusing_until_s = self._now_s + refusing_s
            end_s = refusing_until_s + bad_gateway_s
            self._outage = Outage(start_s=self._now_s, refusing_until_s=refusing_until_s, end_s=end_s)
            self._authority.setpoint_w = None
            self._authority.restarting = True
            self._world.schedule(end_s, self._come_back)

    def set_refusing(self, refusing: bool) -> None:
        """Close or open the device's ports; the battery itself goes on as it was told."""
        with self.lock:
            self.advance()
            self._refusing = refusing

    def set_battery_care(self, active: bool) -> None:
        """Begin or end battery care; it also ends by itself when full."""
        with self.lock:
            self.advance()
            self._authority.care = active

    def set_on_grid(self, on_grid: bool) -> None:
        """Take the grid away or give it back."""
        with self.lock:
            self.advance()
            self._authority.on_grid = on_grid

    def set_deaf(self, deaf: bool) -> None:
        """Let the battery acknowledge commands without following them: in manual mode it rests."""
        with self.lock:
            self.advance()
            self._authority.deaf = deaf

    def set_vpp_power(self, power_w: float | None) -> None:
        """Let a virtual power plant decide, + charging [W]; None: it leaves."""
        with self.lock:
            self.advance()
            self._authority.vpp_power_w = power_w

    def set_derating(self, share: float) -> None:
        """Leave a share of the inverter's power, as heat or cold does, 0..1."""
        with self.lock:
            self.advance()
            self._world.state = replace(self._world.state, settled=False)
            self._world.parameters = replace(self._world.parameters, power_share=share)

    def set_clock_skew(self, seconds: float) -> None:
        """Set the device's own clock wrong [s]."""
        with self.lock:
            self.advance()
            self._clock_skew_s = seconds

    def schedule(self, instant: datetime, act: Callable[[], None]) -> None:
        """Call ``act`` at a simulated instant, to the microsecond, whether or not anybody looks then."""
        with self.lock:
            self._world.schedule(instant.timestamp(), act)

    def advance(self) -> None:
        """Catch up with the clock."""
        self.advance_to(self._start + timedelta(seconds=self.clock.elapsed() - self._start_elapsed_s))

    def advance_to(self, instant: datetime) -> None:
        """Move the house forward to an instant; one in the past changes nothing."""
        with self.lock:
            self._world.advance_to(instant.timestamp())

    # -- restarting ------------------------------------------------------------------------------------------------

    def _come_back(self) -> None:
        if self._outage is not None and self._now_s >= self._outage.end_s - 1e-3:
            self._outage = None
            self._authority.restarting = False

    def _plan_nightly_restart(self) -> None:
        if self._nightly is not None:
            self._world.schedule(self._nightly.next_after(self._now_s, self.timezone), self._restart_for_the_night)

    def _restart_for_the_night(self) -> None:
        if self._nightly is not None:
            self.restart(self._nightly.refusing_s, self._nightly.bad_gateway_s)
            self._plan_nightly_restart()

    # -- looking ---------------------------------------------------------------------------------------------------

    def _reading(self) -> HouseReading:
        world, authority, parameters = self._world, self._authority, self.parameters
        moment = world.moment()
        load_w, production_w, battery_w = world.served(moment, world.state.power_w)
        noise = random.Random(int(self._now_s) ^ parameters.seed)  # noqa: S311 - noise, not a secret
        error_w = noise.uniform(-self._meter_error_w, self._meter_error_w)
        grid_w = grid_power_w(load_w=load_w, battery_power_w=battery_w, pv_w=production_w) + error_w
        local = datetime.fromtimestamp(self._now_s + self._clock_skew_s, self.timezone)
        user_soc = min(1.0, max(0.0, self.soc))
        return HouseReading(
            at=self.now,
            local_time=local.replace(tzinfo=None, fold=0),
            utc_offset_h=(local.utcoffset() or timedelta(0)) / timedelta(hours=1),
            consumption_w=load_w,
            consumption_average_w=world.load_average.mean_w(load_w),
            production_w=production_w,
            battery_power_w=battery_w,
            grid_power_w=grid_w if authority.on_grid else 0.0,
            user_soc=user_soc,
            relative_soc=min(1.0, parameters.relative_soc(self.soc)),
            full_capacity_wh=parameters.full_capacity_wh,
            mode=authority.mode,
            setpoint_w=authority.setpoint_w,
            active_setpoint_w=world.order(moment).power_w,
            backup_soc=authority.backup_soc,
            discharge_allowed=not authority.care,
            on_grid=authority.on_grid,
            vpp_active=self.vpp_active,
            grid_frequency_hz=50.0 + noise.gauss(0.0, 0.015) if authority.on_grid else 0.0,
            grid_voltage_v=232.0 + noise.gauss(0.0, 1.5) if authority.on_grid else 0.0,
            battery_voltage_v=48.0 + 6.0 * user_soc + battery_w / 4600.0,
            seconds_since_full=self._now_s - world.full_at_s,
            reasons=self._reasons(),
        )

    def _reasons(self) -> tuple[str, ...]:
        """Return why a setpoint is not followed, as V2's ``ic_status`` names it."""
        state = self._world.state
        checks = {
            "Full Charge Request": self._authority.care,
            "Trickle Charge": self._authority.trickle,
            "Inverter": not self._authority.on_grid,
            "Min User SOC": state.empty and state.target_w < 0,
            "BMS": state.full and state.target_w > 0,
        }
        return tuple(name for name, holds in checks.items() if holds)
