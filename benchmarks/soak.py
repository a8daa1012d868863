"""Months of the whole service on simulated time, to see whether it grows.

    python benchmarks/soak.py [--days N] [--every DAYS] [--warm-up DAYS] [--poll SECONDS] [--unit v1 | v1-plain | v2]
        [--wire] [--seed N]

One service against the simulated battery, with the everyday faults of a year: the nightly restart, and every few days
an hour in which reads or writes fail. At intervals, after a garbage collection: resident memory, the Python blocks in
use, open descriptors and threads of the process, and the size of the folders. At the end the growth a simulated year:
a least-squares line after the warm-up of sixty days, in which caches fill, the history, which keeps 28 days here, only
grows, and the forecasts come to look back over all of their 56 days.

Exit code 1 where memory, descriptors or threads grow by more than the limits beside them. The slope of a few days is
noise (resident memory goes up and down by tenths of a MiB, which over ten days makes ten MiB a year), so it is judged
only where sixty days or more follow the warm-up; exit code 2 where they do not.

Simulator and service share the process; the simulator's own log is bounded. Without ``--wire`` the requests are handed
over in process except in the hours with a fault.
"""

from __future__ import annotations

import argparse
import gc
import logging
import random
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from direct_line import DirectLine
from fault_judge import START
from fault_run import BATTERY, TOKEN, merged, tables
from fault_witness import HOMES

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.assembly.device import build_device
from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.service.composition import build_daemon
from optimizer.simulator.fault import Fault, FaultKind, Target
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

DAYS_A_YEAR = 365.0
FAULTS = (
    (FaultKind.RESET, Target.READS), (FaultKind.HTML, Target.ANY), (FaultKind.EMPTY, Target.READS),
    (FaultKind.HTTP_STATUS, Target.WRITES), (FaultKind.TRUNCATED, Target.ANY), (FaultKind.REFUSE, Target.ANY),
)  # fmt: skip
FAULT_EVERY_DAYS, FAULT_LASTS = 3, timedelta(hours=1)
LIMITS = {"memory_mib": 1.0, "descriptors": 0.5, "threads": 0.5}
"""What each may grow by in a simulated year at most: of what is counted none, and a slope is seldom just 0."""
JUDGED_DAYS = 60.0
"""After the warm-up: with fewer a slope says more of the last sample than of the service."""
GREW, NOT_JUDGED = 1, 2
"""Exit codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The process at one instant."""

    day: float
    memory_mib: float
    blocks: float
    """Python's own memory blocks in use [thousands]."""
    descriptors: int
    threads: int
    stored_mib: float


def sample(day: float, folder: Path) -> Sample:
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Sample(
        day=day,
        memory_mib=int(status["VmRSS"].split()[0]) / 1024,
        blocks=sys.getallocatedblocks() / 1000,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        threads=int(status["Threads"]),
        stored_mib=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20,
    )


def growth(samples: Sequence[Sample], name: str) -> float:
    """Return the slope of a figure over a simulated year."""
    days = [one.day for one in samples]
    slope, _ = np.polyfit(days, [float(getattr(one, name)) for one in samples], 1)
    return float(slope) * DAYS_A_YEAR


def everyday_faults(days: float, seed: int) -> tuple[Fault, ...]:
    """Return an hour of some fault every few days."""
    chance, made = random.Random(seed), []
    for day in range(1, int(days), FAULT_EVERY_DAYS):
        kind, on = chance.choice(FAULTS)
        start = START + timedelta(days=day, hours=chance.uniform(3.0, 22.0))
        made.append(Fault(name=f"{kind.value} {day}", kind=kind, on=on, start=start, end=start + FAULT_LASTS))
    return tuple(made)


