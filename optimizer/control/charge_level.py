"""Whether a state of charge can be what became of the one before: a battery fills no faster than its power allows."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement

ROUNDING = 0.05
"""A change that needs no time: batteries tell whole percents, and catch up with themselves after a while [1]."""
FASTER = 2.0
"""How much faster than rated a battery may fill: losses, an overload, a pack that is smaller than configured [1]."""
AGREEING_LOOKS, AGREEING_S = 3, 30.0
"""A new level that is told so often, for so long, is the battery's own correction, and believed [1, s]."""


@dataclass(frozen=True, slots=True)
class _Told:
    soc: float
    at_s: float


class ChargeLevel:
    """Compares each state of charge with the last one that was believed.

    What is far from it is doubted. Batteries do correct themselves: mostly by 5 to 10 %, and owners of other makes saw
    one go from 50 % to 14 %. So a new level is believed once :data:`AGREEING_LOOKS` looks over :data:`AGREEING_S` have
    agreed with each other. That is less than a lease: at the usual polls a correction ends no command. The longer
    nothing was believed, the more may have changed; with nothing before it everything is believed.

    There is no recording of a state of charge to try this on. In replays of recorded homes around a simulated battery
    of 5 kWh and 4.6 kW no look took more than 44 % of what is allowed.

    Parameters
    ----------
    battery
        How much it holds and how fast it fills and empties.
    """

    def __init__(self, battery: Battery) -> None:
        fastest_w = max(battery.stored_power_w(battery.max_charge_w), -battery.stored_power_w(-battery.max_discharge_w))
        self._share_per_s = FASTER * fastest_w / battery.usable_capacity_wh / 3600.0
        self._believed: _Told | None = None
        self._first: _Told | None = None
        self._latest: _Told | None = None
        self._looks = 0

    def doubt(self, measurement: Measurement) -> str | None:
        """Return why the state of charge of a measurement that is sound otherwise cannot be; None: it can."""
        told = _Told(measurement.soc, measurement.elapsed_s)
        before = self._believed
        if before is None or self._follows(before, told) or self._agrees(told):
            self._believed, self._first, self._latest, self._looks = told, None, None, 0
            return None
        return (
            f"the state of charge went from {before.soc:.0%} to {told.soc:.0%} within {told.at_s - before.at_s:.0f} s, "
            f"at most {self._allowed(before, told):.0%} are possible"
        )

    def _agrees(self, told: _Told) -> bool:
        """Return whether the looks since the jump agree with each other, and are enough."""
        if self._first is None or self._latest is None or not self._follows(self._latest, told):
            self._first, self._looks = told, 0
        self._latest = told
        self._looks += 1
        return self._looks >= AGREEING_LOOKS and told.at_s - self._first.at_s >= AGREEING_S

    def _follows(self, before: _Told, told: _Told) -> bool:
        return abs(told.soc - before.soc) <= self._allowed(before, told)

    def _allowed(self, before: _Told, told: _Told) -> float:
        return ROUNDING + self._share_per_s * max(0.0, told.at_s - before.at_s)
