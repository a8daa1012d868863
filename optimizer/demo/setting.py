"""Where the demo plays: home, battery, tariff and days, complete in here, so that it needs no file and no network.

The home is the packaged recording from Konstanz. The tariff is a plausible German one of three levels: a price for
energy plus a grid fee that changes over the day, as distribution operators offer it to homes with a controllable
device. Exchange prices are licensed and do not ship.

The days were chosen by their weather, before any result was seen: three in a row of which one is bright (24 kWh of
sun), one dark (5 kWh) and one changing (17 kWh). ``--start`` plays any others.
Over the seven windows of three days tried (from 24, 27 and 30 April, 4, 12, 18 and 23 May, each with seed 1) sunshift
cost 0.52 EUR less in sum than the battery's own self-consumption: 0.39 less at best, 0.34 more at worst, where it
bought at night for a day that turned out sunnier (20 May) than the home's own history let expect.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.devices.simulated.profile import HouseProfile
from optimizer.domain.battery import Battery
from optimizer.errors import SunshiftError

ZONE = ZoneInfo("Europe/Berlin")
WARM_UP = timedelta(days=28)
"""Recording imported as history before the first day, as if the service had watched for four weeks."""
FIRST_DAY = date(2016, 4, 30)
STEP = timedelta(minutes=15)
POLL = timedelta(seconds=60)
"""Simulated time between two polls: six times the live default, so that HTTP keeps up with hours in a second."""
TOKEN = "demo-token"  # noqa: S105 - of a battery that exists for a minute on loopback
INTERFACES = ("v1", "v2")

BATTERY = Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600, standby_w=25)
SCALE_W = 5000.0
"""A full bar on the screen [W]."""

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


def choose_period(recording: HouseProfile, *, days: int, start: date = FIRST_DAY) -> Period:
    """Return ``days`` local days from ``start``.

    Raises
    ------
    SunshiftError
        The recording does not hold those days and the weeks of history before them.
    """
    earliest = (recording.start + WARM_UP).astimezone(ZONE).date() + timedelta(days=1)
    latest = recording.end.astimezone(ZONE).date() - timedelta(days=1)
    last = start + timedelta(days=days - 1)
    if days < 1 or start < earliest or last > latest:
        msg = (
            f"the demo cannot play {days} days from {start}: after four weeks of history its recording holds "
            f"{earliest} to {latest}; choose --start and --days within"
        )
        raise SunshiftError(msg)
    first, end = (datetime.combine(day, time(), ZONE) for day in (start, last + timedelta(days=1)))
    return Period(start=first.astimezone(UTC), end=end.astimezone(UTC), days=days)


def configuration_tables(*, interface: str, port: int, folder: Path) -> dict[str, Any]:
    """Return what the demo's TOML file would hold; ``folder`` takes state, status and the token."""
    return {
        "site": {"timezone": ZONE.key, "latitude": 47.66, "longitude": 9.18},
        "battery": _battery(interface, port, folder),
        "tariff": {"import": IMPORT_TARIFF, "export": EXPORT_TARIFF},
        # Live, the service plans in quarter hours, every quarter of an hour, over 20 futures: 0.5 s each on a small
        # machine, and the demo has 0.2 s for a quarter of an hour. The recording is hourly, as are these prices.
        "planning": {"step": "30min", "replan": "1h", "scenarios": 10},
        "control": {
            "poll_interval": f"{POLL.total_seconds():.0f}s",
            "max_measurement_age": "150s",
            "reassert": "2min",
            "lease": "3min",
        },
        "strategy": {"name": "time_of_use"},
        "service": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run"), "log_level": "error"},
    }


def _battery(interface: str, port: int, folder: Path) -> dict[str, Any]:
    common = {"host": "127.0.0.1", "port": port, **asdict(BATTERY)}
    if interface == "v1":
        return common | {"driver": "sonnen_v1", "mode_control": True}
    token_file = folder / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(TOKEN, encoding="utf-8")
    return common | {"driver": "sonnen_v2", "token_file": str(token_file)}
