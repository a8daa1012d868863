"""The status as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from optimizer.service.status import Status
from optimizer.service.verdict import Verdict


def status_text(status: Status | None, verdict: Verdict, *, folder: Path, now: datetime) -> str:
    """Return the status as lines of text, times in the home's own zone."""
    return "\n".join(_lines(status, verdict, folder, now))


def _lines(status: Status | None, verdict: Verdict, folder: Path, now: datetime) -> Iterator[str]:
    if status is None:
        why = "holds the battery but has written no status yet" if verdict is Verdict.STALE else "is not running"
        yield f"sunshift {why} (looked in {folder})."
        yield "Start it with `systemctl start sunshift` or `sunshift run --config FILE`; --config tells where to look."
        return
    zone = ZoneInfo(status.timezone)
    yield _headline(status, verdict, zone, now)
    if verdict is not Verdict.RUNNING:
        yield "What follows is the last it told."
    yield ""
    for name, text in _facts(status, zone):
        yield f"{name + ':' if name else '':<15}{text}"


def _headline(status: Status, verdict: Verdict, zone: ZoneInfo, now: datetime) -> str:
    written = datetime.fromisoformat(status.written_at)
    last = f"{_local(status.written_at, zone)}, {_how_long_ago((now - written).total_seconds())}"
    match verdict:
        case Verdict.RUNNING:
            does = "controls" if status.mode == "control" else "observes (and commands nothing at)"
            return f"sunshift {status.version} {does} {status.battery} since {_local(status.since, zone)}."
        case Verdict.STALE:
            return f"sunshift (pid {status.pid}) RUNS BUT DOES NOT TELL since {last}: it may hang; see its log."
        case Verdict.STOPPED:
            return f"sunshift IS NOT RUNNING: it stopped at {last}."
        case _:
            return (
                f"sunshift IS NOT RUNNING and did not end by itself; it last told at {last}. "
                "Run `sunshift release --config FILE` unless systemd did."
            )


def _facts(status: Status, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield "Strategy", f"{status.strategy} ({status.mode}), configured in {status.config}"
    if status.decision is not None:
        decision = status.decision
        what = decision["outcome"].replace("_", " ") + (f", {decision['setpoint']}" if decision["setpoint"] else "")
        yield "Now", f"{what} (at {_local(decision['at'], zone)})"
        yield "Why", decision["reason"]
        if decision["limits"]:
            yield "Held by", ", ".join(decision["limits"])
    if status.stand_down is not None:
        yield "Standing down", _stand_down(status.stand_down, zone)
    yield "Measured", "nothing yet" if status.measurement is None else _measured(status.measurement, zone)
    yield from _plan(status, zone)
    for job in status.jobs:
        outcome = f"FAILED: {job['error']}" if job["error"] else job["last_result"]
        ran = "" if job["last_at"] is None else f" ({_local(job['last_at'], zone)})"
        yield f"Job {job['name']}", f"{outcome}{ran}"
    for part, fault in status.faults.items():
        yield f"! {part}", fault
    counters = status.counters
    yield (
        "Counted",
        (
            f"{counters['polls']} polls, {counters['setpoints']} setpoints sent, {counters['failures']} failures, "
            f"{counters['errors']} errors, {counters['hand_backs']} hand-backs; {status.memory_mib:.0f} MiB"
        ),
    )


def _stand_down(told: Any, zone: ZoneInfo) -> str:
    until = (
        "as long as the battery stays in its mode" if told["until"] is None else f"until {_local(told['until'], zone)}"
    )
    return f"{until}, because {told['why']}; `sunshift resume --config FILE` ends it now"


def _measured(seen: Any, zone: ZoneInfo) -> str:
    return (
        f"charge {seen['soc']:.0%}, load {seen['consumption_w']:.0f} W, sun {seen['production_w']:.0f} W, "
        f"battery {seen['battery_power_w']:+.0f} W (+ charges), grid {seen['grid_power_w']:+.0f} W (+ imports), "
        f"mode {seen['operating_mode']} (at {_local(seen['at'], zone)})"
    )


def _plan(status: Status, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    plan = status.plan
    if plan is None:
        yield "Plan", "none"
        return
    yield "Plan", f"made {_local(plan['made_at'], zone)} by {plan['method']}, until {_local(plan['until'], zone)}"
    for step in plan["next_steps"]:
        yield (
            "",
            (
                f"{_local(step['start'], zone)[-5:]}  battery {step['battery_power_w']:+6.0f} W  grid "
                f"{step['grid_power_w']:+6.0f} W  charge {step['soc_end']:4.0%}  "
                f"worth {step['energy_value_per_kwh']:.3f} {status.currency}/kWh"
            ),
        )
    for flag in plan["flags"]:
        yield "", f"note: {flag}"


def _local(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _how_long_ago(seconds: float) -> str:
    if seconds < -1.0:
        return f"{_length(-seconds)} ahead of the clock, which was set back since"
    return f"{_length(max(0.0, seconds))} ago"


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
