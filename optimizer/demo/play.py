"""The demo itself: the real service on simulated time, a simulated battery behind real HTTP, days in a minute."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from optimizer.assembly.configuration import Configuration, configuration_from_tables
from optimizer.assembly.tariffs import build_tariff
from optimizer.clock import Clock, SimulatedClock
from optimizer.demo.director import Director, NewsHandler
from optimizer.demo.homes import Homes, build_homes, build_house
from optimizer.demo.pacer import Pacer
from optimizer.demo.scene import Weight
from optimizer.demo.setting import (
    BATTERY,
    FIRST_DAY,
    STEP,
    TOKEN,
    WARM_UP,
    ZONE,
    Period,
    choose_period,
    configuration_tables,
)
from optimizer.demo.summary import Service, Summary
from optimizer.demo.view import View
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import packaged_frame, packaged_profile
from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import TimeGrid
from optimizer.history.frames import as_means
from optimizer.history.store import HistoryStore
from optimizer.service.composition import build_daemon
from optimizer.service.daemon import Daemon
from optimizer.service.signals import stop_on_signals
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a watcher may choose."""

    days: int = 3
    start: date = FIRST_DAY
    interface: str = "v1"
    """``v1`` or ``v2``: which of the battery's interfaces the service speaks."""
    speed: float | None = None
    """Simulated seconds per real second; None: as fast as the machine can."""
    seed: int = 1
    """Of what happens inside the recorded hours: kettles and clouds."""


def play(options: DemoOptions, *, view: View, wall: Clock) -> Summary:
    """Play the days and return what came of them; Ctrl-C and SIGTERM end them early.

    Parameters
    ----------
    options
        What is played.
    view
        Who is shown it.
    wall
        Real time.

    Raises
    ------
    SunshiftError
        The days asked for are not in the recording.
    """
    profile = packaged_profile(variability_seed=options.seed)
    period = choose_period(profile, days=options.days, start=options.start)
    stop = threading.Event()
    pacer = Pacer(wall=wall, speed=options.speed, wake=stop)
    clock = SimulatedClock(period.start, pace=pacer)
    house = build_house(clock=clock, battery=BATTERY, profile=profile, zone=ZONE)
    began_s = wall.elapsed()
    with ExitStack() as stage:
        stage.enter_context(stop_on_signals(stop))
        folder = Path(stage.enter_context(tempfile.TemporaryDirectory(prefix="sunshift-demo-")))
        server = stage.enter_context(SimulatorServer(house, token=TOKEN, quirks=Quirks(mode_control=True)))
        configuration = _configuration(options, server, folder)
        prices = _prices(configuration, period)
        homes = build_homes(house, battery=BATTERY, profile=profile, prices=prices)
        daemon = build_daemon(configuration, clock=clock)
        _import_history(daemon.history, period)
        director = Director(clock=clock, period=period, homes=homes, daemon=daemon, view=view, stop=stop)
        clock.subscribe(director.follow)
        with _shown(view, director):
            pacer.start(director.draw)
            daemon.run(stop)
            _tell_end(director, house)
        return _summary(
            options, period, director, homes, daemon=daemon, server=server, seconds=wall.elapsed() - began_s
        )


def _configuration(options: DemoOptions, server: SimulatorServer, folder: Path) -> Configuration:
    port = server.v1_port if options.interface == "v1" else server.v2_port
    return configuration_from_tables(configuration_tables(interface=options.interface, port=port, folder=folder))


def _prices(configuration: Configuration, period: Period) -> Prices:
    grid = TimeGrid(start=period.start, step=STEP, count=(period.end - period.start) // STEP)
    return build_tariff(configuration.settings).prices(grid, as_of=period.end)


def _import_history(history: HistoryStore, period: Period) -> None:
    frame = packaged_frame()
    known = (frame.index >= period.start - WARM_UP) & (frame.index < period.start)
    history.add_recording(as_means(frame[known], timedelta(hours=1)))


@contextmanager
def _shown(view: View, director: Director) -> Iterator[None]:
    """Open the view, and let the service's warnings into it instead of on the terminal."""
    handler, root = NewsHandler(director), logging.getLogger()
    root.addHandler(handler)
    view.open()
    try:
        yield
    finally:
        view.close()
        root.removeHandler(handler)


def _tell_end(director: Director, house: SimulatedHouse) -> None:
    handed_back, left_as = _left(house)
    director.tell(f"the end: the battery is left {left_as}", Weight.GOOD if handed_back else Weight.TROUBLE)


def _left(house: SimulatedHouse) -> tuple[bool, str]:
    """Return whether the simulated battery itself says that it was handed back, and how it was found."""
    automatic, forced_w = house.mode is DeviceMode.AUTOMATIC, house.setpoint_w or 0.0
    mode = "in its own automatic mode" if automatic else f"in mode {house.mode.name.lower()}"
    standing = "no setpoint left standing" if forced_w == 0 else f"a setpoint of {forced_w:.0f} W left standing"
    return automatic and forced_w == 0, f"{mode}, {standing}"


def _summary(
    options: DemoOptions,
    period: Period,
    director: Director,
    homes: Homes,
    *,
    daemon: Daemon,
    server: SimulatorServer,
    seconds: float,
) -> Summary:
    requests = server.log.entries
    handed_back, left_as = _left(server.house)
    return Summary(
        start=period.start,
        end=director.reached,
        complete=director.reached >= period.end,
        zone=ZONE,
        currency="EUR",
        interface=options.interface,
        seconds=seconds,
        mean_import_price=homes.sunshift.mean_import_price,
        discharge_efficiency=BATTERY.discharge_efficiency,
        accounts=homes.accounts(),
        service=Service(
            polls=daemon.counters.polls,
            setpoints=sum("/setpoint/" in request.path for request in requests),
            mode_changes=sum("OperatingMode" in request.path + request.body for request in requests),
            plans=director.plans,
            decisions=director.decisions,
            errors=daemon.counters.failures + daemon.counters.errors,
            http_requests=server.log.count,
            handed_back=handed_back,
            left_as=left_as,
        ),
    )
