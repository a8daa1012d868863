"""Judges whether a forced command may rest on a measurement.

Missing is not zero and old is not new: what fails here keeps the battery in its own hands, it is never repaired.
"""

from __future__ import annotations

import math

from optimizer.control.charge_level import ChargeLevel
from optimizer.control.options import ControlOptions
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import Measurement

FROZEN_POLLS = 5
"""So many equal device timestamps with equal values in a row mean that the device's data froze."""
FROZEN_WITHOUT_CLOCK_S = 300.0
"""The same for values alone, of a device whose clock cannot be read [s].

A living unit measures to the watt, several times a minute: in a house that draws something one of its values moves from
look to look. Five minutes leave room for an even load at night and a meter that tells tens of watts, and end a command
well within the quarter of an hour that it is meant for.
"""
RESIDUAL_W, RESIDUAL_SHARE = 300.0, 0.10
"""How far the reported powers may miss the balance: recorded units are off by up to 204 W [W, 1]."""
LARGEST_HOUSE_W = 100_000.0
"""No home draws or makes more than this [W]."""


class Plausibility:
    """Judges one measurement after the other."""

    def __init__(self, battery: Battery, options: ControlOptions) -> None:
        self._battery = battery
        self._options = options
        self._level = ChargeLevel(battery)
        self._last: Measurement | None = None
        self._since_s = 0.0
        self._equal = 0

    def doubts(self, measurement: Measurement, elapsed_s: float) -> tuple[str, ...]:
        """Return why no forced command may rest on a measurement; empty: one may.

        Parameters
        ----------
        elapsed_s
            The clock for ages, now [s].
        """
        found = [
            self._age(measurement, elapsed_s),
            self._frozen(measurement, elapsed_s),
            self._range(measurement),
            self._balance(measurement),
            "the battery runs off the grid" if measurement.on_grid is False else None,
        ]
        doubts = tuple(doubt for doubt in found if doubt is not None)
        if doubts:
            return doubts
        # Last: only what nothing else speaks against is good enough to compare with, now and later.
        jump = self._level.doubt(measurement)
        return () if jump is None else (jump,)

    def _age(self, measurement: Measurement, elapsed_s: float) -> str | None:
        age_s = elapsed_s - measurement.elapsed_s
        if 0.0 <= age_s <= self._options.max_age_s:
            return None
        return f"the measurement is {age_s:.0f} s old, at most {self._options.max_age_s:.0f} s are allowed"

    def _frozen(self, measurement: Measurement, elapsed_s: float) -> str | None:
        last, self._last = self._last, measurement
        if last is None or not _same(last, measurement):
            self._equal, self._since_s = 0, elapsed_s
            return None
        self._equal += 1
        still_s = elapsed_s - self._since_s
        if measurement.device_time is None:
            return self._frozen_without_clock(measurement, still_s)
        # Polls within one second see the same timestamp rightly; slow ones must not make old data pass for new.
        often = self._equal >= FROZEN_POLLS and still_s >= FROZEN_POLLS
        if not often and still_s <= self._options.max_age_s:
            return None
        return f"the device's data has not moved for {still_s:.0f} s ({measurement.device_time})"

    def _frozen_without_clock(self, measurement: Measurement, still_s: float) -> str | None:
        # A house that draws nothing has nothing that could move. A gap between two looks is no proof: hence the count.
        if measurement.consumption_w <= 0.0 or self._equal < FROZEN_POLLS or still_s <= FROZEN_WITHOUT_CLOCK_S:
            return None
        return f"none of the device's values has moved for {still_s:.0f} s, and it tells no time"

    def _range(self, measurement: Measurement) -> str | None:
        largest_w = 1.5 * max(self._battery.max_charge_w, self._battery.max_discharge_w) + 500.0
        bounds = (
            ("consumption", measurement.consumption_w, 0.0, LARGEST_HOUSE_W, "W"),
            ("production", measurement.production_w, 0.0, LARGEST_HOUSE_W, "W"),
            ("battery power", measurement.battery_power_w, -largest_w, largest_w, "W"),
            ("state of charge", measurement.soc, 0.0, 1.0, ""),
        )
        for name, number, low, high, unit in bounds:
            if not (math.isfinite(number) and low <= number <= high):
                return f"the {name} of {number:g} {unit}".rstrip() + f" is outside {low:g} to {high:g}"
        return None

    @staticmethod
    def _balance(measurement: Measurement) -> str | None:
        residual_w = measurement.balance_residual_w
        if residual_w is None:
            return None
        flows = (measurement.consumption_w, measurement.production_w, abs(measurement.battery_power_w))
        allowed_w = max(RESIDUAL_W, RESIDUAL_SHARE * max(flows))
        if abs(residual_w) <= allowed_w:
            return None
        return f"the reported powers miss the balance by {residual_w:.0f} W (at most {allowed_w:.0f} W)"


def _same(one: Measurement, other: Measurement) -> bool:
    return (
        one.device_time == other.device_time
        and one.consumption_w == other.consumption_w
        and one.production_w == other.production_w
        and one.battery_power_w == other.battery_power_w
        and one.soc == other.soc
        and one.reported_grid_power_w == other.reported_grid_power_w
    )
