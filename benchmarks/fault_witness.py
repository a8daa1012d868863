"""What the battery itself holds against the service in :mod:`faults`, whatever the service believes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.fault import FaultKind
from optimizer.simulator.fault_board import FaultBoard
from optimizer.simulator.request_log import LogEntry

_SETPOINT = re.compile(r"/setpoint/(charge|discharge)/(\d+)")
_FLOW_W, _FLOW_SHARE = 250.0, 0.15
"""How far what flows may lie from what was told [W, 1]."""


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
