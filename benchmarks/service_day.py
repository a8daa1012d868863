"""One simulated day of the service against the simulated battery over HTTP, with counts.

    python benchmarks/service_day.py [v1 | v1-plain | v2]...

Polls every 10 s, plans every 15 min over 36 h with 20 futures, the packaged home behind the battery.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.clock import SimulatedClock, WallClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision
from optimizer.service.composition import build_daemon
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer

START = datetime(2026, 5, 4, 0, 0, tzinfo=UTC)
BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
TOKEN = "benchmark"
VARIANTS: dict[str, dict[str, object]] = {
    "v1": {"driver": "sonnen_v1", "mode_control": True},
    "v1-plain": {"driver": "sonnen_v1", "mode_control": False},
    "v2": {"driver": "sonnen_v2"},
}


class LineCounter(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        del record
        self.lines += 1


def tables(variant: str, port: int, folder: Path) -> dict[str, object]:
    battery = {
        **VARIANTS[variant],
        "host": "127.0.0.1",
        "port": port,
        "usable_capacity_wh": 10_000,
        "max_charge_w": 4600,
        "max_discharge_w": 4600,
    }
    if variant == "v2":
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        battery["token_file"] = str(token)
    rules = [
        {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.21},
        {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.38},
    ]
    return {
        "site": {"timezone": "Europe/Berlin", "latitude": 47.66, "longitude": 9.18},
        "battery": battery,
        "tariff": {
            "import": {"kind": "time_of_use", "price_per_kwh": 0.30, "rules": rules},
            "export": {"kind": "fixed", "price_per_kwh": 0.08},
        },
        "forecast": {"pv_peak_kw": 5.0},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
    }


def play(variant: str) -> None:
    lines = LineCounter()
    logging.getLogger("sunshift").addHandler(lines)
    logging.getLogger("sunshift").setLevel(logging.INFO)
    clock, real = SimulatedClock(START), WallClock()
    plain = variant == "v1-plain"
    house = SimulatedHouse(
        clock=clock,
        battery=BATTERY,
        recording=packaged_profile().shifted_to(START),
        mode=DeviceMode.MANUAL if plain else DeviceMode.AUTOMATIC,
    )
    quirks = Quirks(mode_control=not plain)
    outcomes: Counter[str] = Counter()
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as name, SimulatorServer(house, token=TOKEN, quirks=quirks) as server:
        port = server.v2_port if variant == "v2" else server.v1_port
        daemon = build_daemon(configuration_from_tables(tables(variant, port, Path(name))), clock=clock)
        plans: list[datetime] = []
        daemon.on_plan.append(lambda plan: plans.append(plan.made_at))

        def count(decision: Decision) -> None:
            outcomes[decision.outcome.value] += 1

        daemon.on_decision.append(count)
        clock.subscribe(lambda now: stop.set() if now >= START + timedelta(days=1) else None)
        began_s = real.elapsed()
        daemon.run(stop)
        took_s = real.elapsed() - began_s
        stored = sum(path.stat().st_size for path in (Path(name) / "state").iterdir()) / 2**20
        counters = daemon.counters
        print(
            f"{variant}: {counters.polls} polls, {len(server.log.entries)} requests "
            f"({len(server.log.writes)} writes), {counters.setpoints} setpoints, {counters.failures} failures, "
            f"{counters.errors} errors, {counters.hand_backs} hand-backs, {len(plans)} plans, {lines.lines} log lines, "
            f"{stored:.1f} MiB history, handed back {daemon.handed_back}, mode {house.mode.name}, "
            f"in {took_s:.0f} s; outcomes {dict(outcomes)}",
            flush=True,
        )
    logging.getLogger("sunshift").removeHandler(lines)


if __name__ == "__main__":
    for variant in sys.argv[1:] or ["v1", "v2"]:
        play(variant)
