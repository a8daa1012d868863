"""One run of :mod:`faults`: a home, its service and its battery under one fault."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from direct_line import DirectLine
from fault_judge import CALLS_S, START, Run
from fault_rows import UNITS, Trouble
from fault_witness import HOMES, Commands, FrozenStatus, LeftToOthers, OursAtTheBattery
from resting_pace import RestingPace
from whims import Whim

from optimizer.assembly.configuration import Configuration, configuration_from_tables
from optimizer.assembly.device import build_device
from optimizer.clock import Clock, SimulatedClock
from optimizer.control.options import ControlOptions
from optimizer.devices.port import BatteryDevice
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.release.record import CommandRecord
from optimizer.service.composition import build_daemon
from optimizer.service.daemon import Daemon
from optimizer.service.pace import SLOWEST_S
from optimizer.simulator.fault import STATE_FAULTS, Fault
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = "benchmark"
POLLS_S = (60.0, 30.0, 60.0, 20.0, 30.0, 60.0, 20.0, 60.0, 30.0, 10.0)
"""Between two control steps, by turns: the slow ones, which cost least, oftener [s]."""
HOLD_OFF = timedelta(seconds=ControlOptions().hold_off_s)
NEAR_S = 60.0
"""So long before and after a fault every call goes over the wire [s]."""
RECOVERY = timedelta(hours=2)
"""Without a fault at the end of a run: the hold-off, and a plan. Planned so often, and a plan is trusted so long: the
one that is trusted at the end was made after the last fault, and forced commands of a plan meet every fault before."""
FLUSH = timedelta(hours=1)
"""How often the history is written where the fault is not about the disk: a sixth of a run would be spent on that."""


def tables(unit: str, port: int, folder: Path, sections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    battery: dict[str, Any] = {
        "driver": "sonnen_v2" if unit == "v2" else "sonnen_v1", "host": "127.0.0.1", "port": port,
        "usable_capacity_wh": 10_000,
    }  # fmt: skip
    if unit == "v2":
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        battery["token_file"] = str(token)
    else:
        battery["mode_control"] = unit == "v1"
    rules = [
        {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.18},
        {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.42},
    ]
    told: dict[str, Any] = {
        "site": {"timezone": "Europe/Berlin", "latitude": 47.66, "longitude": 9.18},
        "battery": battery,
        "tariff": {
            "import": {"kind": "time_of_use", "price_per_kwh": 0.30, "rules": rules},
            "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "forecast": {"pv_peak_kw": 5.0},
        "planning": {"step": "30min", "horizon": "6h", "scenarios": 2, "replan": "2h"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }
    return merged(told, sections)


def merged(told: dict[str, Any], more: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return sections with what others say of each laid over."""
    return {**told, **{name: {**told.get(name, {}), **section} for name, section in more.items()}}


def control(poll_s: float, *, prefer_automatic: bool) -> dict[str, Any]:
    """Return the section: where polls are slow a lease and a measurement must outlast two of them, as at any other."""
    section: dict[str, Any] = {"poll_interval": f"{poll_s:.0f}s", "prefer_automatic": prefer_automatic}
    slow = {"lease": "180s", "reassert": "120s", "max_measurement_age": "145s"} if poll_s > SLOWEST_S else {}
    return {**section, **slow}


def windows(chance: random.Random, days: float) -> list[tuple[float, float]]:
    """Return when the fault acts, four times a day, and not in the last two hours [s after the start]."""
    length_s = days * 86_400.0 - RECOVERY.total_seconds()
    count = max(1, round(4 * days))
    share_s = length_s / count
    found = []
    for index in range(count):
        lasts_s = min(chance.choice((60.0, 150.0, 600.0, 7200.0)), 0.8 * share_s)
        begins_s = index * share_s + chance.random() * (share_s - lasts_s)
        found.append((begins_s, begins_s + lasts_s))
    return found


