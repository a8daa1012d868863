"""What the guard's own client would send and be told, at a hostile battery in process."""

from __future__ import annotations

from collections.abc import Callable

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.measurement import OperatingMode
from optimizer.errors import DeviceError
from optimizer.release.client import StepFailed
from optimizer.release.status import AUTOMATIC, Status
from support.hostile_battery import HostileBattery


class GuardsClient:
    """A :class:`optimizer.release.hand_back.HandsBack` past the ledger of the service's own writes.

    Parameters
    ----------
    battery
        The battery.
    mode_control
        Whether it has the mode call.
    """

    def __init__(self, battery: HostileBattery, *, mode_control: bool) -> None:
        mode = battery.hand_back_mode
        self.sets_mode, self._battery = mode_control, battery
        self.codes = AUTOMATIC if mode is DeviceMode.AUTOMATIC else (str(int(mode)),)

    def zero_paths(self) -> tuple[str, ...]:
        return ("both setpoints",)

    def zero(self, path: str) -> str:
        return self._accepted(self._battery.zero)

    def set_mode(self) -> str:
        return self._accepted(self._battery.guard_sets_mode)

    def status(self) -> Status:
        try:
            told = self._battery.told_to_others()
        except DeviceError as error:
            raise StepFailed(str(error)) from error
        status: Status = {
            "Pac_total_W": -told.battery_power_w,
            "GridFeedIn_W": -told.grid_power_w,
            "Consumption_W": told.consumption_w,
            "Production_W": told.production_w,
            "USOC": told.soc,
            "Timestamp": str(told.device_time),
        }
        if told.mode is not OperatingMode.UNKNOWN:
            status["OperatingMode"] = next(int(mode) for mode in DeviceMode if mode.operating_mode is told.mode)
        return status

    def _accepted(self, step: Callable[[], None]) -> str:
        try:
            step()
        except DeviceError as error:
            raise StepFailed(str(error)) from error
        return "accepted"
