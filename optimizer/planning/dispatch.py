"""The present weighed against the value of stored energy: which battery power is best right now.

For the rest of the interval the battery power ``p`` costs ::

    hours * (import price * import - export price * export + wear * discharge) - V(energy afterwards)

with ``grid = load + p - pv``. All of it is piecewise linear in ``p``, so the exact minimum lies at one of a handful
of powers: full charge, full discharge, idle, grid at zero, grid at a limit, or where ``V`` bends. A power that would
fill or empty the battery early runs until then; the worth of energy says how far it is worth running.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.site import GridConnection, grid_power_w

TIE = 1e-4
"""Gain below which two choices count as equal [currency]."""
SWITCHING_GAIN = 2e-3
"""Gain over the rest of the interval that a change of regime must bring within an interval [currency].

A fifth of a cent: enough to settle one-cent ties under a noisy load, too little to hide a better plan. Where a new
interval or a new plan changes the footing, a quarter of it is enough.
"""
NEW_FOOTING_GAIN = 5e-4
"""The same where the interval or the plan has changed [currency]."""
TURN_W = 1000.0
"""A turn of load or sun that the regime's other side is judged by [W]."""
NO_POWER_W = 1.0
"""Powers closer than this are the same power [W]."""


class Regime(StrEnum):
    """What the battery is there for, as a rule that holds for any load and sun."""

    SELF_CONSUMPTION = "self_consumption"
    """Store surplus, cover the house."""
    STORE_SURPLUS_ONLY = "store_surplus_only"
    """Store surplus, keep it from the house: it is worth more later."""
    COVER_HOUSE_ONLY = "cover_house_only"
    """Cover the house, let surplus go: it earns more in the grid."""
    HOLD = "hold"
    """Neither charge nor discharge."""
    STORE_PARTLY = "store_partly"
    """Store a part of the surplus: what a feed-in limit leaves over, or up to where storing stops paying."""
    COVER_PARTLY = "cover_partly"
    """Cover a part of the house: what exceeds an import limit, or down to where keeping starts paying."""
    GRID_CHARGE = "grid_charge"
    """Charge with more than the surplus."""
    BATTERY_EXPORT = "battery_export"
    """Discharge more than the house takes."""

    @property
    def stores_surplus(self) -> bool:
        """Whether all surplus goes into the battery."""
        return self in (Regime.SELF_CONSUMPTION, Regime.STORE_SURPLUS_ONLY, Regime.GRID_CHARGE)

    @property
    def covers_house(self) -> bool:
        """Whether the house is covered from the battery."""
        return self in (Regime.SELF_CONSUMPTION, Regime.COVER_HOUSE_ONLY, Regime.BATTERY_EXPORT)


_CALMEST_FIRST = tuple(Regime)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakAllowance:
    """What the rest of the interval may import before its mean raises the billing peak."""

    import_w: float
    """Import that leaves the billing peak where it is [W]."""
    price_per_kwh: float
    """Price of every kWh above it: price per kW over the length of the whole interval [currency/kWh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is weighed: the house now, the money of this interval, and the time left in it."""

    load_w: float
    pv_w: float
    soc: float
    import_price_per_kwh: float
    export_price_per_kwh: float
    hours: float
    """Time left in the interval [h]."""
    discharge_allowed: bool = True
    reserve_soc: float = 0.0
    """State of charge the device keeps for itself, 0..1."""
    peak: PeakAllowance | None = None

    @property
    def net_load_w(self) -> float:
        """House load less PV [W]."""
        return self.load_w - self.pv_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What the previous weighing came to, and whether it stood on the same prices and the same plan."""

    regime: Regime
    self_consumption: bool = False
    same_interval_and_plan: bool = True

    @property
    def switching_gain(self) -> float:
        """Gain that a change of regime must bring [currency]."""
        return SWITCHING_GAIN if self.same_interval_and_plan else NEW_FOOTING_GAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """The best battery power for the rest of the interval, and what the alternatives would have cost."""

    battery_power_w: float
    """+ charging [W]."""
    regime: Regime
    self_consumption: bool
    """Whether the battery's automatic mode does what is wanted for any load and sun until the interval ends."""
    cost: float
    """Cost of the rest of the interval less the worth of the energy left [currency]."""
    idle_cost: float
    """The same if the battery did nothing [currency]."""
    self_consumption_cost: float
    """The same under plain self-consumption [currency]."""
    gain_per_kwh: float
    """Worth of storing one more kWh [currency/kWh]."""
    loss_per_kwh: float
    """Worth of the kWh drawn next [currency/kWh]."""
    present: Present


