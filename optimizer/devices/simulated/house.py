"""A house with a battery, moved forward lazily: whenever somebody looks, it catches up with the clock.

Steps are one second while the battery's power moves and as long as nothing changes otherwise, so a simulated day
costs a small part of a second.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from optimizer.clock import Clock
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability, NightlyRestart, Outage
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import BatteryState, Order, step
from optimizer.devices.simulated.profile import HouseProfile, Moment
from optimizer.devices.simulated.reading import EnergyTotals, HouseReading
from optimizer.domain.battery import Battery

_LONGEST_STEP_S = 60.0
_TAPER_STEP_S = 15.0
_TRICKLE_W, _TRICKLE_BELOW_SOC = 500.0, -0.03
_DAY_S = 86_400.0


class SimulatedHouse:
    """A battery, its house and its roof.

    Everything that acts on it (HTTP faces, fault scripts, the device in process) calls its methods from any thread.
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
        Zone of the device's own clock.
    initial_soc
        User state of charge at the start, 0..1.
    mode
        Operating mode at the start. Manual obeys setpoints; automatic is what the maker ships.
    parameters
        Habits of the battery; made from ``battery`` where absent.
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
        self.parameters = parameters or BatteryParameters(battery=battery)
        self.timezone = timezone or ZoneInfo("Europe/Berlin")
        self.recording = recording
        self.lock = threading.RLock()
        self.totals = EnergyTotals()
        self._start = clock.now()
        self._start_elapsed_s = clock.elapsed()
        self._now_s = self._start.timestamp()
        self._state = BatteryState(energy_wh=initial_soc * battery.usable_capacity_wh)
        self._mode = mode
        self._setpoint_w: float | None = None
        self._hold_until_s = 0.0
        self._backup_soc = backup_soc
        self._import_target_w = import_target_w
        self._automatic_hold_s = automatic_hold_s
        self._automatic_minimum_w = automatic_minimum_w
        self._meter_error_w = meter_error_w
        self._care_after_s = None if battery_care_after_days is None else battery_care_after_days * _DAY_S
        self._floor_in_manual = discharge_stops_at_backup
        self._nightly = nightly_restart
        self._next_restart_s = self._restart_after(self._now_s)
        self._outage: Outage | None = None
        self._full_at_s = self._now_s
        self._care = False
        self._trickle = False
        self._on_grid = True
        self._deaf = False
        self._vpp_power_w: float | None = None
        self._clock_skew_s = 0.0
        self._recent: deque[tuple[float, float]] = deque([(self._now_s, 0.0)])

    # -- what others see -------------------------------------------------------------------------------------------

    def reading(self) -> HouseReading:
        """Catch up with the clock and return what the device knows now."""
        with self.lock:
            self.advance()
            return self._reading(self._moment())

    def availability(self) -> Availability:
        """Catch up with the clock and return whether the device answers."""
        with self.lock:
            self.advance()
            return Availability.UP if self._outage is None else self._outage.availability(self._now_s)

    @property
    def now(self) -> datetime:
        """World time the house has reached (UTC)."""
        return datetime.fromtimestamp(self._now_s, UTC)

    @property
    def soc(self) -> float:
        """Exact user state of charge as of the last step [1]."""
        return self._state.soc(self.parameters)

    @property
    def battery_power_w(self) -> float:
        """Battery power as of the last step, + charging [W]."""
        return self._state.power_w

    @property
    def mode(self) -> DeviceMode:
        """Operating mode."""
        return self._mode

    @property
    def setpoint_w(self) -> float | None:
        """The command that stands, + charging [W]; None since a restart."""
        return self._setpoint_w

    @property
    def vpp_active(self) -> bool:
        """Whether a virtual power plant has priority."""
        return self._vpp_power_w is not None

    # -- what others do --------------------------------------------------------------------------------------------

    def command(self, power_w: float) -> None:
        """Take a setpoint, + charging [W]: acknowledged in every mode, kept until the next, obeyed where the mode lets it."""
        with self.lock:
            self.advance()
            self._setpoint_w = power_w
            self._hold_until_s = self._now_s + self._automatic_hold_s

    def set_mode(self, mode: DeviceMode) -> None:
        """Change the operating mode; the remembered setpoint acts again as soon as the mode is manual."""
        with self.lock:
            self.advance()
            self._mode = mode
            self._hold_until_s = self._now_s

    def set_backup_soc(self, soc: float) -> None:
        """Set the reserve that automatic mode keeps, 0..1 of the user's window."""
        with self.lock:
            self.advance()
            self._backup_soc = soc

    def restart(self, refusing_s: float = 120.0, bad_gateway_s: float = 180.0) -> None:
        """Restart now: the setpoint is forgotten, the mode is kept."""
        with self.lock:
            self.advance()
            self._begin_outage(refusing_s, bad_gateway_s)

    def set_battery_care(self, active: bool) -> None:
        """Begin or end battery care by hand; it also ends by itself when full."""
        with self.lock:
            self.advance()
            self._care = active

    def set_on_grid(self, on_grid: bool) -> None:
        """Take the grid away or give it back."""
        with self.lock:
            self.advance()
            self._on_grid = on_grid

    def set_deaf(self, deaf: bool) -> None:
        """Let the battery acknowledge commands without following them: it rests."""
        with self.lock:
            self.advance()
            self._deaf = deaf

    def set_vpp_power(self, power_w: float | None) -> None:
        """Let a virtual power plant decide, + charging [W]; None: it leaves."""
        with self.lock:
            self.advance()
            self._vpp_power_w = power_w

    def set_clock_skew(self, seconds: float) -> None:
        """Set the device's own clock wrong [s]."""
        with self.lock:
            self._clock_skew_s = seconds

    def advance(self) -> None:
        """Catch up with the clock."""
        self.advance_to(self._start + timedelta(seconds=self.clock.elapsed() - self._start_elapsed_s))

    def advance_to(self, instant: datetime) -> None:
        """Move the house forward to an instant; one in the past changes nothing."""
        with self.lock:
            end_s = instant.timestamp()
            while end_s - self._now_s > 1e-6:
                self._begin_what_is_due()
                moment = self._moment()
                order = self._order(moment)
                self._step(moment, order, self._step_length(moment, order, end_s))

    # -- one step --------------------------------------------------------------------------------------------------

    def _moment(self) -> Moment:
        return self.recording.at(self._now_s)

    def _begin_what_is_due(self) -> None:
        if self._outage is not None and self._now_s >= self._outage.end_s - 1e-6:
            self._outage = None
        if self._nightly is not None and self._now_s >= self._next_restart_s - 1e-6:
            self._begin_outage(self._nightly.refusing_s, self._nightly.bad_gateway_s)
            self._next_restart_s = self._restart_after(self._now_s + 1.0)
        if self._care_after_s is not None and self._now_s - self._full_at_s >= self._care_after_s - 1e-6:
            self._care = True
        if self._state.full:
            self._full_at_s = self._now_s
            self._care = False
        soc = self.soc
        self._trickle = soc < 0.0 and (self._trickle or soc <= _TRICKLE_BELOW_SOC)

    def _begin_outage(self, refusing_s: float, bad_gateway_s: float) -> None:
        self._setpoint_w = None
        refusing_until_s = self._now_s + refusing_s
        self._outage = Outage(
            start_s=self._now_s, refusing_until_s=refusing_until_s, end_s=refusing_until_s + bad_gateway_s
        )

    def _restart_after(self, at_s: float) -> float:
        """Return the next restart at or after an instant, by the local clock [s since the epoch]."""
        if self._nightly is None:
            return float("inf")
        local = datetime.fromtimestamp(at_s, self.timezone)
        candidates = (
            datetime.combine(local.date() + timedelta(days=day), self._nightly.at, self.timezone) for day in range(3)
        )
        return next(instant.timestamp() for instant in candidates if instant.timestamp() >= at_s - 1e-6)

    def _order(self, moment: Moment) -> Order:
        """Return what decides now; the first that applies: grid, restart, care, virtual power plant, the mode."""
        parameters = self.parameters
        slow_s = parameters.dead_time_s
        if not self._on_grid:
            return Order(moment.production_w - moment.load_w, instant=True)
        if self._outage is not None or (self._deaf and self._mode is DeviceMode.MANUAL):
            return Order(0.0)
        if self._care:
            return Order(parameters.battery.max_charge_w, parameters.automatic_dead_time_s)
        if self._trickle:
            return Order(_TRICKLE_W, parameters.automatic_dead_time_s)
        if self._vpp_power_w is not None:
            return Order(self._vpp_power_w, slow_s)
        if self._mode is DeviceMode.MANUAL:
            return Order(self._setpoint_w or 0.0, slow_s, self._backup_soc if self._floor_in_manual else 0.0)
        if self._held():
            return Order(self._setpoint_w or 0.0, slow_s)
        return Order(self._automatic_w(moment), parameters.automatic_dead_time_s, self._backup_soc)

    def _held(self) -> bool:
        return self._mode is DeviceMode.AUTOMATIC and self._setpoint_w is not None and self._now_s < self._hold_until_s

    def _automatic_w(self, moment: Moment) -> float:
        """Return the power that leaves the import target to the grid, + charging [W]."""
        wanted_w = moment.production_w - moment.load_w + self._import_target_w
        return 0.0 if abs(wanted_w) < self._automatic_minimum_w else wanted_w

    def _step_length(self, moment: Moment, order: Order, end_s: float) -> float:
        """Return how long nothing will change, at most: one second while the power moves [s]."""
        longest_s = min(_LONGEST_STEP_S, end_s - self._now_s, moment.until_s - self._now_s)
        if not self._state.settled or order.power_w != self._state.ordered_w:
            return min(1.0, longest_s)
        if self._state.power_w > self.parameters.idle_w and self._near_full():
            longest_s = min(longest_s, _TAPER_STEP_S)
        edges = [self._next_restart_s]
        if self._outage is not None:
            edges += [self._outage.end_s]
        if self._held():
            edges += [self._hold_until_s]
        if self._care_after_s is not None and not self._care:
            edges += [self._full_at_s + self._care_after_s]
        return min([longest_s, *(edge - self._now_s for edge in edges if edge - self._now_s > 1e-6)])

    def _near_full(self) -> bool:
        taper = self.parameters.taper_from_soc
        return taper is not None and self.soc > taper - 0.01

    def _step(self, moment: Moment, order: Order, seconds: float) -> None:
        state = self._state = step(self._state, order, self.parameters, seconds)
        self._now_s += seconds
        load_w, production_w, battery_w = moment.load_w, moment.production_w, state.mean_power_w
        hours = seconds / 3600.0
        grid_w = load_w + battery_w - production_w
        if not self._on_grid:
            load_w, production_w = self._island(load_w, production_w, battery_w, hours)
            grid_w = 0.0
        self.totals.add(seconds, load_w=load_w, production_w=production_w, battery_w=battery_w, grid_w=grid_w)
        self.totals.stored_wh += state.stored_w * hours
        self.totals.standby_wh += self.parameters.standby_w * hours
        self._remember_load()

    def _island(self, load_w: float, production_w: float, battery_w: float, hours: float) -> tuple[float, float]:
        """Return load served and PV used without a grid, and count what is not [W]."""
        excess_w = production_w - load_w - battery_w
        self.totals.curtailed_wh += max(0.0, excess_w) * hours
        self.totals.unserved_wh += max(0.0, -excess_w) * hours
        return max(0.0, load_w - max(0.0, -excess_w)), max(0.0, production_w - max(0.0, excess_w))

    def _remember_load(self) -> None:
        self._recent.append((self._now_s, self.totals.load_wh))
        while len(self._recent) > 2 and self._recent[1][0] <= self._now_s - 60.0:
            self._recent.popleft()

    # -- one look --------------------------------------------------------------------------------------------------

    def _reading(self, moment: Moment) -> HouseReading:
        state, parameters = self._state, self.parameters
        load_w, production_w, battery_w = moment.load_w, moment.production_w, state.power_w
        if not self._on_grid:
            excess_w = production_w - load_w - battery_w
            load_w, production_w = max(0.0, load_w + min(0.0, excess_w)), production_w - max(0.0, excess_w)
        noise = random.Random(int(self._now_s) ^ parameters.seed)  # noqa: S311 - noise, not a secret
        error_w = noise.uniform(-self._meter_error_w, self._meter_error_w)
        soc = max(0.0, self.soc)
        local = datetime.fromtimestamp(self._now_s + self._clock_skew_s, self.timezone)
        return HouseReading(
            at=self.now,
            local_time=local.replace(tzinfo=None, fold=0),
            utc_offset_h=(local.utcoffset() or timedelta(0)) / timedelta(hours=1),
            consumption_w=load_w,
            consumption_average_w=self._average_load(load_w),
            production_w=production_w,
            battery_power_w=battery_w,
            grid_power_w=load_w + battery_w - production_w + error_w if self._on_grid else 0.0,
            user_soc=min(1.0, soc),
            relative_soc=min(1.0, parameters.relative_soc(self.soc)),
            full_capacity_wh=parameters.full_capacity_wh,
            mode=self._mode,
            setpoint_w=self._setpoint_w,
            active_setpoint_w=state.ordered_w,
            backup_soc=self._backup_soc,
            discharge_allowed=not self._care,
            on_grid=self._on_grid,
            vpp_active=self.vpp_active,
            grid_frequency_hz=50.0 + noise.gauss(0.0, 0.015) if self._on_grid else 0.0,
            grid_voltage_v=(232.0 + noise.gauss(0.0, 1.5)) if self._on_grid else 0.0,
            battery_voltage_v=48.0 + 6.0 * soc + battery_w / 4600.0,
            seconds_since_full=self._now_s - self._full_at_s,
            reasons=self._reasons(),
        )

    def _average_load(self, load_w: float) -> float:
        """Return the mean load of the last 60 s, or of what there was [W]."""
        (oldest_s, oldest_wh), (newest_s, newest_wh) = self._recent[0], self._recent[-1]
        if newest_s <= oldest_s:
            return load_w
        if len(self._recent) > 1 and self._recent[1][0] > newest_s - 60.0 > oldest_s:
            share = (newest_s - 60.0 - oldest_s) / (self._recent[1][0] - oldest_s)
            oldest_wh += share * (self._recent[1][1] - oldest_wh)
            oldest_s = newest_s - 60.0
        return (newest_wh - oldest_wh) / (newest_s - oldest_s) * 3600.0

    def _reasons(self) -> tuple[str, ...]:
        """Return why a setpoint is not followed, as V2's ``ic_status`` names it."""
        checks = {
            "Full Charge Request": self._care,
            "Trickle Charge": self._trickle,
            "Inverter": not self._on_grid,
            "Min User SOC": self._state.empty and self._state.target_w < 0,
            "BMS": self._state.full and self._state.target_w > 0,
        }
        return tuple(name for name, holds in checks.items() if holds)

    def snapshot(self) -> BatteryState:
        """Return the physical state as of the last step (for tests and summaries)."""
        return replace(self._state)
