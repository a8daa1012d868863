"""``sunshift simulate``: a battery's HTTP interface on a port, with a house behind it."""

from __future__ import annotations

import argparse
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from optimizer.cli.simulate_arguments import add_arguments
from optimizer.clock import Clock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.metering import Metering
from optimizer.devices.simulated.models import Model, unit_size
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.profile import HouseProfile, packaged_profile
from optimizer.devices.simulated.thermal import Thermal
from optimizer.domain.battery import Battery
from optimizer.errors import RecordingError, SimulatorError
from optimizer.history.recording import read_recording
from optimizer.service.signals import stop_on_signals
from optimizer.simulator.faults import read_faults
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.return_codes import ErrorStyle
from optimizer.simulator.scaled_clock import ScaledClock
from optimizer.simulator.server import SimulatorServer
from optimizer.simulator.switches import switched

__all__ = ["add_arguments", "run"]

_SEED = 1


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, then sum up."""
    clock = ScaledClock(speed=arguments.speed)
    house = _house(arguments, clock)
    faults = read_faults(arguments.faults, start=clock.now()) if arguments.faults else ()
    plain = Quirks(mode_control=arguments.mode_control, error_style=ErrorStyle(arguments.error_style))
    quirks, v2_options = switched(arguments.quirk, quirks=plain)
    ended = threading.Event()
    with (
        stop_on_signals(ended),
        _opened(arguments.log) as log_file,
        SimulatorServer(
            house,
            host=arguments.host,
            v1_port=arguments.port,
            v2_port=None if arguments.no_v2 else arguments.v2_port,
            firmware=arguments.firmware,
            token=arguments.token,
            quirks=quirks,
            v2_options=v2_options,
            faults=faults,
            log_file=log_file,
        ) as server,
    ):
        # Whoever reads that it serves may end it at once: the handlers stand before it says so.
        _introduce(server, arguments, faults=len(faults))
        while not WallClock().wait(0.5, ended):
            pass  # short waits, so that a signal is seen at once on every platform
    _sum_up(server)
    return 0


def _house(arguments: argparse.Namespace, clock: Clock) -> SimulatedHouse:
    parameters = _parameters(arguments)
    return SimulatedHouse(
        clock=clock,
        battery=parameters.battery,
        parameters=parameters,
        recording=_profile(arguments.recording, steady=arguments.steady).shifted_to(clock.now()),
        timezone=arguments.timezone,
        initial_soc=arguments.soc,
        mode=DeviceMode[arguments.mode.upper()],
        backup_soc=arguments.backup_soc,
        discharge_stops_at_backup=arguments.stop_at_backup,
        metering=Metering(error_w=arguments.meter_error_w, skew_s=arguments.meter_skew_s),
        nightly_restart=_nightly_restart(arguments),
        battery_care_after_days=arguments.battery_care_days,
        time_of_use=arguments.time_of_use,
    )


def _nightly_restart(arguments: argparse.Namespace) -> NightlyRestart | None:
    if arguments.nightly_restart is None:
        return None
    return NightlyRestart(
        at=arguments.nightly_restart,
        refusing_s=arguments.restart_refusing_s,
        bad_gateway_s=arguments.restart_bad_gateway_s,
    )


def _parameters(arguments: argparse.Namespace) -> BatteryParameters:
    try:
        size = unit_size(Model(arguments.model), arguments.modules)
    except ValueError as error:
        raise SimulatorError(str(error)) from error
    battery = Battery(
        usable_capacity_wh=arguments.capacity_wh or size.usable_capacity_wh,
        max_charge_w=arguments.max_charge_w or size.max_power_w,
        max_discharge_w=arguments.max_discharge_w or size.max_power_w,
        charge_efficiency=arguments.charge_efficiency,
        discharge_efficiency=arguments.discharge_efficiency,
    )
    return BatteryParameters(
        battery=battery,
        module_wh=size.module_wh,
        dead_time_s=arguments.dead_time_s,
        fixed_loss_w=arguments.fixed_loss_w,
        thermal=Thermal(ambient_c=arguments.ambient_c),
    )


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
