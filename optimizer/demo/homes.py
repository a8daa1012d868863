"""Three times the same home, on one clock: without a battery, with one on its own, and with one under sunshift.

Load, sun, battery physics, first state of charge and tariff are the same in all three, so that the difference of their
bills is the difference that control makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from optimizer.clock import Clock
from optimizer.demo.ledger import Account, Ledger
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

    def accounts(self) -> dict[str, Account]:
        """Return the three accounts by name."""
        return {
            "no_battery": self.no_battery.account(),
            "self_consumption": self.self_consumption.account(),
            "sunshift": self.sunshift.account(),
        }


def build_house(*, clock: Clock, battery: Battery, profile: HouseProfile, zone: ZoneInfo) -> SimulatedHouse:
    """Return a home that starts now, its battery half full and in automatic mode."""
    return SimulatedHouse(
        clock=clock,
        battery=battery,
        recording=profile,
        timezone=zone,
        initial_soc=INITIAL_SOC,
        parameters=BatteryParameters(battery=battery, standby_w=battery.standby_w),
    )


def build_homes(controlled: SimulatedHouse, *, battery: Battery, profile: HouseProfile, prices: Prices) -> Homes:
    """Return the home under control with its two twins and the bills of all three.

    Parameters
    ----------
    controlled
        The home that sunshift commands, as it starts.
    battery, profile
        Its battery, load and sun.
    prices
        Of the whole period.
    """
    clock, zone = controlled.clock, controlled.timezone
    # Not there at all: in manual mode without a command, drawing and losing nothing, it never moves a watt.
    absent = SimulatedHouse(
        clock=clock,
        battery=battery,
        recording=profile,
        timezone=zone,
        mode=DeviceMode.MANUAL,
        parameters=BatteryParameters(battery=battery, standby_w=0.0, idle_w=0.0),
    )
    alone = build_house(clock=clock, battery=battery, profile=profile, zone=zone)
    return Homes(
        no_battery=Ledger(absent, battery=None, prices=prices),
        self_consumption=Ledger(alone, battery=battery, prices=prices),
        sunshift=Ledger(controlled, battery=battery, prices=prices),
    )