def dispatch(
    present: Present,
    value: EnergyValue,
    *,
    battery: Battery,
    connection: GridConnection,
    previous: Footing | None = None,
) -> Dispatch:
    """Return the battery power that costs least, ties settled for the calmest regime.

    Parameters
    ----------
    value
        Worth of stored energy at the end of the interval.
    previous
        The last weighing: its regime is kept unless a change brings its switching gain.

    Notes
    -----
    Exact in the class of powers that hold, or hold until the battery is where it should be, for the rest of the
    interval. Limits of the connection are soft here, at a price above all others; the clamp makes them hard.
    """
    scale = _Scale(present, value, battery, connection)
    stores, covers = scale.stores_surplus(previous), scale.covers_house(previous)
    best: dict[Regime, tuple[float, float]] = {}
    for power_w in scale.candidates_w():
        regime = _regime(power_w, scale.follow_w, stores=stores, covers=covers)
        option = (scale.cost(power_w), abs(power_w))
        if regime not in best or option < (best[regime][0], abs(best[regime][1])):
            best[regime] = (option[0], power_w)
    regime = _choose(best, previous)
    energy_wh = scale.energy_wh
    return Dispatch(
        battery_power_w=best[regime][1],
        regime=regime,
        self_consumption=regime is Regime.SELF_CONSUMPTION and scale.is_right_for_any_load(previous),
        cost=best[regime][0],
        idle_cost=scale.cost(0.0),
        self_consumption_cost=scale.cost(scale.follow_w, to_the_edge=True),
        gain_per_kwh=value.gain_per_kwh(energy_wh),
        loss_per_kwh=value.loss_per_kwh(energy_wh),
        present=present,
    )


def _choose(best: dict[Regime, tuple[float, float]], previous: Footing | None) -> Regime:
    """Return the cheapest regime; among equals the previous one, then the calmest."""
    least = min(cost for cost, _ in best.values())
    if previous is not None and previous.regime in best and best[previous.regime][0] <= least + previous.switching_gain:
        return previous.regime
    return next(regime for regime in _CALMEST_FIRST if regime in best and best[regime][0] <= least + TIE)


def _regime(power_w: float, follow_w: float, *, stores: bool, covers: bool) -> Regime:
    """Name the rule that a power stands for, given what is wanted when load or sun turn the other way."""
    if follow_w > NO_POWER_W:
        stores = power_w >= follow_w - NO_POWER_W
    elif follow_w < -NO_POWER_W:
        covers = power_w <= follow_w + NO_POWER_W
    if power_w > max(0.0, follow_w) + NO_POWER_W:
        return Regime.GRID_CHARGE
    if power_w < min(0.0, follow_w) - NO_POWER_W:
        return Regime.BATTERY_EXPORT
    if not min(abs(power_w), abs(power_w - follow_w)) <= NO_POWER_W:
        return Regime.STORE_PARTLY if power_w > 0 else Regime.COVER_PARTLY
    return {
        (True, True): Regime.SELF_CONSUMPTION,
        (True, False): Regime.STORE_SURPLUS_ONLY,
        (False, True): Regime.COVER_HOUSE_ONLY,
        (False, False): Regime.HOLD,
    }[stores, covers]


