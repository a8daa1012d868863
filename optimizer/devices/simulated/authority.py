"""Who decides the battery's power at this moment: the grid's absence, care, a virtual power plant, or the mode."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import Order
from optimizer.devices.simulated.profile import Moment
from optimizer.devices.simulated.schedule import DeviceSchedule

_TRICKLE_W, _TRICKLE_BELOW_SOC = 500.0, -0.03


@dataclass(slots=True, kw_only=True)
class Authority:
    """Everything that has a say, and the rules by which one of them gets it."""

    mode: DeviceMode
    backup_soc: float
    import_target_w: float
    automatic_hold_s: float
    automatic_minimum_w: float
    floor_in_manual: bool
    schedule: DeviceSchedule
    """What mode 10 follows."""
    setpoint_w: float | None = None
    """The command that stands, + charging [W]; None since the last restart."""
    hold_until_s: float = 0.0
    """Until when automatic mode follows the setpoint [s since the epoch]."""
    restarting: bool = False
    care: bool = False
    trickle: bool = False
    on_grid: bool = True
    deaf: bool = False
    """Commands are acknowledged but not followed."""
    vpp_power_w: float | None = None
    """What a virtual power plant wants, + charging [W]; None: there is none."""

    def command(self, power_w: float, now_s: float) -> None:
        """Remember a setpoint; whether it acts is decided by the rest."""
        self.setpoint_w = power_w
        self.hold_until_s = now_s + self.automatic_hold_s

    def holds(self, now_s: float) -> bool:
        """Return whether automatic mode still follows a setpoint."""
        return self.mode is DeviceMode.AUTOMATIC and self.setpoint_w is not None and now_s < self.hold_until_s

    def next_change_s(self, now_s: float) -> float:
        """Return when time alone will next change who decides what [s since the epoch]."""
        if self.holds(now_s):
            return self.hold_until_s
        return self.schedule.next_edge_s(now_s) if self.mode is DeviceMode.TIME_OF_USE else float("inf")

    def set_schedule(self, text: str, now_s: float) -> None:
        """Replace the schedule of mode 10; raises ValueError where the text is none."""
        self.schedule.set(text, now_s, followed=self.mode is DeviceMode.TIME_OF_USE)

    def watch_reserve(self, soc: float) -> None:
        """Begin to charge where standby has eaten half of the reserve; stop at user state of charge 0."""
        self.trickle = soc < 0.0 and (self.trickle or soc <= _TRICKLE_BELOW_SOC)

    def order(self, moment: Moment, parameters: BatteryParameters, now_s: float) -> Order:
        """Return what the battery is asked for now; the first that applies decides."""
        if not self.on_grid:
            return Order(moment.production_w - moment.load_w, instant=True)
        if self.restarting or (self.deaf and self.mode is DeviceMode.MANUAL):
            return Order(0.0)
        if self.care:
            return Order(parameters.battery.max_charge_w, parameters.automatic_dead_time_s)
        if self.trickle:
            return Order(_TRICKLE_W, parameters.automatic_dead_time_s)
        return self._ordinary(moment, parameters, now_s)

    def _ordinary(self, moment: Moment, parameters: BatteryParameters, now_s: float) -> Order:
        if self.vpp_power_w is not None:
            return Order(self.vpp_power_w, parameters.dead_time_s)
        if self.mode is DeviceMode.MANUAL:
            floor_soc = self.backup_soc if self.floor_in_manual else 0.0
            return Order(self.setpoint_w or 0.0, parameters.dead_time_s, floor_soc)
        if self.holds(now_s):
            return Order(self.setpoint_w or 0.0, parameters.dead_time_s)
        if self.mode is DeviceMode.TIME_OF_USE and (window := self.schedule.window_at(now_s)) is not None:
            return Order(self._charge_w(moment, window.grid_limit_w), parameters.automatic_dead_time_s)
        if self.mode is DeviceMode.BACKUP:
            return Order(self._charge_w(moment, 0.0), parameters.automatic_dead_time_s)
        return self._self_consumption(moment, parameters)

    def _self_consumption(self, moment: Moment, parameters: BatteryParameters) -> Order:
        wanted_w = moment.production_w - moment.load_w + self.import_target_w
        if abs(wanted_w) < self.automatic_minimum_w:
            wanted_w = 0.0
        return Order(wanted_w, parameters.automatic_dead_time_s, self.backup_soc)

    def _charge_w(self, moment: Moment, grid_limit_w: float) -> float:
        """Return what may be charged while the grid gives a limited power; never a discharge [W]."""
        wanted_w = grid_limit_w + moment.production_w - moment.load_w
        return wanted_w if wanted_w >= self.automatic_minimum_w else 0.0
