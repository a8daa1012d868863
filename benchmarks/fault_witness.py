"""What is held against the service in :mod:`faults`, whatever it believes: battery, requests, measurements."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.measurement import Measurement
from optimizer.simulator.fault import FaultKind
from optimizer.simulator.fault_board import FaultBoard
from optimizer.simulator.request_log import LogEntry

_SETPOINT = re.compile(r"/setpoint/(charge|discharge)/(\d+)")
_FLOW_W, _FLOW_SHARE = 250.0, 0.15
"""How far what flows may lie from what was told [W, 1]."""
_TOLERANCE_W = 1.0
"""Setpoints are whole watts [W]."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What may be commanded in a home, as configured; judged without the service's own clamp."""

    charge_w: float = 4600.0
    discharge_w: float = 4600.0
    min_soc: float = 0.0
    max_soc: float = 1.0
    import_w: float | None = None
    export_w: float | None = None
    grid_charging: bool = True
    battery_export: bool = True
    ramp_w_per_s: float | None = None

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return the configuration's words for it."""
        grid: dict[str, Any] = {"grid_charging": self.grid_charging, "battery_export": self.battery_export}
        limits = {"max_import_w": self.import_w, "max_export_w": self.export_w}
        return {
            "battery": {
                "max_charge_w": self.charge_w, "max_discharge_w": self.discharge_w,
                "min_soc": self.min_soc, "max_soc": self.max_soc,
            },
            "grid": grid | {name: limit for name, limit in limits.items() if limit is not None},
            "control": {} if self.ramp_w_per_s is None else {"ramp_w_per_s": self.ramp_w_per_s},
        }  # fmt: skip

    def objection(self, power_w: float, measured: Measurement) -> str | None:
        """Return which limit a forced power exceeds, given what was measured; None: it exceeds none."""
        lowest_w, highest_w = self._reach(measured)
        if not lowest_w - _TOLERANCE_W <= power_w <= highest_w + _TOLERANCE_W:
            return f"the battery may do {lowest_w:+.0f} to {highest_w:+.0f} W at {measured.soc:.0%}"
        grid_w = measured.consumption_w - measured.production_w + power_w
        charges, discharges = power_w > _TOLERANCE_W, power_w < -_TOLERANCE_W
        imports, exports = grid_w > _TOLERANCE_W, grid_w < -_TOLERANCE_W
        if charges and imports and not self.grid_charging:
            return f"it charges from the grid, which gives {grid_w:.0f} W"
        if discharges and exports and not self.battery_export:
            return f"it feeds the grid with {-grid_w:.0f} W"
        # A limit of the grid is nothing that the battery can hold against the whole house: it does what it can.
        if self.import_w is not None and grid_w > self.import_w + _TOLERANCE_W and power_w > lowest_w + _TOLERANCE_W:
            return f"the grid gives {grid_w:.0f} W"
        if self.export_w is not None and grid_w < -self.export_w - _TOLERANCE_W and power_w < highest_w - _TOLERANCE_W:
            return f"the grid takes {-grid_w:.0f} W"
        return None

    def too_steep(self, before_w: float, power_w: float, passed_s: float, measured: Measurement) -> bool:
        """Return whether a forced power changes faster than allowed, and no other limit asks for that."""
        if self.ramp_w_per_s is None:
            return False
        # Steps of less than a second count as one.
        largest_w = self.ramp_w_per_s * max(passed_s, 1.0)
        if abs(power_w - before_w) <= largest_w + _TOLERANCE_W:
            return False
        gentle_w = before_w + (largest_w if power_w > before_w else -largest_w)
        return self.objection(gentle_w, measured) is None

    def _reach(self, measured: Measurement) -> tuple[float, float]:
        empty = measured.soc <= max(self.min_soc, measured.backup_soc or 0.0)
        lowest_w = 0.0 if empty or measured.discharge_allowed is False else -self.discharge_w
        return lowest_w, 0.0 if measured.soc >= self.max_soc else self.charge_w


HOMES = (
    Home(),
    Home(min_soc=0.2, max_soc=0.8, charge_w=3300.0, discharge_w=3000.0),
    Home(import_w=2500.0, export_w=1500.0, ramp_w_per_s=20.0),
    Home(min_soc=0.1, max_soc=0.9, grid_charging=False, battery_export=False),
)
"""By turns: nothing but the battery's own limits; narrower ones; those of the grid, and a ramp; no trade at all."""


def told_w(entry: LogEntry) -> float | None:
    """Return the setpoint that a request asks for, + charging; None where it is about something else [W]."""
    found = _SETPOINT.search(entry.path)
    return None if found is None else (1.0 if found[1] == "charge" else -1.0) * float(found[2])


