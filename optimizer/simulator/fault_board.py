"""Which faults act now, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.corruption import UNHEARD, corrupted
from optimizer.simulator.delivery import Delivery
from optimizer.simulator.fault import STATE_FAULTS, Fault, FaultKind, Target
from optimizer.simulator.wire import Request, Response

_Act = Callable[[SimulatedHouse, Fault], None]

_BEGIN: dict[FaultKind, _Act] = {
    FaultKind.REFUSE: lambda house, fault: house.set_refusing(True),  # noqa: ARG005
    FaultKind.NOT_FOLLOWED: lambda house, fault: house.set_deaf(True),  # noqa: ARG005
    FaultKind.DERATED: lambda house, fault: house.set_derating(fault.number("share")),
    FaultKind.AMBIENT: lambda house, fault: house.set_ambient(fault.number("celsius")),
    FaultKind.RESTART: lambda house, fault: house.restart(fault.number("refusing_s"), fault.number("bad_gateway_s")),
    FaultKind.BATTERY_CARE: lambda house, fault: house.set_battery_care(True),  # noqa: ARG005
    FaultKind.OFF_GRID: lambda house, fault: house.set_on_grid(False),  # noqa: ARG005
    FaultKind.VPP: lambda house, fault: house.set_vpp_power(fault.number("power_w")),
    FaultKind.FOREIGN_MODE: lambda house, fault: house.set_mode(DeviceMode(int(fault.number("mode")))),
    FaultKind.FOREIGN_SETPOINT: lambda house, fault: house.command(fault.number("power_w")),
    FaultKind.FOREIGN_RESERVE: lambda house, fault: house.set_backup_soc(fault.number("soc")),
    FaultKind.CLOCK_SKEW: lambda house, fault: house.set_clock_skew(fault.number("seconds")),
}
_END: dict[FaultKind, Callable[[SimulatedHouse], None]] = {
    FaultKind.REFUSE: lambda house: house.set_refusing(False),
    FaultKind.NOT_FOLLOWED: lambda house: house.set_deaf(False),
    FaultKind.DERATED: lambda house: house.set_derating(1.0),
    FaultKind.AMBIENT: lambda house: house.set_ambient(),
    FaultKind.BATTERY_CARE: lambda house: house.set_battery_care(False),
    FaultKind.OFF_GRID: lambda house: house.set_on_grid(True),
    FaultKind.VPP: lambda house: house.set_vpp_power(None),
    FaultKind.CLOCK_SKEW: lambda house: house.set_clock_skew(0.0),
}


class FaultBoard:
    """Lets a script of faults loose on a house and on the requests to it.

    Faults of the unit that have a time happen at that instant, whether or not anybody asks; those that wait for a
    request happen with it. Of several faults on one answer the first of the script wins.
    """

    def __init__(self, faults: Sequence[Fault], house: SimulatedHouse) -> None:
        self.faults = list(faults)
        self._house = house
        self._seen: dict[int, int] = {}
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._frozen: dict[tuple[int, str], Response] = {}
        self._fast = 0
        self._last_request: datetime | None = None
        for fault in self.faults:
            self._schedule(fault)

    def add(self, fault: Fault) -> None:
        """Let one more fault loose."""
        self.faults.append(fault)
        self._schedule(fault)

    def clear(self) -> None:
        """End every fault now; what has happened to the unit is undone where it can be."""
        for fault in self.faults:
            self._end(fault)
        self.faults = []

    def answer(
        self, face: str, request: Request, answer: Callable[[Request], Response]
    ) -> tuple[Delivery, Fault | None]:
        """Return how a request is answered, and the fault that had a say in it."""
        now = self._house.now
        hits = [fault for fault in self.faults if self._hits(fault, face, request, now)]
        self._count_fast(hits, now)
        for fault in self.faults:
            if fault.kind in STATE_FAULTS and fault.counts_requests:
                (self._begin if fault in hits else self._end)(fault)
        shown = next((fault for fault in hits if fault.kind not in STATE_FAULTS and not _is_crash(fault)), None)
        if shown is None:
            return Delivery(response=answer(request)), None
        if shown.kind is FaultKind.FROZEN_STATUS:
            return Delivery(response=self._freeze(shown, request, answer)), shown
        response = Response() if shown.kind in UNHEARD else answer(request)
        return corrupted(response, shown), shown

    def _schedule(self, fault: Fault) -> None:
        """Let a fault of the unit happen by the clock; one that counts requests waits for them."""
        if fault.kind not in STATE_FAULTS or fault.counts_requests:
            return
        self._house.schedule(fault.start or self._house.now, lambda: self._begin(fault))
        if fault.end is not None:
            self._house.schedule(fault.end, lambda: self._end(fault))

    def _begin(self, fault: Fault) -> None:
        if fault in self.faults and id(fault) not in self._begun:
            self._begun.add(id(fault))
            _BEGIN[fault.kind](self._house, fault)

    def _end(self, fault: Fault) -> None:
        if id(fault) in self._begun and id(fault) not in self._ended:
            self._ended.add(id(fault))
            _END.get(fault.kind, _leave)(self._house)

    def _hits(self, fault: Fault, face: str, request: Request, now: datetime) -> bool:
        """Return whether a fault befalls a request, counting those it could befall."""
        is_write = request.method in {"PUT", "POST"} or "/setpoint/" in request.path or "/setting" in request.path
        wrong_kind = (fault.on is Target.WRITES and not is_write) or (fault.on is Target.READS and is_write)
        if wrong_kind or fault.face not in {None, face} or not fault.covers(now):
            return False
        self._seen[id(fault)] = count = self._seen.get(id(fault), 0) + 1
        return fault.first_request <= count <= (fault.last_request or count)

    def _freeze(self, fault: Fault, request: Request, answer: Callable[[Request], Response]) -> Response:
        if request.method != "GET" or "status" not in request.path.lower():
            return answer(request)
        key = (id(fault), request.path)
        if key not in self._frozen:
            self._frozen[key] = answer(request)
        return self._frozen[key]

    def _count_fast(self, hits: list[Fault], now: datetime) -> None:
        """Restart a unit that is polled faster than it can bear."""
        for fault in filter(_is_crash, hits):
            interval = timedelta(seconds=fault.number("interval_s"))
            is_fast = self._last_request is not None and now - self._last_request <= interval
            self._fast = self._fast + 1 if is_fast else 1
            if self._fast >= fault.number("requests"):
                self._fast = 0
                self._house.restart(fault.number("refusing_s"), fault.number("bad_gateway_s"))
        self._last_request = now


def _leave(house: SimulatedHouse) -> None:
    """Undo nothing: what somebody set stays set."""


def _is_crash(fault: Fault) -> bool:
    return fault.kind is FaultKind.CRASH_WHEN_POLLED_FAST