def shortened(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the windows of what costs real time: past the longest lease, and few requests of each."""
    return [(begins_s, min(ends_s, begins_s + 200.0)) for begins_s, ends_s in spans]


def faults_of(trouble: Trouble, spans: Sequence[tuple[float, float]]) -> tuple[Fault, ...]:
    """Return the scripted faults of a row."""
    if trouble.kind is None:
        return ()
    return tuple(
        Fault(
            name=trouble.name,
            kind=trouble.kind,
            on=trouble.on,
            parameters=trouble.parameters,
            start=START + timedelta(seconds=begins_s),
            end=START + timedelta(seconds=ends_s),
        )
        for begins_s, ends_s in spans
    )


def _wire_actions(run: Run, trouble: Trouble, spans: Sequence[tuple[float, float]], chance: random.Random) -> None:
    """Let what is not scripted in the simulator happen as simulated time reaches its windows."""
    todo: list[tuple[float, Callable[[], None]]] = []
    for begins_s, ends_s in spans:
        if trouble.act is not None:
            todo.append((begins_s, partial(trouble.act, run, chance)))
        if trouble.undo is not None:
            todo.append((ends_s, partial(trouble.undo, run)))

    def follow(_: datetime) -> None:
        while todo and run.clock.elapsed() >= todo[0][0]:
            todo.pop(0)[1]()

    run.clock.subscribe(follow)


def play(trouble: Trouble, seed: int, days: float, folder: Path, *, wire: bool = False) -> tuple[Run, str]:
    """Run one home under one fault; return what was found and the last state.

    Parameters
    ----------
    wire
        Whether every call goes over HTTP, and not only those near a fault.
    """
    chance = random.Random(f"{trouble.name} {seed}")
    unit = trouble.units[(seed + len(trouble.name)) % len(trouble.units)]
    poll_s = POLLS_S[(seed // len(UNITS) + len(trouble.name)) % len(POLLS_S)]
    home = HOMES[(seed // 2 + len(trouble.name)) % len(HOMES)]
    clock = SimulatedClock(START)
    house = SimulatedHouse(
        clock=clock, battery=BATTERY, recording=packaged_profile().shifted_to(START - timedelta(days=7 * (seed % 4))),
        mode=DeviceMode.MANUAL if unit == "v1-plain" else DeviceMode.AUTOMATIC,
        initial_soc=chance.choice((0.02, 0.2, 0.5, 0.8, 0.99)), nightly_restart=NightlyRestart(),
    )  # fmt: skip
    spans = windows(chance, days)
    if trouble.is_slow:
        spans = shortened(spans)
    quirks = Quirks(mode_control=unit == "v1")
    with SimulatorServer(house, token=TOKEN, quirks=quirks, faults=faults_of(trouble, spans), log_size=500) as server:
        port = server.v2_port if unit == "v2" else server.v1_port
        # Every other home commands all the time: more forced commands meet the fault.
        sections = merged(home.sections(), {"control": control(poll_s, prefer_automatic=seed % 2 == 1)})
        configuration = configuration_from_tables(tables(unit, port, folder, merged(sections, trouble.tables)))
        whim = Whim(configuration.strategy, trouble.mood)
        configuration = replace(configuration, strategy=whim)
        device = _connected(configuration, clock, server, spans=None if wire else _wired(trouble, spans))
        daemon = build_daemon(configuration, clock=clock, device=device)
        daemon.board._max_age = RECOVERY  # noqa: SLF001 - an hour is right for a home that plans each quarter of one
        if not trouble.on_disk:
            _write_history_rarely(daemon)
        # Nobody reads the status here, and a plan in it is a fifth of what a step costs.
        daemon.reporter.write = lambda state: None  # type: ignore[method-assign]  # noqa: ARG005
        daemon._loop._pace._chance = random.Random(f"jitter {seed}")  # noqa: SLF001 - so that a run can be had again
        pace = _resting(daemon, clock, poll_s, [*spans, *nights(house, days)], restless=trouble.is_restless)
        options = configuration.settings.control
        run = Run(
            clock, house, server, daemon, CommandRecord(folder / "state", folder / "run"), folder,
            mode_control=unit != "v1-plain", home=home, poll_s=poll_s, lease_s=options.lease.total_seconds(),
            commands=Commands(options.reassert - timedelta(seconds=CALLS_S)),
            max_age_s=options.max_measurement_age.total_seconds(), pace=pace, whim=whim,
            ours=OursAtTheBattery(house, mode_control=unit != "v1-plain"), others=LeftToOthers(HOLD_OFF),
            frozen=FrozenStatus(server.faults),
            lease_end=daemon._loop._lease_end,  # noqa: SLF001 - the service shows it to people only in the status
        )  # fmt: skip
        _wire_actions(run, trouble, spans, chance)
        daemon.on_decision.append(run.after_step)
        _run_for(days, run)
        return run, run.at_the_end()


def _run_for(days: float, run: Run) -> None:
    """Run the service, judge it, and end it."""
    stop = threading.Event()

    def watch(now: datetime) -> None:
        if run.clock.elapsed() >= days * 86_400.0 and not stop.is_set():
            stop.set()
            run.before_the_end(planned=run.daemon.board.current(now) is not None)

    run.clock.subscribe(watch)
    run.daemon.run(stop)


def _resting(
    daemon: Daemon, clock: Clock, poll_s: float, spans: Sequence[tuple[float, float]], *, restless: bool
) -> RestingPace:
    """Let the control loop rest far from every fault; return its pace."""
    loop = daemon._loop  # noqa: SLF001 - a service looks alike at all times
    pace = RestingPace(loop._pace, clock, poll_s, spans, restless=restless)  # noqa: SLF001
    loop._pace = pace  # type: ignore[assignment]  # noqa: SLF001
    return pace


def nights(house: SimulatedHouse, days: float) -> list[tuple[float, float]]:
    """Return when the unit restarts by itself [s after the start]."""
    restart, found, at_s = NightlyRestart(), [], START.timestamp()
    while (at_s := restart.next_after(at_s, house.timezone)) < START.timestamp() + days * 86_400.0:
        begins_s = at_s - START.timestamp()
        found.append((begins_s, begins_s + restart.refusing_s + restart.bad_gateway_s))
    return found


def _write_history_rarely(daemon: Daemon) -> None:
    daemon._jobs = [replace(job, period=FLUSH) if job.name == "flush" else job for job in daemon._jobs]  # noqa: SLF001
    daemon.history._flusher.request = lambda: None  # type: ignore[method-assign]  # noqa: SLF001 - by the job alone


def _wired(trouble: Trouble, spans: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return when the wire matters: not for what befalls the unit itself, or our own side."""
    at_the_unit = trouble.kind in STATE_FAULTS or (trouble.kind is None and trouble.name != "none")
    return () if at_the_unit else spans


def _connected(
    configuration: Configuration, clock: Clock, server: SimulatorServer, *, spans: Sequence[tuple[float, float]] | None
) -> BatteryDevice:
    """Return the battery's driver; where spans are given, only what falls into or near one goes over the wire."""
    device: Any = build_device(configuration, clock=clock)
    if spans is not None:
        face = "v2" if configuration.settings.battery.driver == "sonnen_v2" else "v1"
        near = [(begins_s - NEAR_S, ends_s + NEAR_S) for begins_s, ends_s in spans]
        device._http = DirectLine(  # noqa: SLF001 - the driver has no other seam, and needs none
            device._http,  # noqa: SLF001
            server,
            face,
            lambda: any(begins_s <= clock.elapsed() <= ends_s for begins_s, ends_s in near),
        )
    return device  # type: ignore[no-any-return]