class OursAtTheBattery:
    """Knows whether the setpoint that the battery stores is one that the service sent.

    Parameters
    ----------
    house
        The battery.
    mode_control
        Whether its mode can be set.
    """

    def __init__(self, house: SimulatedHouse, *, mode_control: bool) -> None:
        self._house, self._mode_control = house, mode_control
        self._sent_w: float | None = None

    def note(self, entry: LogEntry) -> None:
        """Look at one request."""
        sent_w = told_w(entry)
        if sent_w is not None and sent_w == entry.setpoint_w:
            self._sent_w = sent_w

    def stands(self) -> bool:
        """Return whether the battery acts on what the service sent, or will once nothing covers it."""
        return self._house.mode is DeviceMode.MANUAL and self.where() is not None

    def is_covered(self) -> bool:
        """Return whether the battery acts on something else, and nobody could end ours without a fight.

        A power plant, battery care, or what fills a reserve that standby has eaten.
        """
        authority = self._house._authority  # noqa: SLF001 - the house tells it in no other way
        return self._house.vpp_active or authority.care or authority.trickle

    def where(self) -> str | None:
        """Return what of ours it stores, and where; None: nothing, or what nobody could see.

        A battery without a mode call that ignores zeroes while it does something else looks handed back.
        """
        stored_w, flows_w = self._house.setpoint_w, self._house.battery_power_w
        if not stored_w or stored_w != self._sent_w:
            return None
        if not self._mode_control and abs(flows_w - stored_w) > max(_FLOW_W, _FLOW_SHARE * abs(stored_w)):
            return None
        manual = self._house.mode is DeviceMode.MANUAL
        return f"{stored_w:+.0f} W of ours {'acts' if manual else f'lies beneath mode {self._house.mode.name}'}"


class Commands:
    """Counts what the battery was told within an hour.

    Nought to both sides is one command: the device knows no other way to say it.

    Parameters
    ----------
    again_after
        What was taken is sent again no sooner, unless something went wrong.

    Attributes
    ----------
    told
        When each came.
    too_soon
        When one came, and was taken, that was the same as the one before, and sooner than that.
    """

    def __init__(self, again_after: timedelta) -> None:
        self.told: deque[datetime] = deque()
        self.too_soon: deque[datetime] = deque()
        self._again_after = again_after
        self._path = ""
        self._taken_w: float | None = None
        self._taken_at: datetime | None = None

    def note(self, entry: LogEntry) -> None:
        """Look at one request."""
        power_w, before = told_w(entry), self._path
        if power_w is None:
            if entry.is_write:
                self._taken_w = None  # the mode: what comes after it is told anew
            return
        self._path = entry.path
        if entry.path.endswith("/discharge/0") and before.endswith("/charge/0") and "dis" not in before:
            self._path = ""  # the second half of nought
            return
        self.told.append(entry.at)
        if entry.fault is None and entry.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            taken_at, self._taken_at = self._taken_at, entry.at
            if power_w == self._taken_w and taken_at is not None and entry.at - taken_at < self._again_after:
                self.too_soon.append(entry.at)
            self._taken_w = power_w

    def expect_again(self) -> None:
        """Note that the step failed, if only in its last request: it is tried again as soon as the pace allows."""
        self._taken_w = None

    def forget(self, now: datetime) -> None:
        """Forget what is an hour old."""
        forget(self.told, now)
        forget(self.too_soon, now)


def forget(times: deque[datetime], now: datetime) -> None:
    """Forget what is an hour old."""
    while times and now - times[0] >= HOUR:
        times.popleft()


class LeftToOthers:
    """Sees whether a battery whose mode somebody changed over our command is left alone for the hold-off.

    Parameters
    ----------
    hold_off
        For how long it must be.
    """

    def __init__(self, hold_off: timedelta) -> None:
        self._hold_off = hold_off
        self._mode: int | None = None
        self._theirs_at: datetime | None = None

    def note(self, entry: LogEntry, *, commanded: bool) -> str | None:
        """Look at one request; return what is wrong with it.

        Parameters
        ----------
        commanded
            Whether a command of the service stood before the control step, and the battery could be read before it.
        """
        before, self._mode = self._mode, entry.mode
        if commanded and not entry.is_write and before == DeviceMode.MANUAL != entry.mode:
            self._theirs_at = entry.at
        if self._theirs_at is None or entry.at - self._theirs_at >= self._hold_off:
            return None
        enters = entry.is_write and entry.mode == DeviceMode.MANUAL != before
        took_s = (entry.at - self._theirs_at).total_seconds()
        return f"taken {took_s:.0f} s after somebody chose its mode" if enters else None


class FrozenStatus:
    """Knows since when the battery's status has told the same.

    Parameters
    ----------
    faults
        Those that are let loose on the battery.
    """

    def __init__(self, faults: FaultBoard) -> None:
        self._faults = faults
        self._first: dict[datetime, datetime] = {}

    def note(self, entry: LogEntry) -> None:
        """Look at one request: what freezes is the first status that is told within the fault, however late."""
        told = not entry.is_write and "status" in entry.path and entry.status == HTTPStatus.OK
        if told and (start := self._covering(entry.at)) is not None:
            self._first.setdefault(start, entry.at)

    def for_s(self, now: datetime) -> float:
        """Return for how long the status has told the same [s]; 0: it does not, or nobody has asked yet."""
        start = self._covering(now)
        return (now - self._first.get(start, now)).total_seconds() if start is not None else 0.0

    def _covering(self, now: datetime) -> datetime | None:
        began = (one.start for one in self._faults.faults if one.kind is FaultKind.FROZEN_STATUS and one.covers(now))
        return next((start for start in began if start is not None), None)
