"""The simulated battery on the network: both faces, the faults that befall them, and a log of every request."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TextIO

from optimizer.clock import SimulatedClock, boot_time_s
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.outage import Availability
from optimizer.errors import SimulatorError
from optimizer.simulator.delivery import Delivery
from optimizer.simulator.fault import Fault
from optimizer.simulator.fault_board import FaultBoard
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.listener import Listener
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.request_log import LogEntry, RequestLog
from optimizer.simulator.v1 import V1Face
from optimizer.simulator.v2 import V2Face, V2Options
from optimizer.simulator.wire import Request, Response, html_response

_WATCH_S = 0.1


class SimulatorServer:
    """A battery's HTTP interface in front of a simulated house.

    Parameters
    ----------
    house
        The house; its clock is the simulator's.
    host
        Address to listen on.
    v1_port, v2_port
        Ports of the two faces; 0 takes a free one, None leaves the face away.
    firmware
        Which keys the status has.
    token
        The V2 token; None: the V2 interface is switched off and answers 404 with HTML, as a unit does.
    quirks
        Which way the open points of the document go.
    v2_options
        How the V2 face behaves.
    faults
        What goes wrong, and when.
    log_file
        Where every request is also written, a JSON line each.

    Raises
    ------
    SimulatorError
        From :meth:`start`: a port is taken.
    """

    def __init__(
        self,
        house: SimulatedHouse,
        *,
        host: str = "127.0.0.1",
        v1_port: int | None = 0,
        v2_port: int | None = 0,
        firmware: Firmware | str = Firmware.Y2022,
        token: str | None = "simulated",  # noqa: S107 - a simulated battery guards nothing
        quirks: Quirks | None = None,
        v2_options: V2Options | None = None,
        faults: Sequence[Fault] = (),
        log_file: TextIO | None = None,
        log_size: int = 100_000,
    ) -> None:
        self.house = house
        self.host = host
        self.log = RequestLog(size=log_size, file=log_file)
        self.v1 = V1Face(house, firmware=Firmware(firmware), quirks=quirks or Quirks())
        self.v2 = V2Face(house, firmware=Firmware(firmware), token=token, options=v2_options)
        self.faults = FaultBoard(faults, house)
        self._listeners: list[Listener] = []
        self._v1 = self._listen("v1", v1_port, self.v1.answer)
        self._v2 = self._listen("v2", v2_port, self.v2.answer)
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None
        self._started_s = boot_time_s()
        self._gate = threading.Lock()

    @property
    def v1_port(self) -> int:
        """Port of the V1 face."""
        return self._port(self._v1)

    @property
    def v2_port(self) -> int:
        """Port of the V2 face."""
        return self._port(self._v2)

    def start(self) -> Self:
        """Begin to listen."""
        try:
            for listener in self._listeners:
                listener.open()
        except BaseException:
            self.stop()
            raise
        clock = self.house.clock
        if isinstance(clock, SimulatedClock):
            # Simulated time jumps: the ports must be closed before whoever moved the clock calls again.
            clock.subscribe(self._follow)
        else:
            self._watcher = threading.Thread(target=self._watch, name="simulator-watch", daemon=True)
            self._watcher.start()
        return self

    def stop(self) -> None:
        """Close both ports and wait for every connection to end; stopping twice is harmless."""
        self._stopped.set()
        with self._gate:  # whoever is opening a port now finishes first; nobody opens one afterwards
            for listener in self._listeners:
                listener.close()
        for listener in self._listeners:
            listener.stop()
        if self._watcher is not None:
            self._watcher.join(timeout=5.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self, face: str, port: int | None, answer: Callable[[Request], Response]) -> Listener | None:
        if port is None:
            return None
        listener = Listener(self.host, port, lambda request: self._answer(face, request, answer))
        self._listeners.append(listener)
        return listener

    @staticmethod
    def _port(listener: Listener | None) -> int:
        if listener is None:
            raise RuntimeError("this face was left away")
        return listener.port

    def _answer(self, face: str, request: Request, answer: Callable[[Request], Response]) -> Delivery:
        with self.house.lock:
            number = self.log.next_number()
            availability = self.house.availability()
            fault: Fault | None = None
            if availability is Availability.UP:
                delivery, fault = self.faults.answer(face, request, answer)
            else:
                # A connection that was open when the restart began meets the web server, or nobody (it is reset).
                delivery = Delivery(response=html_response(502, "Bad Gateway"))
            self._record(number, face, request, delivery, fault)
        self._align()
        return delivery

    def _record(self, number: int, face: str, request: Request, delivery: Delivery, fault: Fault | None) -> None:
        house = self.house
        entry = LogEntry(
            number=number,
            at=house.now,
            real_s=boot_time_s() - self._started_s,
            face=face,
            method=request.method,
            path=request.target,
            body=request.body,
            status=delivery.response.status if delivery.is_answered else None,
            fault=None if fault is None else fault.name,
            mode=int(house.mode),
            setpoint_w=house.setpoint_w,
            battery_power_w=house.battery_power_w,
            soc=house.soc,
        )
        self.log.add(entry)

    def _align(self) -> None:
        """Open or close the ports as the house has it now."""
        refusing = self.house.availability() is Availability.REFUSING
        if all(listener.is_open is not refusing for listener in self._listeners):
            return
        with self._gate:
            for listener in self._listeners:
                if self._stopped.is_set():
                    return
                if refusing:
                    listener.close()
                else:
                    listener.open()

    def _follow(self, now: datetime) -> None:  # noqa: ARG002 - the house asks its clock itself
        if not self._stopped.is_set():
            self._align()

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_S):
            # A port that another program took meanwhile: try again at the next look.
            with contextlib.suppress(SimulatorError):
                self._align()
