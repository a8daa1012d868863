"""An ideal battery that lives in intervals: exact efficiencies and limits, no latency and no error of regulation.

So ideal that a replay and the perfect-foresight bound differ in what they know, and in nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from optimizer.clock import Clock
from optimizer.devices.port import Capabilities
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.domain.site import GridConnection, self_consumption_power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What an interval came to."""

    battery_power_w: float
    """Mean AC power, + charging [W]."""
    grid_power_w: float
    """Mean, + importing [W]."""
    curtailed_w: float
    soc: float
    """At the end of the interval, 0..1."""


def curtailed_w(load_w: float, pv_w: float, battery_w: float, connection: GridConnection) -> float:
    """Return the PV that the inverter holds back at the feed-in limit [W]."""
    if not connection.curtailable or connection.max_export_w is None:
        return 0.0
    return min(pv_w, max(0.0, pv_w - load_w - battery_w - connection.max_export_w))


class IntervalBattery:
    """A :class:`optimizer.devices.port.BatteryDevice` advanced interval by interval.

    Parameters
    ----------
    clock
        Stamps the measurements.
    battery, connection
        What it can do, and the feed-in limit the inverter holds.
    soc
        State of charge at the start, 0..1.
    """

    def __init__(self, *, clock: Clock, battery: Battery, connection: GridConnection, soc: float) -> None:
        self._clock, self._battery, self._connection = clock, battery, connection
        self._energy_wh = battery.energy_wh(soc)
        self._setpoint: Setpoint = Automatic()
        self._load_w = self._pv_w = self._running_w = 0.0

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return "ideal battery of the replay"

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can be asked for."""
        return Capabilities(can_set_mode=True)

    def begin(self, *, load_w: float, pv_w: float) -> None:
        """Begin an interval with its means [W]."""
        self._load_w, self._pv_w = load_w, pv_w

    def read(self) -> Measurement:
        """Return the status at the start of the interval; its load and sun are those of the interval."""
        return Measurement(
            at=self._clock.now(),
            elapsed_s=self._clock.elapsed(),
            consumption_w=self._load_w,
            production_w=self._pv_w,
            battery_power_w=self._running_w,
            soc=min(1.0, max(0.0, self._energy_wh / self._battery.usable_capacity_wh)),
            mode=OperatingMode.AUTOMATIC if isinstance(self._setpoint, Automatic) else OperatingMode.MANUAL,
        )

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:  # noqa: ARG002 - no time passes
        """Follow a setpoint from now on."""
        self._setpoint = setpoint

    def release(self) -> None:
        """Return to plain self-consumption."""
        self._setpoint = Automatic()

    def zero(self) -> None:
        """Do nothing: a setpoint stands in manual mode alone here."""

    def close(self) -> None:
        """Free nothing: there is nothing to free."""

    def finish(self, hours: float) -> Delivered:
        """Run the interval to its end and return what it came to [h]."""
        battery = self._battery
        asked_w = self._asked_w()
        # While it runs it runs as asked; at the edge of the band it stops, as the live loop would within seconds.
        self._running_w = min(max(asked_w, -battery.max_discharge_w), battery.max_charge_w)
        lowest_w = (battery.min_energy_wh - self._energy_wh) / hours + battery.standby_w
        highest_w = (battery.max_energy_wh - self._energy_wh) / hours + battery.standby_w
        stored_w = min(max(battery.stored_power_w(self._running_w), lowest_w), max(highest_w, lowest_w))
        power_w = battery.ac_power_w(stored_w)
        self._energy_wh += (stored_w - battery.standby_w) * hours
        curtailed = curtailed_w(self._load_w, self._pv_w, power_w, self._connection)
        return Delivered(
            battery_power_w=power_w,
            grid_power_w=self._load_w + power_w - self._pv_w + curtailed,
            curtailed_w=curtailed,
            soc=self._energy_wh / battery.usable_capacity_wh,
        )

    def _asked_w(self) -> float:
        if isinstance(self._setpoint, Power):
            return self._setpoint.battery_power_w
        return self_consumption_power_w(load_w=self._load_w, pv_w=self._pv_w)
