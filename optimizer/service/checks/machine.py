"""Clock, folders and the service that may run already."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from optimizer.clock import Clock
from optimizer.release.claim import is_held
from optimizer.service.checks.result import Finding, failed, passed, warned
from optimizer.service.lock import holder
from optimizer.settings import Settings

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""This version is younger: a clock before this was never set."""


def check_clock(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Tell the time, at home and in UTC, and whether it can be true."""
    now = clock.now()
    told = f"{now.astimezone(settings.site.zone):%Y-%m-%d %H:%M %Z} in {settings.site.zone.key}, {now:%H:%M} UTC"
    if now < EARLIEST:
        yield failed("clock", f"the clock says {told}: it is not set", "set it, or install an NTP client (timedatectl)")
    else:
        yield passed("clock", told)


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Try to write where the service writes."""
    for name, folder in (
        ("state folder", settings.service.state_dir),
        ("runtime folder", settings.service.runtime_dir),
    ):
        yield _writable(name, folder)


def check_instance(settings: Settings) -> Iterator[Finding]:
    """Tell whether a service runs already."""
    folder = settings.service.runtime_dir
    if is_held(folder):
        who = holder(folder) or "it does not say who it is"
        yield warned("instance", f"a service runs already ({who})", "nothing, unless you want to start another")


def _writable(name: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as probe:
            probe.write(b"sunshift")
            probe.flush()
    except OSError as error:
        advice = "make it writable for the service's user, or name another under [service]"
        return failed(name, f"{folder} cannot be written to ({error.strerror})", advice)
    return passed(name, f"{folder} can be written to")
