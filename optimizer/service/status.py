"""What the service tells about itself: one JSON file in the runtime folder, renewed after every step.

Scripts and dashboards read it too: keys are added, not changed. It is replaced in one piece, so a reader never sees
half of it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.control.actuation.stand_down import StandDown
from optimizer.domain.decision import Decision
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import Plan
from optimizer.errors import SunshiftError
from optimizer.service.jobs import JobRecord

NOT_A_STATUS = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
"""What a file that only looks like a status brings about when it is told: wrong types, zones, dates, sizes."""
STATUS_NAME = "status.json"
SCHEMA = 1
STEPS_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The service at one instant, complete and ready for JSON."""

    version: str
    pid: int
    state: str
    """``starting``, ``running``, ``stopping`` or ``stopped``."""
    since: str
    """When the service started."""
    written_at: str
    stale_after_s: float
    """Older than this, the service has stopped telling: it hangs or is gone [s]."""
    battery: str
    mode: str
    """``control`` or ``observe``."""
    strategy: str
    currency: str
    timezone: str
    config: str
    memory_mib: float
    counters: Mapping[str, int]
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong now, by part: device, history, lock, tariff, plan, control."""
    measurement: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    stand_down: Mapping[str, Any] | None = None
    """Why the battery is left to somebody else, and until when; None: it is not."""
    resume_requests: int = 0
    """How many requests to end a stand-down were taken."""
    plan: Mapping[str, Any] | None = None
    jobs: tuple[Mapping[str, Any], ...] = ()
    schema: int = SCHEMA


def measurement_record(measurement: Measurement) -> dict[str, Any]:
    """Return the last measurement [W, 0..1]."""
    return {
        "at": _instant(measurement.at),
        "consumption_w": measurement.consumption_w,
        "production_w": measurement.production_w,
        "battery_power_w": measurement.battery_power_w,
        "grid_power_w": measurement.grid_power_w,
        "soc": measurement.soc,
        "operating_mode": measurement.mode.value,
    }


def decision_record(decision: Decision) -> dict[str, Any]:
    """Return the last decision with its reason [W, currency/kWh]."""
    return {
        "at": _instant(decision.at),
        "outcome": decision.outcome.value,
        "setpoint": None if decision.setpoint is None else str(decision.setpoint),
        "reason": decision.reason,
        "wanted_power_w": decision.wanted_power_w,
        "allowed_power_w": decision.allowed_power_w,
        "planned_power_w": decision.planned_power_w,
        "limits": [limit.value for limit in decision.limits],
        "energy_value_per_kwh": decision.energy_value_per_kwh,
        "import_price_per_kwh": decision.import_price_per_kwh,
        "export_price_per_kwh": decision.export_price_per_kwh,
        "error": decision.error,
    }


def stand_down_record(found: StandDown, now: datetime) -> dict[str, Any]:
    """Return why nothing is commanded and until when; no end: until the mode that somebody chose is left."""
    until = _instant(now + timedelta(seconds=found.left_s)) if found.left_s else None
    return {"why": found.why, "until": until}


def plan_record(plan: Plan, now: datetime) -> dict[str, Any]:
    """Return the plan in force: how it was made, and its next steps [W, 0..1, currency/kWh]."""
    index = plan.index_at(now) or 0
    return {
        "made_at": _instant(plan.made_at),
        "method": plan.method,
        "status": plan.status.value,
        "until": _instant(plan.grid.end),
        "seconds": plan.seconds,
        "scenarios": len(plan.problem.scenarios),
        "flags": [flag.message for flag in plan.flags],
        "next_steps": [
            {
                "start": _instant(step.start),
                "battery_power_w": step.battery_power_w,
                "grid_power_w": step.grid_power_w,
                "soc_end": step.soc_end,
                "energy_value_per_kwh": step.energy_value_per_kwh,
            }
            for step in plan.steps[index : index + STEPS_SHOWN]
        ],
    }


def job_record(record: JobRecord) -> dict[str, Any]:
    """Return how a job has gone."""
    told = {one.name: getattr(record, one.name) for one in fields(record)}
    return told | {"last_at": None if record.last_at is None else _instant(record.last_at)}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def status_path(runtime_dir: Path) -> Path:
    """Return where the status is written."""
    return runtime_dir / STATUS_NAME


def write_status(path: Path, status: Status) -> None:
    """Replace the status file in one piece.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # In one string: json.dump writes piece by piece, which takes several times as long; and not by asdict(),
            # which copies every step of the plan with each poll.
            file.write(json.dumps({one.name: getattr(status, one.name) for one in fields(status)}, allow_nan=False))
            # Everybody may look; there is no secret in it.
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_status(path: Path) -> Status | None:
    """Return the status that was last written, None where there is none.

    Raises
    ------
    SunshiftError
        The file cannot be read, or is from another version that told it differently.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = {name: said[name] for name in Status.__dataclass_fields__ if name in said}
        return Status(**known)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        msg = f"{path}: may not be read ({error.strerror}); systemd keeps the service's folders to root: try with sudo"
        raise SunshiftError(msg) from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        msg = f"{path}: the status cannot be read ({error}); is another version of sunshift running?"
        raise SunshiftError(msg) from error
