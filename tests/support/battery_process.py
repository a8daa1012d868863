"""A simulated battery in a process of its own, on real time, and what its log tells of commands."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.canary import CANARY
from support.machine import wait_for

FORCED_W = 500.0
MANUAL = 1


class BatteryProcess:
    """A running ``sunshift simulate``, seen through the log of its requests."""

    def __init__(self, log: Path, port: int, v2_port: int) -> None:
        self._log, self.port, self.v2_port = log, port, v2_port

    def requests(self) -> list[dict[str, Any]]:
        """Return every request so far, oldest first."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def is_forced(self) -> bool:
        """Return whether a forced command stands."""
        return any(_forced(one) for one in self.requests()[-1:])

    def wait_until_forced(self, seconds: float = 90.0) -> None:
        """Wait until a forced command stands."""
        wait_for(self.is_forced, seconds, "a forced command at the battery")

    def wait_for_a_request(self, seconds: float = 90.0) -> None:
        """Wait until it was asked once more, as by a service that goes on."""
        before = len(self.requests())
        wait_for(lambda: len(self.requests()) > before, seconds, "a request")

    def hand_backs_since(self, event: datetime, *, until: datetime | None = None) -> list[str]:
        """Return every request that set a mode or zeroed a setpoint, or after which no forced command stood."""
        end = until or datetime.max.replace(tzinfo=UTC)
        since = [one for one in self.requests() if event <= datetime.fromisoformat(one["at"]) < end]
        return [
            f"{one['method']} {one['path']}"
            for one in since
            if "EM_OperatingMode" in one["path"] or one["path"].endswith("/0") or not _forced(one)
        ]

    def ask(self, path: str) -> None:
        """Send it a request, as the owner's app does."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
            pass

    def safe_after(self, event: datetime, within_s: float) -> float:
        """Return after how long the battery was back in its own mode, by its own log [s]."""
        wait_for(lambda: self._safe_since(event) is not None, within_s, "the battery to be handed back")
        since = self._safe_since(event)
        assert since is not None
        return max(0.0, (since - event).total_seconds())

    def _safe_since(self, event: datetime) -> datetime | None:
        for one in self.requests():
            at = datetime.fromisoformat(one["at"])
            if at >= event and one["mode"] != MANUAL and one["setpoint_w"] == 0.0:
                return at
        return None


def _forced(request: dict[str, Any]) -> bool:
    return bool(request["mode"] == MANUAL and abs(request["setpoint_w"]) >= FORCED_W)


@contextmanager
def battery_process(folder: Path) -> Iterator[BatteryProcess]:
    """Run a battery of 50 kWh that is nearly empty, with the mode call."""
    port, v2_port, log = _free_port(), _free_port(), folder / "requests.jsonl"
    command = [sys.executable, "-m", "optimizer", "simulate", "--port", port, "--v2-port", v2_port, "--token", CANARY]
    command += [
        "--mode-control",
        "--mode",
        "automatic",
        "--capacity-wh",
        "50000",
        "--soc",
        "0.1",
        "--log",
        log,
        "--steady",
    ]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, cwd=folder) as process:
        try:
            wait_for(lambda: _answers(port), 20.0, "the simulated battery")
            yield BatteryProcess(log, port, v2_port)
        finally:
            process.terminate()


def charging_pays(host: str, port: int, *, driver: str = "sonnen_v1") -> str:
    """Return a configuration with which it pays to charge now, at the prices of :func:`cheapest_now` beside it."""
    mode_call = "mode_control = true\n" if driver == "sonnen_v1" else ""
    return f"""\
[site]
timezone = "Europe/Berlin"
[battery]
driver = "{driver}"
host = "{host}"
port = {port}
{mode_call}usable_capacity_wh = 50000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
kind = "file"
path = "prices.csv"
column = "price_per_kwh"
published = "known"
[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
[strategy]
name = "time_of_use"
"""


def cheapest_now(folder: Path) -> Path:
    """Write a price file in which each quarter of an hour is dearer than the last, so that it pays to buy now."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    rows = [
        f"{(start + index * timedelta(minutes=15)).isoformat()},{min(0.05 + 0.005 * index, 0.60):.3f}"
        for index in range(4 * 72)
    ]
    path = folder / "prices.csv"
    path.write_text("\n".join(["timestamp,price_per_kwh", *rows]) + "\n")
    return path


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True
