"""The two pans of a weighing: the money of the rest of the interval, and the worth of the energy left."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.site import GridConnection, grid_power_w
from optimizer.planning.present import SWITCHING_GAIN, TIE, TURN_W, Footing, Present
from optimizer.planning.stored_worth import StoredWorth


class Scales:
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
        self._worth = StoredWorth(value)
        self._penalty = 100.0 * max(
            1.0,
            *(abs(slope) for slope in value.slope_per_kwh),
            abs(present.import_price_per_kwh),
            abs(present.export_price_per_kwh),
        )
        self._idle_per_h = self._money_per_h(0.0)
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
            return self._cost_of_running(self._idle_per_h, 0.0, 0.0)
        edge_wh = self._ceiling_wh if rate_w > 0 else self._floor_wh
        running_per_h = self._money_per_h(power_w)
        price_per_kwh = 1000.0 * (running_per_h - self._idle_per_h) / rate_w
        end_wh = self._worth.pays_until_wh(price_per_kwh, start=self.energy_wh, edge=edge_wh)
        if to_the_edge or end_wh == self.energy_wh:
            end_wh = edge_wh
        return self._cost_of_running(running_per_h, rate_w, max(0.0, (end_wh - self.energy_wh) / rate_w))

    def _cost_of_running(self, running_per_h: float, rate_w: float, at_most_h: float) -> float:
        running_h = min(self._hours, at_most_h)
        money = running_h * running_per_h + (self._hours - running_h) * self._idle_per_h
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
