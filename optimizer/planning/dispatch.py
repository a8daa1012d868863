"""The present weighed against the value of stored energy: which battery power is best right now.

For the rest of the interval the battery power ``p`` costs ::

    hours * (import price * import - export price * export + wear * discharge) - V(energy afterwards)

with ``grid = load + p - pv``. All of it is piecewise linear in ``p``, so the exact minimum lies at one of a handful
of powers: full charge, full discharge, idle, grid at zero, grid at a limit, or where ``V`` bends. A power that would
fill or empty the battery early runs until then; the worth of energy says how far it is worth running.
"""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.battery import Battery
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.site import GridConnection
from optimizer.planning.present import NO_POWER_W, TIE, Footing, Present, Regime
from optimizer.planning.scales import Scales

_CALMEST_FIRST = tuple(Regime)


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
    drawn_cost_per_kwh: float
    """What drawing a kWh at the battery's terminals gives up: its worth with losses, and wear [currency/kWh]."""
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
    scale = Scales(present, value, battery, connection)
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
        drawn_cost_per_kwh=value.loss_per_kwh(energy_wh) / battery.discharge_efficiency + battery.wear_cost_per_kwh,
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
