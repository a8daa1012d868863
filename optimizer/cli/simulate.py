"""``sunshift simulate``: a battery's HTTP interface on a port, with a house behind it."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from types import FrameType
from typing import TextIO, TypeVar
from zoneinfo import ZoneInfo

from optimizer.clock import WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.profile import HouseProfile, packaged_profile
from optimizer.domain.battery import Battery
from optimizer.errors import RecordingError, SimulatorError
from optimizer.history.recording import read_recording
from optimizer.simulator.faults import read_faults
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.return_codes import ErrorStyle
from optimizer.simulator.scaled_clock import ScaledClock
from optimizer.simulator.server import SimulatorServer

_SEED = 1
_Number = TypeVar("_Number", int, float)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    network = parser.add_argument_group("network")
    network.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)"
    )
    network.add_argument("--port", type=_port, default=8080, help="port of V1; 0: a free one (default: %(default)s)")
    network.add_argument("--v2-port", type=_port, default=8081, help="port of V2; 0: a free one (default: %(default)s)")
    network.add_argument("--no-v2", action="store_true", help="leave V2 away")
    network.add_argument("--token", default="simulated", help="token of V2 (default: %(default)s)")
    _add_house(parser.add_argument_group("battery and house"))
    _add_behaviour(parser.add_argument_group("behaviour"))


def _add_house(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--recording", type=Path, metavar="FILE", help="load and sun (default: a home in Konstanz)")
    group.add_argument("--steady", action="store_true", help="hold the recording's means: no kettle, no clouds inside")
    group.add_argument("--timezone", type=_zone, default="Europe/Berlin", help="the unit's own (default: %(default)s)")
    group.add_argument("--soc", type=_between(0, 1), default=0.5, help="state of charge at the start, 0 to 1")
    group.add_argument("--capacity-wh", type=_between(100, 1e6), default=10_000.0, help="usable (default: %(default)s)")
    group.add_argument("--max-charge-w", type=_between(1, 1e5), default=4600.0, help="AC (default: %(default)s)")
    group.add_argument("--max-discharge-w", type=_between(1, 1e5), default=4600.0, help="AC (default: %(default)s)")
    group.add_argument("--charge-efficiency", type=_between(0.1, 1), default=0.95, help="default: %(default)s")
    group.add_argument("--discharge-efficiency", type=_between(0.1, 1), default=0.95, help="default: %(default)s")


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--firmware", choices=[*Firmware], default="2022", help="keys of the status (default: 2022)")
    group.add_argument(
        "--mode", choices=["manual", "automatic"], default="manual", help="at the start (default: manual)"
    )
    group.add_argument(
        "--mode-control",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer the undocumented /api/setting?EM_OperatingMode= on V1",
    )
    group.add_argument(
        "--error-style", choices=[*ErrorStyle], default="status_with_body", help="of return codes 5, 13, 16"
    )
    group.add_argument("--nightly-restart", type=time.fromisoformat, metavar="HH:MM", help="restart then, local time")
    group.add_argument("--battery-care-days", type=_between(0.01, 365), help="charge full after so long without")
    group.add_argument(
        "--speed", type=_between(0.001, 100_000), default=1.0, help="times faster than life (default: 1)"
    )
    group.add_argument("--faults", type=Path, metavar="FILE", help="fault script (TOML)")
    group.add_argument("--log", type=Path, metavar="FILE", help="write every request there, a JSON line each")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, then sum up."""
    clock = ScaledClock(speed=arguments.speed)
    battery = Battery(
        usable_capacity_wh=arguments.capacity_wh,
        max_charge_w=arguments.max_charge_w,
        max_discharge_w=arguments.max_discharge_w,
        charge_efficiency=arguments.charge_efficiency,
        discharge_efficiency=arguments.discharge_efficiency,
    )
    restart = arguments.nightly_restart
    house = SimulatedHouse(
        clock=clock,
        battery=battery,
        recording=_profile(arguments.recording, steady=arguments.steady).shifted_to(clock.now()),
        timezone=arguments.timezone,
        initial_soc=arguments.soc,
        mode=DeviceMode[arguments.mode.upper()],
        nightly_restart=None if restart is None else NightlyRestart(at=restart),
        battery_care_after_days=arguments.battery_care_days,
    )
    faults = read_faults(arguments.faults, start=clock.now()) if arguments.faults else ()
    quirks = Quirks(mode_control=arguments.mode_control, error_style=ErrorStyle(arguments.error_style))
    with (
        _opened(arguments.log) as log_file,
        SimulatorServer(
            house,
            host=arguments.host,
            v1_port=arguments.port,
            v2_port=None if arguments.no_v2 else arguments.v2_port,
            firmware=arguments.firmware,
            token=arguments.token,
            quirks=quirks,
            faults=faults,
            log_file=log_file,
        ) as server,
    ):
        _introduce(server, arguments, faults=len(faults))
        _wait_for_the_end()
    _sum_up(server)
    return 0


