"""A house with a battery, moved forward lazily: whenever somebody looks, it catches up with the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.clock import Clock
from optimizer.devices.simulated.authority import Authority
from optimizer.devices.simulated.metering import Metering, read_meters
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import BatteryState
from optimizer.devices.simulated.profile import HouseProfile
from optimizer.devices.simulated.reading import EnergyTotals, HouseReading
from optimizer.devices.simulated.restarts import Restarts
from optimizer.devices.simulated.schedule import DeviceSchedule
from optimizer.devices.simulated.world import World
from optimizer.domain.battery import Battery


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
    metering
        How well the unit's meters know the house; the usual where absent.
    nightly_restart
        The restart at night; None: never.
    battery_care_after_days
        Without being full for so long, the battery charges itself full from the grid; None: never.
    discharge_stops_at_backup
        Whether a manual discharge stops at the backup buffer too (reports contradict each other).
    time_of_use
        The unit's own schedule as JSON, which mode 10 follows.
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
        metering: Metering | None = None,
        nightly_restart: NightlyRestart | None = None,
        battery_care_after_days: float | None = None,
        discharge_stops_at_backup: bool = False,
        time_of_use: str = "[]",
    ) -> None:
        self.clock = clock
        self.timezone = timezone or ZoneInfo("Europe/Berlin")
        self.lock = threading.RLock()
        self._start_s = clock.now().timestamp()
        self._start_elapsed_s = clock.elapsed()
        self._authority = Authority(
            mode=mode,
            backup_soc=backup_soc,
            import_target_w=import_target_w,
            automatic_hold_s=automatic_hold_s,
            automatic_minimum_w=automatic_minimum_w,
            floor_in_manual=discharge_stops_at_backup,
            schedule=DeviceSchedule(self.timezone),
        )
        self._world = World(
            start_s=self._start_s,
            recording=recording,
            parameters=parameters or BatteryParameters(battery=battery),
            authority=self._authority,
            initial_soc=initial_soc,
            battery_care_after_days=battery_care_after_days,
        )
        self._restarts = Restarts(self._world, self._authority, nightly=nightly_restart, timezone=self.timezone)
        self._authority.schedule.set(time_of_use, self._now_s, followed=False)
        self._ambient_c = self.parameters.thermal.ambient_c
        self._metering = metering or Metering()
        self._clock_skew_s = 0.0

    # -- what others see -------------------------------------------------------------------------------------------

    def reading(self) -> HouseReading:
        """Catch up with the clock and return what the device knows now."""
        with self.lock:
            self.advance()
            return read_meters(
                self._world,
                self._authority,
                self._metering,
                timezone=self.timezone,
                clock_skew_s=self._clock_skew_s,
            )

    def availability(self) -> Availability:
        """Catch up with the clock and return whether the device answers."""
        with self.lock:
            self.advance()
            return self._restarts.availability()

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
    def time_of_use(self) -> str:
        """The unit's own schedule, as it was set."""
        return self._authority.schedule.text

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

    def set_time_of_use(self, schedule: str) -> None:
        """Set the unit's own schedule, which mode 10 follows.

        Raises
        ------
        ValueError
            The text is not a schedule.
        """
        with self.lock:
            self.advance()
            self._authority.set_schedule(schedule, self._now_s)

    def restart(self, refusing_s: float = 120.0, bad_gateway_s: float = 180.0) -> None:
        """Restart now: the setpoint is forgotten, the mode is kept."""
        with self.lock:
            self.advance()
            self._restarts.restart(refusing_s, bad_gateway_s)

    def set_refusing(self, refusing: bool) -> None:
        """Close or open the device's ports; the battery itself goes on as it was told."""
        with self.lock:
            self.advance()
            self._restarts.refusing = refusing

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
            self._change_parameters(power_share=share)

    def set_ambient(self, ambient_c: float | None = None) -> None:
        """Make the battery's room warmer or colder, or as at the start [degC]; the battery follows slowly."""
        with self.lock:
            self.advance()
            temperature_c = self._ambient_c if ambient_c is None else ambient_c
            self._change_parameters(thermal=replace(self.parameters.thermal, ambient_c=temperature_c))

    def set_clock_skew(self, seconds: float) -> None:
        """Set the device's own clock wrong [s]."""
        with self.lock:
            self.advance()
            self._clock_skew_s = self._authority.schedule.skew_s = seconds

    def schedule(self, instant: datetime, act: Callable[[], None]) -> None:
        """Call ``act`` at a simulated instant, to the microsecond, whether or not anybody looks then."""
        with self.lock:
            self._world.schedule(instant.timestamp(), act)

    def advance(self) -> None:
        """Catch up with the clock."""
        with self.lock:
            self._world.advance_to(self._start_s + (self.clock.elapsed() - self._start_elapsed_s))

    def advance_to(self, instant: datetime) -> None:
        """Move the house forward to an instant; one in the past changes nothing."""
        with self.lock:
            self._world.advance_to(instant.timestamp())

    def _change_parameters(self, **changes: Any) -> None:
        self._world.state = replace(self._world.state, settled=False)
        self._world.parameters = replace(self._world.parameters, **changes)
