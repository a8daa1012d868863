"""Fault scripts: a TOML file with one ``[[fault]]`` table a fault.

.. code-block:: toml

    [[fault]]
    name = "the night"
    kind = "restart"
    start = "16h49min"                  # after the start of the simulation; or an instant with an offset
    refusing_s = 120                    # parameters of the kind

    [[fault]]
    name = "every other answer is HTML for a while"
    kind = "html"
    start = 2026-05-01T02:00:00+02:00
    end = 2026-05-01T02:05:00+02:00
    on = "reads"                        # any, reads or writes
    face = "v1"                         # v1 or v2; both where absent
    first_request = 3                   # of those it could befall
    last_request = 5
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from optimizer.bounded_toml import parse_toml
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.errors import SimulatorError
from optimizer.simulator.fault import PARAMETERS, Fault, FaultKind, Target
from optimizer.simulator.return_codes import ErrorStyle

_COMMON = ("name", "kind", "start", "end", "first_request", "last_request", "on", "face")
_UNITS_S = (86_400.0, 3600.0, 60.0, 1.0)
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)min)?(?:(\d+(?:\.\d+)?)s)?")


def read_faults(path: Path, *, start: datetime) -> tuple[Fault, ...]:
    """Return the faults of a script, their times counted from ``start``.

    Raises
    ------
    SimulatorError
        The file cannot be read, or a fault makes no sense; names the fault, its line and every wrong key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tables = parse_toml(text)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: the fault script cannot be read: {error}"
        raise SimulatorError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: the fault script is not TOML: {error}"
        raise SimulatorError(msg) from error
    return parse_faults(tables, start=start, source=str(path), lines=_lines_of_faults(text))


def parse_faults(
    tables: Mapping[str, Any], *, start: datetime, source: str = "faults", lines: Sequence[int] = ()
) -> tuple[Fault, ...]:
    """Return the faults of a parsed script; see :func:`read_faults`."""
    entries = tables.get("fault", [])
    problems = [f"unknown key {key!r}: a fault script holds [[fault]] tables only" for key in tables if key != "fault"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append("'fault' must be written as [[fault]] tables, with two brackets")
        entries = []
    faults = []
    for index, entry in enumerate(entries):
        fault, wrong = _fault(entry, start)
        line = f"line {lines[index]}, " if index < len(lines) else ""
        problems += [f"{line}fault {entry.get('name', index + 1)!r}: {what}" for what in wrong]
        faults.append(fault)
    if problems:
        raise SimulatorError("\n".join([f"{source}: {len(problems)} problem(s)", *(f"  {what}" for what in problems)]))
    return tuple(fault for fault in faults if fault is not None)


def _lines_of_faults(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*fault\s*\]\]", line)]


def _fault(entry: Mapping[str, Any], start: datetime) -> tuple[Fault | None, list[str]]:
    """Return the fault of one table, or what is wrong with it."""
    kind_name = entry.get("kind")
    if not isinstance(kind_name, str) or kind_name not in set(FaultKind):
        return None, [f"kind: {_unknown(kind_name, FaultKind)}"]
    kind = FaultKind(kind_name)
    problems: list[str] = []
    values = {
        "start": _instant(entry, "start", start, problems),
        "end": _instant(entry, "end", start, problems),
        "first_request": _whole(entry, "first_request", problems) or 1,
        "last_request": _whole(entry, "last_request", problems),
        "on": _choice(entry, "on", [*Target], problems) or Target.ANY,
        "face": _choice(entry, "face", ["v1", "v2"], problems),
        "parameters": _parameters(entry, kind, problems),
    }
    if values["start"] and values["end"] and values["end"] <= values["start"]:
        problems.append("end: lies at or before start")
    if kind is FaultKind.REFUSE and {"first_request", "last_request"} & set(entry):
        problems.append("first_request, last_request: a closed port sees no requests; give start and end")
    if problems:
        return None, problems
    return Fault(name=str(entry.get("name", kind)), kind=kind, **values), []


def _parameters(entry: Mapping[str, Any], kind: FaultKind, problems: list[str]) -> dict[str, object]:
    known = PARAMETERS.get(kind, {})
    given = {key: value for key, value in entry.items() if key not in _COMMON}
    for key, value in given.items():
        if key not in known:
            problems.append(f"{key}: {_unknown(key, [*_COMMON, *known])}")
        elif _is_number(known[key]) and key != "value" and not _is_number(value):
            problems.append(f"{key}: expected a number, got {value!r}")
        elif isinstance(known[key], str) and not isinstance(value, str):
            problems.append(f"{key}: expected text, got {value!r}")
        elif key == "style" and value not in [*ErrorStyle]:
            problems.append(f"style: {_unknown(value, ErrorStyle)}")
        elif key in {"soc", "share"} and not 0 <= value <= 1:
            problems.append(f"{key}: expected a number from 0 to 1, got {value!r}")
        elif key == "mode" and value not in [*DeviceMode]:
            problems.append(f"mode: {value!r} is none of {', '.join(str(int(mode)) for mode in DeviceMode)}")
    return given


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _instant(entry: Mapping[str, Any], key: str, start: datetime, problems: list[str]) -> datetime | None:
    """Return an instant given as such, in seconds after the start, or as a duration such as ``1h30min``."""
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            problems.append(f"{key}: needs an offset, such as {value.isoformat()}+02:00")
            return None
        return value
    parts = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if _is_number(value) and value >= 0:
        seconds = value
    elif parts is not None and any(parts.groups()):
        seconds = sum(float(part or 0) * unit for part, unit in zip(parts.groups(), _UNITS_S, strict=True))
    else:
        problems.append(f"{key}: expected seconds, a duration such as '1h30min' or an instant, got {value!r}")
        return None
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        problems.append(f"{key}: lies beyond the calendar, got {value!r}")
        return None


def _whole(entry: Mapping[str, Any], key: str, problems: list[str]) -> int | None:
    value = entry.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        problems.append(f"{key}: expected a whole number from 1 on, got {value!r}")
        return None
    return value


def _choice(entry: Mapping[str, Any], key: str, choices: Sequence[str], problems: list[str]) -> Any:
    value = entry.get(key)
    if value is None:
        return None
    if value not in choices:
        problems.append(f"{key}: {_unknown(value, choices)}")
        return None
    return next(choice for choice in choices if choice == value)


def _unknown(value: object, known: Iterable[str]) -> str:
    names = [str(name) for name in known]
    if value is None:
        return f"is missing; one of {', '.join(names)}"
    close = difflib.get_close_matches(str(value), names, n=1)
    return f"unknown {value!r}" + (f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}")