def _profile(path: Path | None, *, steady: bool) -> HouseProfile:
    seed = None if steady else _SEED
    if path is None:
        return packaged_profile(variability_seed=seed)
    recording = read_recording(path)
    if recording.has_registers_only or not recording.spans:
        msg = f"{path}: a house needs consumption_w and production_w; this recording does not have both anywhere"
        raise RecordingError(msg)
    longest = max(recording.spans, key=lambda span: span.end - span.start)
    if len(recording.spans) > 1:
        print(f"{path.name} has gaps: using its longest stretch without, {longest.start:%F} to {longest.end:%F}.")
    inside = (recording.frame.index >= longest.start) & (recording.frame.index < longest.end)
    return HouseProfile.from_frame(recording.frame[inside], variability_seed=seed)


def _introduce(server: SimulatorServer, arguments: argparse.Namespace, *, faults: int) -> None:
    host = f"[{server.host}]" if ":" in server.host else server.host
    v1 = f"http://{host}:{server.v1_port}/api/v1"
    battery = server.house.parameters.battery
    print(f"A simulated battery of {battery.usable_capacity_wh / 1000:g} kWh in a house with a roof; not a real one.")
    print(f"  firmware {arguments.firmware}, mode {arguments.mode}, {faults} fault(s), {arguments.speed:g} x real time")
    print(f"  V1  curl {v1}/status")
    print(f"      curl -X PUT {v1}/setpoint/charge/1000")
    if arguments.mode_control:
        print(f"      curl 'http://{host}:{server.v1_port}/api/setting?EM_OperatingMode=2'    (1 manual, 2 automatic)")
    if not arguments.no_v2:
        token = f"-H 'Auth-Token: {arguments.token}'"
        print(f"  V2  curl {token} http://{host}:{server.v2_port}/api/v2/latestdata")
    print("Ctrl-C ends it.", flush=True)


def _wait_for_the_end() -> None:
    ended = threading.Event()

    def end(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        ended.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Short waits, so that a signal is seen at once on every platform.
        while not WallClock().wait(0.5, ended):
            pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _sum_up(server: SimulatorServer) -> None:
    house, log = server.house, server.log
    house.advance()
    totals = house.totals
    print(f"\n{totals.seconds / 3600:.2f} h simulated, {log.count} requests ({len(log.writes)} that could write).")
    print(f"  house {totals.load_wh / 1000:.2f} kWh, roof {totals.production_wh / 1000:.2f} kWh")
    print(f"  grid  {totals.imported_wh / 1000:.2f} kWh in, {totals.exported_wh / 1000:.2f} kWh out")
    print(f"  battery {totals.charged_wh / 1000:.2f} kWh in, {totals.discharged_wh / 1000:.2f} kWh out")
    print(f"  state of charge {house.soc:.0%}")


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        msg = f"{path}: the log cannot be written: {error}"
        raise SimulatorError(msg) from error
    with file:
        yield file


def _port(text: str) -> int:
    return _parsed(int, 0, 65_535, text)


def _between(low: float, high: float) -> Callable[[str], float]:
    return lambda text: _parsed(float, low, high, text)


def _parsed(kind: Callable[[str], _Number], low: float, high: float, text: str) -> _Number:
    with contextlib.suppress(ValueError):
        value = kind(text)
        if low <= value <= high:
            return value
    msg = f"expected a number from {low:g} to {high:g}, got {text!r}"
    raise argparse.ArgumentTypeError(msg)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        msg = f"no time zone {text!r}; expected a name such as Europe/Berlin"
        raise argparse.ArgumentTypeError(msg) from error