class _Scale:
    """The two pans: the money of the rest of the interval and the worth of what is left."""

    def __init__(self, present: Present, value: EnergyValue, battery: Battery, connection: GridConnection) -> None:
        self._present = present
        self._value = value
        self._battery = battery
        self._connection = connection
        self.energy_wh = battery.energy_wh(present.soc)
        self._floor_wh = min(self.energy_wh, battery.energy_wh(max(battery.min_soc, present.reserve_soc)))
        self._ceiling_wh = max(self.energy_wh, battery.max_energy_wh)
        self._hours = max(present.hours, 1e-3)
        self._worth = _Worth(value)
        self._penalty = 100.0 * max(
            1.0,
            *(abs(slope) for slope in value.slope_per_kwh),
            abs(present.import_price_per_kwh),
            abs(present.export_price_per_kwh),
        )
        self._low_w, self._high_w = self._bounds_w()
        self.follow_w = self._bounded(-present.net_load_w)

    def _bounds_w(self) -> tuple[float, float]:
        follow_w = -self._present.net_load_w
        low = -self._battery.max_discharge_w if self._present.discharge_allowed else 0.0
        high = self._battery.max_charge_w
        if self._floor_wh >= self.energy_wh:
            low = 0.0
        if self._ceiling_wh <= self.energy_wh:
            high = 0.0
        if not self._connection.battery_export:
            low = max(low, min(0.0, follow_w))
        if not self._connection.grid_charging:
            high = min(high, max(0.0, follow_w))
        return low, high

    def _bounded(self, power_w: float) -> float:
        return min(max(power_w, self._low_w), self._high_w)

    def candidates_w(self) -> Iterator[float]:
        """Yield every power at which the cost can have its minimum."""
        net_w, connection = self._present.net_load_w, self._connection
        yield from (0.0, self.follow_w, self._low_w, self._high_w)
        if connection.max_import_w is not None:
            yield self._bounded(connection.max_import_w - net_w)
        if connection.max_export_w is not None:
            yield self._bounded(-connection.max_export_w - net_w)
        if self._present.peak is not None:
            yield self._bounded(self._present.peak.import_w - net_w)
        for bend_wh in (*self._value.energy_wh, self._floor_wh, self._ceiling_wh):
            power_w = self._battery.ac_power_w((bend_wh - self.energy_wh) / self._hours)
            if self._low_w < power_w < self._high_w:
                yield power_w

    def cost(self, power_w: float, *, to_the_edge: bool = False) -> float:
        """Return the cost of a power for the rest of the interval [currency].

        It runs as long as it pays and then idles; where it does not pay at all, or ``to_the_edge`` is asked for, it
        runs until the interval ends or the battery is full or empty.
        """
        rate_w = self._battery.stored_power_w(power_w)
        if rate_w == 0:
            return self._cost_of_running(0.0, 0.0, 0.0)
        edge_wh = self._ceiling_wh if rate_w > 0 else self._floor_wh
        price_per_kwh = 1000.0 * (self._money_per_h(power_w) - self._money_per_h(0.0)) / rate_w
        end_wh = self._worth.pays_until_wh(price_per_kwh, start=self.energy_wh, edge=edge_wh)
        if to_the_edge or end_wh == self.energy_wh:
            end_wh = edge_wh
        return self._cost_of_running(power_w, rate_w, max(0.0, (end_wh - self.energy_wh) / rate_w))

    def _cost_of_running(self, power_w: float, rate_w: float, at_most_h: float) -> float:
        running_h = min(self._hours, at_most_h)
        money = running_h * self._money_per_h(power_w) + (self._hours - running_h) * self._money_per_h(0.0)
        return money - self._worth(self.energy_wh + running_h * rate_w)

    def _money_per_h(self, power_w: float) -> float:
        """Return what an hour at a battery power costs: grid, wear, and what exceeds a limit [currency/h]."""
        present, connection = self._present, self._connection
        grid_w = grid_power_w(load_w=present.load_w, battery_power_w=power_w, pv_w=present.pv_w)
        cost = self._battery.wear_cost_per_kwh * max(0.0, -power_w)
        if grid_w >= 0:
            cost += present.import_price_per_kwh * grid_w
            if present.peak is not None:
                cost += present.peak.price_per_kwh * max(0.0, grid_w - present.peak.import_w)
            if connection.max_import_w is not None:
                cost += self._penalty * max(0.0, grid_w - connection.max_import_w)
            return cost / 1000.0
        export_w = -grid_w
        over_w = 0.0 if connection.max_export_w is None else max(0.0, export_w - connection.max_export_w)
        if connection.curtailable:
            # The inverter holds the limit: what exceeds it is lost, and earns nothing.
            return (cost - present.export_price_per_kwh * (export_w - over_w)) / 1000.0
        return (cost - present.export_price_per_kwh * export_w + self._penalty * over_w) / 1000.0

    def stores_surplus(self, previous: Footing | None) -> bool:
        """Whether a surplus, if there is one, is worth more stored than fed in."""
        battery = self._battery
        gain = self._value.gain_per_kwh(self.energy_wh) * battery.charge_efficiency - self._present.export_price_per_kwh
        was_so = None if previous is None else previous.regime.stores_surplus
        return self._beyond_doubt(gain * self._hours * TURN_W / 1000.0, was_so)

    def covers_house(self, previous: Footing | None) -> bool:
        """Whether covering the house, should it need it, saves more than keeping the energy."""
        battery = self._battery
        cost = self._value.loss_per_kwh(self.energy_wh) / battery.discharge_efficiency + battery.wear_cost_per_kwh
        gain = self._present.import_price_per_kwh - cost
        was_so = None if previous is None else previous.regime.covers_house
        return self._beyond_doubt(gain * self._hours * TURN_W / 1000.0, was_so)

    @staticmethod
    def _beyond_doubt(gain: float, was_so: bool | None) -> bool:
        """Return whether a gain is positive, leaning to what was so before [currency].

        This is about a turn that may never come; once it does, the costs themselves are compared.
        """
        doubt = TIE if was_so is None else SWITCHING_GAIN
        return gain > doubt if was_so is False else gain >= -doubt

    def is_right_for_any_load(self, previous: Footing | None) -> bool:
        """Whether self-consumption stays right wherever load and sun can take the battery until the interval ends.

        Counts the money it could lose over the reachable energies: by storing what should be fed in, by covering what
        should be kept, by not charging from the grid, by not selling.
        """
        battery, present = self._battery, self._present
        high_wh = min(self._ceiling_wh, self.energy_wh + battery.stored_power_w(battery.max_charge_w) * self._hours)
        low_wh = max(self._floor_wh, self.energy_wh + battery.stored_power_w(-battery.max_discharge_w) * self._hours)
        sale_per_kwh = (present.export_price_per_kwh - battery.wear_cost_per_kwh) * battery.discharge_efficiency
        saving_per_kwh = (present.import_price_per_kwh - battery.wear_cost_per_kwh) * battery.discharge_efficiency
        regrets = [
            self._worth.shortfall(present.export_price_per_kwh / battery.charge_efficiency, self.energy_wh, high_wh),
            self._worth.excess(saving_per_kwh, low_wh, self.energy_wh),
        ]
        if self._connection.grid_charging:
            price = present.import_price_per_kwh / battery.charge_efficiency
            regrets.append(self._worth.excess(price, self.energy_wh, high_wh))
        if self._connection.battery_export:
            regrets.append(self._worth.shortfall(sale_per_kwh, low_wh, self.energy_wh))
        allowed = SWITCHING_GAIN * (2.0 if previous is not None and previous.self_consumption else 1.0)
        return max(regrets) <= allowed


