"""The simulated battery as a device in process: the same signs, integers and failures as over HTTP, without HTTP."""

from __future__ import annotations

import math

from optimizer.devices.port import Capabilities
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Automatic, Setpoint
from optimizer.errors import DeviceTimeout, DeviceUnreachable, ExternalControl


class SimulatedDevice:
    """A :class:`optimizer.devices.port.BatteryDevice` that calls the house directly.

    Parameters
    ----------
    house
        The simulated house; its clock is the device's.
    mode_control
        Whether the operating mode may be set, as with V2 or the undocumented call of V1.
    """

    def __init__(self, house: SimulatedHouse, *, mode_control: bool = True) -> None:
        self._house = house
        self._mode_control = mode_control

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return "simulated battery in process"

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can be asked for."""
        return Capabilities(can_set_mode=self._mode_control, echoes_setpoint=True)

    def read(self) -> Measurement:
        """Return the present status, rounded as the device's JSON is."""
        self._must_answer()
        reading = self._house.reading()
        return Measurement(
            at=self._house.clock.now(),
            elapsed_s=self._house.clock.elapsed(),
            consumption_w=float(round(reading.consumption_w)),
            production_w=float(round(reading.production_w)),
            battery_power_w=float(round(reading.battery_power_w)),
            soc=round(100 * reading.user_soc) / 100,
            reported_grid_power_w=float(round(reading.grid_power_w)),
            mode=reading.mode.operating_mode,
            device_time=reading.local_time.replace(microsecond=0),
            on_grid=reading.on_grid,
            discharge_allowed=reading.discharge_allowed,
            backup_soc=reading.backup_soc,
            reported_setpoint_w=float(round(reading.active_setpoint_w)),
            reasons=tuple(f"Setpoint Priority: {reason}" for reason in reading.reasons),
        )

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        """Bring the battery to a setpoint, in the safe order of the port."""
        if isinstance(setpoint, Automatic):
            self.release()
            return
        if self._house.clock.elapsed() > not_after_s:
            raise DeviceTimeout("the command was held up and came too late: it is not sent")
        self._must_obey()
        if self._mode_control and self._house.mode is not DeviceMode.MANUAL:
            self._house.command(0.0)
            self._house.set_mode(DeviceMode.MANUAL)
        self._house.command(float(round(setpoint.battery_power_w)))

    def release(self) -> None:
        """Zero the setpoint, then automatic mode where it can be set."""
        self._must_obey()
        self._house.command(0.0)
        if self._mode_control:
            self._house.set_mode(DeviceMode.AUTOMATIC)

    def zero(self) -> None:
        """Zero the setpoint, in whatever mode."""
        self._must_obey()
        self._house.command(0.0)

    def close(self) -> None:
        """Free nothing: there is nothing to free."""

    def _must_answer(self) -> None:
        availability = self._house.availability()
        if availability is Availability.REFUSING:
            msg = f"{self.name} refuses connections, as in its nightly restart; try again in a few minutes"
            raise DeviceUnreachable(msg)
        if availability is Availability.BAD_GATEWAY:
            msg = f"{self.name} answered 502 with HTML: it is still starting; try again in a few minutes"
            raise DeviceUnreachable(msg)

    def _must_obey(self) -> None:
        self._must_answer()
        if self._house.vpp_active:
            msg = f"{self.name}: a virtual power plant has priority; wait until it leaves"
            raise ExternalControl(msg)