def play(told: argparse.Namespace, folder: Path) -> list[Sample]:
    """Run the service and return what it came to at intervals."""
    clock, plain = SimulatedClock(START), told.unit == "v1-plain"
    house = SimulatedHouse(
        clock=clock,
        battery=BATTERY,
        recording=packaged_profile().shifted_to(START),
        mode=DeviceMode.MANUAL if plain else DeviceMode.AUTOMATIC,
        nightly_restart=NightlyRestart(),
    )
    faults = everyday_faults(told.days, told.seed)
    quirks = Quirks(mode_control=told.unit == "v1")
    with SimulatorServer(house, token=TOKEN, quirks=quirks, faults=faults, log_size=500) as server:
        port = server.v2_port if told.unit == "v2" else server.v1_port
        more = {"control": {"poll_interval": f"{told.poll}s"}, "history": {"retention": "28d"}}
        sections = merged(HOMES[0].sections(), more)
        configuration = configuration_from_tables(tables(told.unit, port, folder, sections))
        device = build_device(configuration, clock=clock)
        if not told.wire:
            face = "v2" if told.unit == "v2" else "v1"
            wired = lambda: any(one.covers(house.now) for one in faults)  # noqa: E731
            device._http = DirectLine(device._http, server, face, wired)  # type: ignore[attr-defined]  # noqa: SLF001
        daemon = build_daemon(configuration, clock=clock, device=device)
        stop, samples = threading.Event(), [sample(0.0, folder)]

        def watch(_: datetime) -> None:
            day = clock.elapsed() / 86_400.0
            if day - samples[-1].day >= told.every:
                samples.append(sample(day, folder))
                _print(samples[-1])
            if day >= told.days:
                stop.set()

        clock.subscribe(watch)
        daemon.run(stop)
        print(f"{daemon.counters}, handed back {daemon.handed_back}")
    return samples


def _print(one: Sample) -> None:
    figures = (getattr(one, part.name) for part in fields(one))
    print("  ".join(f"{figure:10.2f}" for figure in figures), flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=float, default=130.0)
    parser.add_argument("--every", type=float, default=1.0, help="simulated days between two samples")
    parser.add_argument("--warm-up", type=float, default=60.0, help="simulated days that do not count")
    parser.add_argument("--poll", type=int, default=30, help="seconds between two control steps")
    parser.add_argument("--unit", choices=("v1", "v1-plain", "v2"), default="v1")
    parser.add_argument("--wire", action="store_true", help="every call over HTTP")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(arguments)
    logging.getLogger("sunshift").addHandler(logging.NullHandler())
    logging.disable(logging.CRITICAL)
    print("  ".join(f"{part.name:>10}" for part in fields(Sample)))
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        samples = [one for one in play(told, Path(folder)) if one.day >= told.warm_up]
    if len(samples) < 3:
        print("NOT JUDGED: too short for a slope, give more days than --warm-up")
        return NOT_JUDGED
    slopes = {part.name: growth(samples, part.name) for part in fields(Sample)[1:]}
    for name, slope in slopes.items():
        print(f"{name}: {slope:+.2f} a simulated year" + (f" (limit: {LIMITS[name]:g})" if name in LIMITS else ""))
    return verdict(slopes, samples[-1].day - samples[0].day)


def verdict(slopes: Mapping[str, float], days: float) -> int:
    """Say whether the service grows; return the exit code.

    Parameters
    ----------
    slopes
        Growth of each figure in a simulated year.
    days
        How many days they were taken over.
    """
    if days < JUDGED_DAYS:
        print(f"NOT JUDGED: {days:.1f} days after the warm-up, and a slope over fewer than {JUDGED_DAYS:g} is noise")
        return NOT_JUDGED
    grew = [f"{name} {slopes[name]:+.2f} (limit: {limit:g})" for name, limit in LIMITS.items() if slopes[name] > limit]
    if grew:
        print(f"IT GROWS: {', '.join(grew)} a simulated year, over {days:.0f} days")
        return GREW
    print(f"it does not grow: judged over {days:.0f} days")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