class _Worth:
    """An energy value made ready for many questions."""

    def __init__(self, value: EnergyValue) -> None:
        self._value = value
        self._at = [value.value_at_lowest]
        for (low, high), slope in zip(pairwise(value.energy_wh), value.slope_per_kwh, strict=True):
            self._at.append(self._at[-1] + slope * (high - low) / 1000.0)

    def __call__(self, energy_wh: float) -> float:
        """Return the worth of holding ``energy_wh``, extended along the outer slopes [currency]."""
        points, slopes = self._value.energy_wh, self._value.slope_per_kwh
        index = min(max(bisect_right(points, energy_wh) - 1, 0), len(slopes) - 1)
        return self._at[index] + slopes[index] * (energy_wh - points[index]) / 1000.0

    def pays_until_wh(self, price_per_kwh: float, *, start: float, edge: float) -> float:
        """Return how far from ``start`` towards ``edge`` energy at a price per stored kWh is worth moving [Wh].

        Charging pays while the worth of one more kWh is at least the price; discharging while it is at most what it
        brings.
        """
        points, slopes = self._value.energy_wh, self._value.slope_per_kwh
        segments = list(zip(pairwise(points), slopes, strict=True))
        if edge >= start:
            for (low, high), slope in segments:
                if high > start and slope < price_per_kwh:
                    return min(max(low, start), edge)
            return edge
        for (low, high), slope in reversed(segments):
            if low < start and slope > price_per_kwh:
                return max(min(high, start), edge)
        return edge

    def shortfall(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between falls short of a price [currency]."""
        return self._over(low_wh, high_wh, lambda slope: max(0.0, price_per_kwh - slope))

    def excess(self, price_per_kwh: float, low_wh: float, high_wh: float) -> float:
        """Return by how much the worth of the energies between exceeds a price [currency]."""
        return self._over(low_wh, high_wh, lambda slope: max(0.0, slope - price_per_kwh))

    def _over(self, low_wh: float, high_wh: float, weigh: Callable[[float], float]) -> float:
        segments = zip(pairwise(self._value.energy_wh), self._value.slope_per_kwh, strict=True)
        return sum(
            weigh(slope) * max(0.0, min(high, high_wh) - max(low, low_wh)) / 1000.0 for (low, high), slope in segments
        )
