"""What one interval costs as a function of the battery's power: the settlement of house, roof, battery and grid."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.planning.scaled_problem import ScaledProblem, ScenarioSteps

Point = tuple[float, float]
"""Energy stored in the interval before standing losses [kWh], and what that costs [currency]."""


NARROWEST_KW = 1e-9
"""Kinks closer to each other than this are one [kW]."""

NOISE = 1e-9
"""Cost differences below this are rounding [currency]."""


@dataclass(frozen=True, slots=True)
class StoringCost:
    """What storing costs in one interval: convex, over the energy stored before standing losses."""

    points: tuple[Point, ...]
    """Corners, energies increasing; at least one."""
    relaxed: bool
    """Whether the true cost is not convex and lies above in places."""


@dataclass(frozen=True, slots=True)
class IntervalCost:
    """One interval of one future.

    ``billing_cap_kw`` is the import above which the demand charge counts; inf where there is none.
    """

    scaled: ScaledProblem
    steps: ScenarioSteps
    step: int
    billing_cap_kw: float

    def grid_cost(self, grid_kw: float) -> float:
        """Return the cost of a grid power, with penalties above the limits and the price of a higher peak."""
        scaled, h = self.scaled, self.scaled.step_h
        price = self.steps.buy[self.step] if grid_kw > 0.0 else self.steps.sell[self.step]
        cost = h * price * grid_kw
        if scaled.import_limit_kw is not None and grid_kw > scaled.import_limit_kw:
            cost += h * scaled.penalties.limit_per_kwh * (grid_kw - scaled.import_limit_kw)
        if scaled.export_limit_kw is not None and -grid_kw > scaled.export_limit_kw:
            cost += h * scaled.penalties.limit_per_kwh * (-grid_kw - scaled.export_limit_kw)
        if grid_kw > self.billing_cap_kw and scaled.peak_counts[self.step]:
            cost += scaled.peak_price_per_kw * (grid_kw - self.billing_cap_kw)
        return cost

    def settle(self, battery_kw: float) -> tuple[float, float]:
        """Return the cost of a battery power and the curtailment that makes it cheapest, the least if several do.

        ``min over 0 <= u <= pv of grid_cost(load - pv + battery + u) + wear``: the minimum lies at a kink.
        """
        before_kw = self.steps.net_load_kw[self.step] + battery_kw
        wear = self.scaled.step_h * self.scaled.wear_per_kwh * max(0.0, -battery_kw)
        if not self.scaled.curtailable or not self._curtailing_may_pay(before_kw):
            return self.grid_cost(before_kw) + wear, 0.0
        pv_kw = self.steps.pv_kw[self.step]
        choices = [0.0, *sorted(kink - before_kw for kink in self._kinks() if 0.0 < kink - before_kw < pv_kw), pv_kw]
        cost, curtailed = min((self.grid_cost(before_kw + curtailed), curtailed) for curtailed in choices)
        return cost + wear, curtailed

    def cost(self, battery_kw: float) -> float:
        """Return the cost of a battery power [currency]."""
        return self.settle(battery_kw)[0]

    def powers(self) -> list[float]:
        """Return every battery power at which the slope of the cost may change, increasing [kW]."""
        lowest, highest = -self.steps.max_discharge_kw[self.step], self.steps.max_charge_kw[self.step]
        net_kw, pv_kw = self.steps.net_load_kw[self.step], self.steps.pv_kw[self.step]
        candidates = {0.0, *(kink - net_kw for kink in self._kinks())}
        if self.scaled.curtailable and pv_kw:
            candidates.update([kink - net_kw - pv_kw for kink in self._kinks()])
        powers = [lowest]
        for power in sorted(candidates):
            if powers[-1] + NARROWEST_KW < power < highest - NARROWEST_KW:
                powers.append(power)
        return [*powers, highest] if highest > powers[-1] + NARROWEST_KW else powers

    def storing(self) -> StoringCost:
        """Return the cost over the stored energy, made convex."""
        hull, relaxed = lower_hull([(stored_kwh(self.scaled, power), self.cost(power)) for power in self.powers()])
        # Between crossed prices curtailing jumps from none to all: a concave kink that lies between the corners.
        jumps = self.scaled.curtailable and self.steps.sell[self.step] > self.steps.buy[self.step]
        return StoringCost(tuple(hull), relaxed or jumps)

    def _curtailing_may_pay(self, before_kw: float) -> bool:
        """Return whether there is PV to curtail, and a negative price or an export above the limit to do it for."""
        if not self.steps.pv_kw[self.step]:
            return False
        limit_kw = self.scaled.export_limit_kw
        over_limit = limit_kw is not None and -before_kw > limit_kw
        return over_limit or self.steps.buy[self.step] < 0.0 or self.steps.sell[self.step] < 0.0

    def _kinks(self) -> list[float]:
        """Return the grid powers at which the price changes [kW]."""
        scaled = self.scaled
        kinks = [0.0]
        if scaled.import_limit_kw is not None:
            kinks.append(scaled.import_limit_kw)
        if scaled.export_limit_kw is not None:
            kinks.append(-scaled.export_limit_kw)
        if scaled.peak_price_per_kw:
            kinks.append(self.billing_cap_kw)
        return kinks


def stored_kwh(scaled: ScaledProblem, battery_kw: float) -> float:
    """Return the energy an AC power brings into the store in one interval, standing losses aside [kWh]."""
    if battery_kw >= 0.0:
        return scaled.step_h * battery_kw * scaled.charge_efficiency
    return scaled.step_h * battery_kw / scaled.discharge_efficiency


def battery_kw(scaled: ScaledProblem, stored: float) -> float:
    """Return the AC power that brings an energy into the store in one interval: inverse of :func:`stored_kwh` [kW]."""
    if stored >= 0.0:
        return stored / scaled.step_h / scaled.charge_efficiency
    return stored / scaled.step_h * scaled.discharge_efficiency


def lower_hull(points: list[Point]) -> tuple[list[Point], bool]:
    """Return the largest convex function below the points, and whether it lies below them by more than rounding."""
    hull: list[Point] = []
    relaxed = False
    for point in points:
        while len(hull) >= 2 and (excess := _excess(hull[-2], hull[-1], point)) >= 0.0:
            relaxed = relaxed or excess > NOISE
            hull.pop()
        hull.append(point)
    return hull, relaxed


def _excess(left: Point, middle: Point, right: Point) -> float:
    """Return by how much ``middle`` lies above the chord from ``left`` to ``right``."""
    share = (middle[0] - left[0]) / (right[0] - left[0])
    return middle[1] - (left[1] + share * (right[1] - left[1]))
