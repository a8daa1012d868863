"""``sunshift run`` in a process of its own, on real time, and commands beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optimizer.clock import real_deadline
from support.canary import sings

PATIENCE_S = 30.0
FLAT = 'kind = "fixed"\nprice_per_kwh = 0.30'


def write_config(
    folder: Path, *, port: int, strategy: str = "self_consumption", import_price: str = FLAT, extra: str = ""
) -> Path:
    """Write a configuration whose strategy forces a power as soon as it decides."""
    path = folder / "sunshift.toml"
    path.write_text(
        f"""
[site]
timezone = "Europe/Berlin"
[battery]
driver = "sonnen_v1"
host = "127.0.0.1"
port = {port}
mode_control = true
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
{import_price}
[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
[control]
prefer_automatic = false
[strategy]
name = "{strategy}"
[service]
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
{extra}
"""
    )
    return path


def sunshift(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "optimizer", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def no_nohup() -> Iterator[None]:
    """Have a hangup heard, here and in what is started, though whoever runs the tests may have it ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def service(
    config: Path, *options: str, stderr: int = subprocess.PIPE, await_ready: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """Run the service, first until systemd would know that it is ready; kill what is left of it at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = f"\0sunshift-test-{os.getpid()}-{config.parent.name}"
        manager.bind(address)
        environ = {**os.environ, "NOTIFY_SOCKET": "@" + address[1:], "WATCHDOG_USEC": "90000000"}
        with subprocess.Popen(
            [sys.executable, "-m", "optimizer", "run", "--config", str(config), *options],
            stderr=stderr,
            text=True,
            env=environ,
        ) as process:
            try:
                if await_ready:
                    _await_ready(manager)
                yield process
            finally:
                process.kill()
                if process.stderr is not None and not process.stderr.closed:
                    assert not sings(process.stderr.read()), "the token was logged"


def _await_ready(manager: socket.socket) -> None:
    left = real_deadline(PATIENCE_S)
    told: list[str] = []
    while "READY=1" not in told:
        manager.settimeout(max(0.01, left()))
        told.append(manager.recv(4096).decode())
