"""Three times the same home, on one clock: without a battery, with one on its own, and with one under sunshift.

Load, sun, battery physics, first state of charge and tariff are the same in all three, so that the difference of their
bills is the difference that control makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.clock import Clock
from optimizer.demo.ledger import Ledger
from optimizer.demo.scene import CostSoFar
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.profile import HouseProfile
from optimizer.domain.battery import Battery
from optimizer.domain.prices import Prices

INITIAL_SOC = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """The three homes and their bills."""

    controlled: SimulatedHouse
    """The home whose battery sunshift commands over HTTP."""
    no_battery: Ledger
    self_consumption: Ledger
    sunshift: Ledger

    def settle(self, now: datetime) -> None:
        """Bring all three up to ``now``."""
        for ledger in (self.no_battery, self.self_consumption, self.sunshift):
            ledger.settle(now)

    def cost_so_far(self) -> CostSoFar:
        """Return what the three have paid, stored energy credited."""
        return CostSoFar(
            no_battery=self.no_battery.account().total_cost,
            self_consumption=self.self_consumption.account().total_cost,
            sunshift=self.sunshift.account().total_cost,
        )


def build_homes(*, clock: Clock, battery: Battery, profile: HouseProfile, zone: ZoneInfo, prices: Prices) -> Homes:
    """Return three homes that start now, their batteries half full and in automatic mode."""

    def house(parameters: BatteryParameters, mode: DeviceMode = DeviceMode.AUTOMATIC) -> SimulatedHouse:
        return SimulatedHouse(
            clock=clock,
            battery=battery,
            recording=profile,
            timezone=zone,
            initial_soc=INITIAL_SOC,
            mode=mode,
            parameters=parameters,
        )

    real = BatteryParameters(battery=battery, standby_w=battery.standby_w)
    # Not there at all: in manual mode without a command, drawing and losing nothing, it never moves a watt.
    absent = BatteryParameters(battery=battery, standby_w=0.0, idle_w=0.0)
    controlled = house(real)
    return Homes(
        controlled=controlled,
        no_battery=Ledger(house(absent, DeviceMode.MANUAL), battery=None, prices=prices),
        self_consumption=Ledger(house(real), battery=battery, prices=prices),
        sunshift=Ledger(controlled, battery=battery, prices=prices),
    )
