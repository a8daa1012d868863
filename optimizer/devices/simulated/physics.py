"""The battery's physics: a plain state and one pure function that moves it forward.

Powers are AC, + charging [W]. As in a real unit, an order waits out the dead time, becomes the target, is clamped to
inverter and cells, and the power ramps towards it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from optimizer.devices.simulated.parameters import BatteryParameters


@dataclass(frozen=True, slots=True)
class Order:
    """What the battery is asked for now, by whoever decides."""

    power_w: float
    """+ charging [W]; 0 is idle."""
    dead_time_s: float = 0.0
    """How long it takes to be heard [s]."""
    floor_soc: float = 0.0
    """User state of charge at which discharging stops [1]."""
    instant: bool = False
    """Whether the battery forms the grid itself: no dead time, no ramp, no error."""


@dataclass(frozen=True, slots=True)
class BatteryState:
    """Everything a step depends on besides its order."""

    energy_wh: float
    """Above user state of charge 0; negative while standby eats into the reserve [Wh]."""
    power_w: float = 0.0
    """AC power at this instant, + charging [W]."""
    mean_power_w: float = 0.0
    """AC power averaged over the last step, + charging [W]."""
    stored_w: float = 0.0
    """Mean rate into the cells over the last step, standby not taken off [W]."""
    target_w: float = 0.0
    """The order the inverter follows now [W]."""
    ordered_w: float = 0.0
    """The last order given, heard or not [W]."""
    waiting: tuple[tuple[float, float], ...] = ()
    """Orders not yet heard: (when [s], power [W]), oldest first."""
    targets: int = 0
    """How many targets there have been: draws the next power error."""
    elapsed_s: float = 0.0
    temperature_c: float = 21.5
    """Of cells and inverter alike [degC]."""
    full: bool = False
    """Stopped at full and waiting for the state of charge to fall a little."""
    empty: bool = False
    """Stopped at the floor and waiting for the state of charge to rise a little."""
    settled: bool = True
    """Whether the power will stay as it is while nothing else changes."""

    def soc(self, parameters: BatteryParameters) -> float:
        """Return the user state of charge; slightly below 0 while standby eats into the reserve [1]."""
        return self.energy_wh / parameters.capacity_wh


def stored_power_w(parameters: BatteryParameters, power_w: float) -> float:
    """Return the rate into the cells for an AC power, standby aside [W].

    ``eta_c * P - fixed`` while charging, ``P / eta_d - fixed`` (P < 0) while discharging, 0 while idle.
    """
    if -parameters.idle_w <= power_w <= parameters.idle_w:
        return 0.0
    return parameters.battery.stored_power_w(power_w) - parameters.fixed_loss_w


def step(state: BatteryState, order: Order, parameters: BatteryParameters, dt_s: float) -> BatteryState:
    """Return the state ``dt_s`` later.

    Exact for any ``dt_s`` while the power is constant; use one second while it moves (``settled`` tells).
    """
    target_w, targets, waiting = _hear(state, order)
    wanted_w = _limited(state, order, parameters, target_w, targets)
    power_w, mean_w = _ramp(state.power_w, wanted_w, float("inf") if order.instant else parameters.ramp_w_per_s, dt_s)
    stored_w = stored_power_w(parameters, mean_w)
    share = _affordable(state, order, parameters, stored_w, dt_s)
    if share < 1.0:
        power_w, mean_w, stored_w = parameters.idle_w, mean_w * share, stored_w * share
    energy_wh = state.energy_wh + (stored_w - parameters.standby_w) * dt_s / 3600.0
    energy_wh = max(energy_wh, parameters.capacity_wh - parameters.full_capacity_wh)
    soc = energy_wh / parameters.capacity_wh
    margin = parameters.restart_margin
    return BatteryState(
        energy_wh=energy_wh,
        power_w=power_w,
        mean_power_w=mean_w,
        stored_w=stored_w,
        target_w=target_w,
        ordered_w=order.power_w,
        waiting=waiting,
        targets=targets,
        elapsed_s=state.elapsed_s + dt_s,
        temperature_c=parameters.warmed_c(state.temperature_c, mean_w - stored_w + parameters.standby_w, dt_s),
        full=soc >= 1.0 - 1e-9 or (state.full and soc > 1.0 - margin),
        empty=soc <= order.floor_soc + 1e-9 or (state.empty and soc < order.floor_soc + margin),
        settled=not waiting and abs(power_w - wanted_w) < 0.5,
    )


def _hear(state: BatteryState, order: Order) -> tuple[float, int, tuple[tuple[float, float], ...]]:
    """Return the target now, how many there were, and the orders still waiting."""
    waiting = state.waiting
    if order.power_w != state.ordered_w:
        due_s = state.elapsed_s + (0.0 if order.instant else order.dead_time_s)
        # A later order with a shorter way overtakes the ones it replaces.
        waiting = (*(entry for entry in waiting if entry[0] < due_s), (due_s, order.power_w))
    if not waiting or waiting[0][0] > state.elapsed_s + 1e-6:
        return state.target_w, state.targets, waiting
    heard = [entry for entry in waiting if entry[0] <= state.elapsed_s + 1e-6]
    return heard[-1][1], state.targets + 1, waiting[len(heard) :]


def _limited(state: BatteryState, order: Order, parameters: BatteryParameters, target_w: float, targets: int) -> float:
    """Return the power the inverter aims at: the target, less what inverter, cells and charge forbid [W]."""
    if target_w == 0.0:
        return parameters.idle_w
    if not order.instant and parameters.error_w:
        # Python's own generator: the same draw for the same seed and count on every machine.
        draw = random.Random(parameters.seed * 1_000_003 + targets)  # noqa: S311 - noise, not a secret
        target_w += draw.uniform(-parameters.error_w, parameters.error_w)
    soc = state.energy_wh / parameters.capacity_wh
    if target_w > 0:
        limit_w = 0.0 if state.full else parameters.max_charge_w(soc, state.temperature_c)
        return max(min(target_w, limit_w), parameters.idle_w)
    stopped = state.empty or soc <= order.floor_soc
    return parameters.idle_w if stopped else max(target_w, -parameters.max_discharge_w(state.temperature_c))


def _ramp(power_w: float, wanted_w: float, ramp_w_per_s: float, dt_s: float) -> tuple[float, float]:
    """Return the power at the end of the step and its mean over the step [W]."""
    distance_w = wanted_w - power_w
    if distance_w == 0.0 or ramp_w_per_s == float("inf"):
        return wanted_w, wanted_w
    time_s = abs(distance_w) / ramp_w_per_s
    if time_s <= dt_s:
        return wanted_w, wanted_w - 0.5 * distance_w * time_s / dt_s
    end_w = power_w + distance_w * dt_s / time_s
    return end_w, 0.5 * (power_w + end_w)


def _affordable(
    state: BatteryState, order: Order, parameters: BatteryParameters, stored_w: float, dt_s: float
) -> float:
    """Return the share of the step for which the store can take or give this rate before it is full or empty [1]."""
    hours = dt_s / 3600.0
    end_wh = state.energy_wh + (stored_w - parameters.standby_w) * hours
    floor_wh = order.floor_soc * parameters.capacity_wh
    if stored_w > 0 and end_wh > parameters.capacity_wh:
        bound_w = (parameters.capacity_wh - state.energy_wh) / hours + parameters.standby_w
    elif stored_w < 0 and end_wh < floor_wh:
        bound_w = (floor_wh - state.energy_wh) / hours + parameters.standby_w
    else:
        return 1.0
    return min(1.0, max(0.0, bound_w / stored_w))
