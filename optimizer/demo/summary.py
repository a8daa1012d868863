"""What the days brought: energy, money on equal stored energy, and what the service did for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.demo.ledger import Account

LABEL, COLUMN = 24, 18
SAME = 0.005
"""Less than half a cent is no difference [currency]."""

RUNS = ("no_battery", "self_consumption", "sunshift")
TITLES = {"no_battery": "no battery", "self_consumption": "self-consumption", "sunshift": "sunshift"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the service did, and how it left the battery."""

    polls: int
    setpoints: int
    """Setpoints that reached the simulated battery over HTTP."""
    mode_changes: int
    """Calls that changed the operating mode."""
    plans: int
    decisions: int
    errors: int
    """Decisions that could not read or command the battery."""
    http_requests: int
    """Requests the simulated battery answered."""
    handed_back: bool
    """Whether the battery is in its own automatic mode, no setpoint left standing."""
    left_as: str
    """How the simulated battery was found in the end, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a demo."""

    start: datetime
    end: datetime
    """What was reached; earlier than planned where the demo was ended."""
    complete: bool
    zone: ZoneInfo
    currency: str
    interface: str
    seconds: float
    """Real time the days took [s]."""
    mean_import_price: float
    """[currency/kWh]"""
    discharge_efficiency: float
    accounts: dict[str, Account]
    """By the names of ``RUNS``."""
    service: Service

    @property
    def days(self) -> float:
        """Simulated time played [d]."""
        return (self.end - self.start).total_seconds() / 86_400

    def saved(self, run: str) -> float:
        """Return what a run saved against no battery [currency]."""
        return self.accounts["no_battery"].total_cost - self.accounts[run].total_cost


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the summary in the names of the backtest's ``summary.json``."""
    return {
        "period": {
            "start": summary.start.isoformat(),
            "end": summary.end.isoformat(),
            "days": round(summary.days, 4),
            "complete": summary.complete,
        },
        "currency": summary.currency,
        "interface": summary.interface,
        "seconds": round(summary.seconds, 1),
        "runs": {run: _run_json(summary, run) for run in RUNS},
        "service": {name: getattr(summary.service, name) for name in Service.__dataclass_fields__},
    }


def _run_json(summary: Summary, run: str) -> dict[str, float]:
    account = summary.accounts[run]
    values = {
        "total_cost": account.total_cost,
        "energy_cost": account.energy_cost,
        "stored_energy_credit": account.stored_energy_credit,
        "saving": summary.saved(run),
        "load_kwh": account.load_kwh,
        "production_kwh": account.production_kwh,
        "import_kwh": account.imported_kwh,
        "export_kwh": account.exported_kwh,
        "charged_kwh": account.charged_kwh,
        "discharged_kwh": account.discharged_kwh,
        "full_cycles": account.full_cycles,
        "soc_end": account.soc,
    }
    return {name: round(value, 6) for name, value in values.items()}


def as_lines(summary: Summary) -> list[str]:
    """Return the summary for a person, 80 columns wide at most."""
    return [
        *_head(summary),
        *_table(summary),
        "",
        *_verdict(summary),
        *_what_was_done(summary),
        "",
        "Your own battery: sunshift config init --out sunshift.toml",
        "                  sunshift check --config sunshift.toml",
    ]


def _head(summary: Summary) -> list[str]:
    start, end = summary.start.astimezone(summary.zone), summary.end.astimezone(summary.zone)
    used = summary.accounts["no_battery"]
    ended = "" if summary.complete else ", ended early"
    period = f"{start:%a %d %b %Y %H:%M} to {end:%a %d %b %H:%M}{ended}"
    return [
        f"{period}: {summary.days:.1f} recorded days in {summary.seconds:.0f} s.",
        f"The house used {used.load_kwh:.1f} kWh, the sun gave {used.production_kwh:.1f} kWh.",
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    value: Callable[[Account], float]
    digits: int
    of_battery: bool = True
    """Whether it says nothing about a home without one."""


def _table(summary: Summary) -> list[str]:
    money = summary.currency
    rows = [
        _Row("from the grid, kWh", lambda it: it.imported_kwh, 1, of_battery=False),
        _Row("to the grid, kWh", lambda it: it.exported_kwh, 1, of_battery=False),
        _Row("into the battery, kWh", lambda it: it.charged_kwh, 1),
        _Row("out of the battery, kWh", lambda it: it.discharged_kwh, 1),
        _Row("full cycles", lambda it: it.full_cycles, 1),
        _Row("stored at the end, %", lambda it: 100 * it.soc, 0),
        _Row(f"energy, {money}", lambda it: it.energy_cost, 2, of_battery=False),
        _Row(f"stored energy, {money}", lambda it: -it.stored_energy_credit, 2),
        _Row(f"cost, {money}", lambda it: it.total_cost, 2, of_battery=False),
    ]
    lines = [" " * LABEL + "".join(f"{TITLES[run]:>{COLUMN}}" for run in RUNS)]
    lines += [_table_row(row.label, [_cell(summary, run, row) for run in RUNS]) for row in rows]
    saved = ["-", *(f"{summary.saved(run):.2f}" for run in RUNS[1:])]
    return [*lines, _table_row(f"saved, {money}", saved)]


def _cell(summary: Summary, run: str, row: _Row) -> str:
    if row.of_battery and run == "no_battery":
        return "-"
    # Rounded first, so that nothing reads as minus zero.
    return f"{round(row.value(summary.accounts[run]), row.digits) + 0.0:.{row.digits}f}"


def _table_row(label: str, cells: list[str]) -> str:
    return f"{label:<{LABEL}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)


def _verdict(summary: Summary) -> list[str]:
    more = summary.saved("sunshift") - summary.saved("self_consumption")
    against = "the battery's own self-consumption"
    if more >= SAME:
        verdict = f"sunshift cost {more:.2f} {summary.currency} less than {against} would have."
    elif more > -SAME:
        verdict = f"sunshift cost as much as {against} would have."
    else:
        verdict = f"sunshift cost {-more:.2f} {summary.currency} MORE than {against} would have."
    price = f"{100 * summary.mean_import_price:.1f} ct/kWh"
    return [
        verdict,
        "Equal footing: all began half full; a difference in stored energy is credited",
        f"at the mean import price ({price}) times the discharge efficiency ({summary.discharge_efficiency:g}).",
    ]


def _what_was_done(summary: Summary) -> list[str]:
    service = summary.service
    sent = f"{service.setpoints:,} setpoints and {service.mode_changes:,} mode changes"
    return [
        f"The service polled {service.polls:,} times, made {service.plans:,} plans, met {service.errors:,} errors.",
        f"It sent {sent}, in {service.http_requests:,} HTTP requests.",
        f"The battery was left {service.left_as}.",
    ]
