"""Where the demo plays: home, battery, tariff and days, complete in here, so that it needs no file and no network.

The home is the packaged recording from Konstanz. The tariff is a plausible German one of three levels: a price for
energy plus a grid fee that changes over the day, as distribution operators offer it to homes with a controllable
device. Exchange prices are licensed and do not ship.

The days are not chosen by result: the history needs four weeks, so the fifth is warm-up to spare and the demo begins on
the first midnight after five weeks of the recording. What follows is one bright, one dark and one changing day.
``--start`` plays any other; ``docs`` beside the tests' figures say how all of them end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.devices.simulated.profile import HouseProfile
from optimizer.errors import SunshiftError

ZONE = ZoneInfo("Europe/Berlin")
WARM_UP = timedelta(days=28)
"""Recording imported as history before the first day, as if the service had watched for four weeks."""
LEAD = timedelta(days=35)
POLL = timedelta(seconds=60)
"""Simulated time between two polls: six times the live default, so that HTTP keeps up with hours in a second."""
TOKEN = "demo-token"  # noqa: S105 - of a battery that exists for a minute on loopback
INTERFACES = ("v1", "v2")

IMPORT_TARIFF: dict[str, Any] = {
    "kind": "time_of_use",
    "price_per_kwh": 0.30,
    "rules": [
        {"name": "night", "from": "00:00", "to": "05:00", "price_per_kwh": 0.21},
        {"name": "evening", "from": "17:00", "to": "21:00", "price_per_kwh": 0.38},
    ],
}
EXPORT_TARIFF: dict[str, Any] = {"kind": "fixed", "price_per_kwh": 0.08}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days played."""

    start: datetime
    """First local midnight, in UTC."""
    end: datetime
    """Local midnight after the last day, in UTC."""
    days: int


def choose_period(recording: HouseProfile, *, days: int, start: date | None = None) -> Period:
    """Return the days to play: from ``start``, or from the first midnight after five weeks of the recording.

    Raises
    ------
    SunshiftError
        The recording does not hold those days and the weeks of history before them.
    """
    first = _midnight(recording.start + LEAD - timedelta(seconds=1)) + timedelta(days=1)
    first = first if start is None else datetime.combine(start, time(), ZONE)
    last = datetime.combine(first.date() + timedelta(days=days), time(), ZONE)
    earliest = _midnight(recording.start + WARM_UP) + timedelta(days=1)
    if days < 1 or first < earliest or last.astimezone(UTC) > recording.end:
        latest = _midnight(recording.end)
        msg = (
            f"the demo cannot play {days} days from {first:%Y-%m-%d}: its recording, after four weeks of history, holds "
            f"{earliest:%Y-%m-%d} to {latest:%Y-%m-%d} (the last day not included); choose --start and --days within"
        )
        raise SunshiftError(msg)
    return Period(start=first.astimezone(UTC), end=last.astimezone(UTC), days=days)


def configuration_tables(*, interface: str, port: int, folder: Path) -> dict[str, Any]:
    """Return what the demo's TOML file would hold; ``folder`` takes state, status and the token."""
    return {
        "site": {"timezone": ZONE.key, "latitude": 47.66, "longitude": 9.18},
        "battery": _battery(interface, port, folder),
        "tariff": {"import": IMPORT_TARIFF, "export": EXPORT_TARIFF},
        # Half-hourly plans with a dozen futures look the same on screen as the live default and leave time for HTTP.
        "planning": {"replan": "30min", "scenarios": 12},
        "control": {
            "poll_interval": f"{POLL.total_seconds():.0f}s",
            "max_measurement_age": "150s",
            "reassert": "5min",
            "lease": "10min",
        },
        "strategy": {"name": "time_of_use"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run"), "log_level": "error"},
    }


def _battery(interface: str, port: int, folder: Path) -> dict[str, Any]:
    common = {
        "host": "127.0.0.1",
        "port": port,
        "usable_capacity_wh": 10_000,
        "max_charge_w": 4600,
        "max_discharge_w": 4600,
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95,
        "standby_w": 25,
    }
    if interface == "v1":
        return common | {"driver": "sonnen_v1", "mode_control": True}
    token_file = folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(TOKEN, encoding="utf-8")
    return common | {"driver": "sonnen_v2", "token_file": str(token_file)}


def _midnight(instant: datetime) -> datetime:
    """Return the local midnight at or before an instant."""
    return datetime.combine(instant.astimezone(ZONE).date(), time(), ZONE)
