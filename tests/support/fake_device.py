"""A battery in memory that does what a test scripts: follows late, forgets, refuses, or is somebody else's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime

from optimizer.clock import SimulatedClock
from optimizer.devices.port import Capabilities
from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.prices import Prices
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.domain.time_grid import TimeGrid
from optimizer.errors import DeviceError, DeviceUnreachable


class FakeDevice:
    """A battery with a house around it; every write is kept in ``writes``."""

    def __init__(self, clock: SimulatedClock, *, can_set_mode: bool = True, latency_s: float = 3.0) -> None:
        self.clock = clock
        self.latency_s = latency_s
        self.capabilities = Capabilities(can_set_mode=can_set_mode, echoes_setpoint=True)
        self.mode = OperatingMode.AUTOMATIC if can_set_mode else OperatingMode.MANUAL
        self.load_w, self.pv_w, self.soc = 500.0, 0.0, 0.5
        self.setpoint_w = 0.0
        self.follows = True
        self.read_error: DeviceError | None = None
        self.write_error: DeviceError | None = None
        self.changes: dict[str, object] = {}
        self.writes: list[Setpoint | str] = []
        self._power_w = 0.0
        self._due: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return "a fake battery"

    def read(self) -> Measurement:
        if self.read_error is not None:
            raise self.read_error
        measurement = Measurement(
            at=self.clock.now(),
            elapsed_s=self.clock.elapsed(),
            consumption_w=self.load_w,
            production_w=self.pv_w,
            battery_power_w=self.power_w,
            soc=self.soc,
            mode=self.mode,
            device_time=self.clock.now().replace(tzinfo=None),
            reported_setpoint_w=self.setpoint_w if self.mode is OperatingMode.MANUAL else None,
        )
        return replace(measurement, **self.changes)  # type: ignore[arg-type]

    @property
    def power_w(self) -> float:
        if self.mode is OperatingMode.AUTOMATIC:
            return max(-4600.0, min(4600.0, self.pv_w - self.load_w))
        if self._due is not None and self.clock.elapsed() >= self._due[0]:
            self._power_w, self._due = self._due[1], None
        return self._power_w

    def apply(self, setpoint: Setpoint, *, not_after_s: float = math.inf) -> None:
        self.writes.append(setpoint)
        if self.write_error is not None:
            raise self.write_error
        if isinstance(setpoint, Automatic):
            self._hand_back()
            return
        assert isinstance(setpoint, Power)
        self.mode, self.setpoint_w = OperatingMode.MANUAL, setpoint.battery_power_w
        if self.follows:
            self._due = (self.clock.elapsed() + self.latency_s, setpoint.battery_power_w)

    def release(self) -> None:
        self.writes.append("release")
        if self.write_error is not None:
            raise self.write_error
        self._hand_back()

    def zero(self) -> None:
        self.writes.append("zero")
        if self.write_error is not None:
            raise self.write_error
        self.setpoint_w = 0.0

    def close(self) -> None:
        pass

    def restart(self) -> None:
        """Forget the setpoint and keep the mode, as the nightly restart does."""
        self.setpoint_w, self._power_w, self._due = 0.0, 0.0, None

    def become_unreachable(self) -> None:
        self.read_error = self.write_error = DeviceUnreachable("the fake battery does not answer")

    def recover(self) -> None:
        self.read_error = self.write_error = None

    def _hand_back(self) -> None:
        self.setpoint_w, self._power_w, self._due = 0.0, 0.0, None
        if self.capabilities.can_set_mode:
            self.mode = OperatingMode.AUTOMATIC


@dataclass
class RecordedHistory:
    """Keeps what the control loop tells."""

    measurements: list[Measurement] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def add_measurement(self, measurement: Measurement) -> None:
        self.measurements.append(measurement)

    def add_decision(self, decision: Decision) -> None:
        self.decisions.append(decision)


@dataclass
class FlatTariff:
    """The same two prices always, published up to ``known_until`` (None: for ever)."""

    import_per_kwh: float | None = 0.30
    export_per_kwh: float | None = 0.08
    known_until: datetime | None = None
    asked: int = 0

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> Prices:
        self.asked += 1
        known = [self.known_until is None or one.end <= self.known_until for one in grid]
        return Prices(
            grid=grid,
            import_per_kwh=tuple(self.import_per_kwh if it else None for it in known),
            export_per_kwh=tuple(self.export_per_kwh if it else None for it in known),
        )

    @property
    def import_source(self) -> FlatSource:
        return FlatSource(self.import_per_kwh, self.known_until)

    @property
    def export_source(self) -> FlatSource:
        return FlatSource(self.export_per_kwh, self.known_until)


@dataclass(frozen=True)
class FlatSource:
    """One price, up to an instant."""

    per_kwh: float | None
    known_until: datetime | None

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> tuple[float | None, ...]:
        return tuple(self.per_kwh if self.known_until is None or one.end <= self.known_until else None for one in grid)
