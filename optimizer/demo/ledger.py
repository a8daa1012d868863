"""What a home pays: its meters read at every change of price, each part billed at the price of its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.domain.battery import Battery
from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import Interval
from optimizer.errors import TariffError


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one home used and paid since the start."""

    load_kwh: float
    production_kwh: float
    imported_kwh: float
    exported_kwh: float
    charged_kwh: float
    """AC energy into the battery, its idle draw included [kWh]."""
    discharged_kwh: float
    """AC energy out of the battery [kWh]."""
    full_cycles: float
    """Energy taken from the store, in usable capacities [1]."""
    soc: float
    """State of charge now, 0..1."""
    energy_cost: float
    """Import paid less export earned [currency]."""
    stored_energy_credit: float
    """What the difference of stored energy since the start is worth [currency]."""

    @property
    def total_cost(self) -> float:
        """Cost on equal stored energy: energy less credit [currency]."""
        return self.energy_cost - self.stored_energy_credit

    @property
    def balance_residual_kwh(self) -> float:
        """By how much import, PV and discharge miss load, export and charge [kWh]; 0 but for rounding."""
        supply = self.imported_kwh + self.production_kwh + self.discharged_kwh
        return supply - self.load_kwh - self.exported_kwh - self.charged_kwh


class Ledger:
    """The bill of one simulated home.

    Parameters
    ----------
    house
        The home; its meters are exact.
    battery
        Its battery, for the credit; None: it has none, and none is credited.
    prices
        Import and export prices of the whole period [currency/kWh].

    Raises
    ------
    TariffError
        A price of the period is unknown.
    """

    def __init__(self, house: SimulatedHouse, *, battery: Battery | None, prices: Prices) -> None:
        if prices.known < len(prices.grid):
            msg = (
                f"no price for {prices.grid.interval(prices.known).start:%Y-%m-%d %H:%M} UTC: a bill needs every price"
            )
            raise TariffError(msg)
        self._house = house
        self._battery = battery
        self._prices = prices
        self._read_at = house.now
        self._last = replace(house.totals)
        self._first_soc = house.soc
        self._energy_cost = 0.0

    def settle(self, until: datetime) -> None:
        """Bill everything up to ``until``; what lies outside the period is not billed."""
        grid = self._prices.grid
        while self._read_at < until:
            index = grid.index_of(self._read_at)
            if index is None:
                return
            self._bill(index, grid.interval(index), until)

    def _bill(self, index: int, interval: Interval, until: datetime) -> None:
        self._read_at = min(until, interval.end)
        self._house.advance_to(self._read_at)
        totals = self._house.totals
        bought, sold = self._prices.import_per_kwh[index] or 0.0, self._prices.export_per_kwh[index] or 0.0
        self._energy_cost += bought * (totals.imported_wh - self._last.imported_wh) / 1000.0
        self._energy_cost -= sold * (totals.exported_wh - self._last.exported_wh) / 1000.0
        self._last = replace(totals)

    def account(self) -> Account:
        """Return what has been billed so far."""
        totals, battery = self._last, self._battery
        soc = self._house.soc
        stored_kwh = 0.0 if battery is None else (soc - self._first_soc) * battery.usable_capacity_wh / 1000.0
        credit = 0.0 if battery is None else stored_kwh * self.mean_import_price * battery.discharge_efficiency
        drawn_wh = 0.0 if battery is None else totals.discharged_wh / battery.discharge_efficiency
        return Account(
            load_kwh=totals.load_wh / 1000.0,
            production_kwh=totals.production_wh / 1000.0,
            imported_kwh=totals.imported_wh / 1000.0,
            exported_kwh=totals.exported_wh / 1000.0,
            charged_kwh=totals.charged_wh / 1000.0,
            discharged_kwh=totals.discharged_wh / 1000.0,
            full_cycles=0.0 if battery is None else drawn_wh / battery.usable_capacity_wh,
            soc=soc,
            energy_cost=self._energy_cost,
            stored_energy_credit=credit,
        )

    @property
    def mean_import_price(self) -> float:
        """Mean import price of the whole period: what stored energy is credited at [currency/kWh]."""
        prices = [price for price in self._prices.import_per_kwh if price is not None]
        return sum(prices) / len(prices)
