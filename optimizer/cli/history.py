"""``sunshift history``: recordings into the history and out of it, and what is kept."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from optimizer.cli.argument_types import instant
from optimizer.clock import WallClock
from optimizer.domain.time_grid import floor_to_step
from optimizer.errors import HistoryError
from optimizer.history.frames import as_frame, as_means
from optimizer.history.mean_powers import MeanPowers
from optimizer.history.recording import Recording, read_recording, write_recording
from optimizer.history.recording_checks import LONGEST_STEP, SHORTEST_STEP
from optimizer.history.store import HistoryStore, history_path
from optimizer.history.summary import HistorySummary

_UNITS_S = {"s": 1, "min": 60, "m": 60, "h": 3600}
_DEFAULT_STEP = timedelta(minutes=15)
_MOST_INTERVALS = 5_000_000
"""Nine years of minutes, in 1 GB of memory; a slip in a date would ask for thousands."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the three actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    importing = actions.add_parser("import", help="take a recording (CSV or Parquet) into the history")
    importing.add_argument("recording", type=Path, metavar="FILE", help="recording to read")
    exporting = actions.add_parser("export", help="write the history as a recording")
    exporting.add_argument("--out", type=Path, required=True, metavar="FILE", help=".csv or .parquet to write")
    exporting.add_argument("--start", type=_utc, metavar="ISO", help="first instant (default: all that is kept)")
    exporting.add_argument("--end", type=_utc, metavar="ISO", help="end, not included (default: all that is kept)")
    exporting.add_argument(
        "--step",
        type=_export_step,
        default=_DEFAULT_STEP,
        metavar="STEP",
        help="1min to 1h (default: 15min)",
    )
    showing = actions.add_parser("show", help="tell what is kept: span, counts, gaps, size")
    for action in (importing, exporting, showing):
        place = action.add_mutually_exclusive_group(required=True)
        place.add_argument("--config", type=Path, metavar="FILE", help="configuration that names the state folder")
        place.add_argument("--database", type=Path, metavar="FILE", help="history file itself")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; return 0."""
    actions = {"import": _import, "export": _export, "show": _show}
    actions[arguments.action](arguments)
    return 0


def _import(arguments: argparse.Namespace) -> None:
    recording = read_recording(arguments.recording)
    with _store(arguments, must_exist=False) as store:
        count = store.add_recording(_as_history(recording))
        print(f"{recording.path}: {count} intervals of {_words(recording.step)} imported into {store.path}")
    for line in _report(recording):
        print(f"  {line}")


def _as_history(recording: Recording) -> MeanPowers:
    if recording.has_registers_only:
        msg = f"{recording.path}: only the utility's registers; a history needs consumption_w and production_w"
        raise HistoryError(msg)
    return as_means(recording.frame, recording.step)


def _export(arguments: argparse.Namespace) -> None:
    with _store(arguments, must_exist=True) as store:
        start, end = _span(arguments, store.summary(), store.path)
        means = store.means(start, end, arguments.step)
    write_recording(as_frame(means), arguments.out)
    measured = np.count_nonzero(~np.isnan(means.consumption_w))
    print(f"{arguments.out}: {len(means)} intervals of {_words(arguments.step)}, {measured} of them measured")


def _span(arguments: argparse.Namespace, summary: HistorySummary, path: Path) -> tuple[datetime, datetime]:
    start, end = arguments.start or summary.start, arguments.end or summary.end
    if start is None or end is None:
        msg = f"{path}: nothing is kept yet; import a recording, or let the service run"
        raise HistoryError(msg)
    if arguments.start is None:
        start = floor_to_step(start, arguments.step)
    if end - start < arguments.step:
        msg = (
            f"from {start.isoformat()} to {end.isoformat()} is less than one step; choose an earlier start or later end"
        )
        raise HistoryError(msg)
    count = (end - start) // arguments.step
    if count > _MOST_INTERVALS:
        msg = (
            f"from {start.isoformat()} to {end.isoformat()} there are {count} intervals of {_words(arguments.step)}; "
            f"an export holds {_MOST_INTERVALS} at most: choose a shorter span or a longer step"
        )
        raise HistoryError(msg)
    return start, end


def _show(arguments: argparse.Namespace) -> None:
    with _store(arguments, must_exist=True) as store:
        summary = store.summary()
        gaps = _gaps(store, summary)
    print(f"{store.path}: {summary.size_bytes / 2**20:.1f} MiB")
    print(f"  measurements  {summary.measurements}{_from_to(summary.first_measurement, summary.last_measurement)}")
    print(f"  decisions     {summary.decisions}")
    print(f"  own means     {summary.own_hours / 24:.1f} days{_from_to(summary.own_start, summary.own_end)}")
    recorded = _from_to(summary.recorded_start, summary.recorded_end)
    print(f"  imported      {summary.recorded_hours / 24:.1f} days{recorded}")
    print(f"  gaps          {len(gaps)} longer than an hour")
    for start, end in sorted(gaps, key=lambda gap: gap[0] - gap[1])[:5]:
        print(f"    {_words(end - start)} from {start:%Y-%m-%d %H:%M} UTC")


def _gaps(store: HistoryStore, summary: HistorySummary) -> list[tuple[datetime, datetime]]:
    if summary.start is None or summary.end is None:
        return []
    quarter = timedelta(minutes=15)
    means = store.means(floor_to_step(summary.start, quarter), summary.end, quarter)
    known_s = means.starts_s[~np.isnan(means.consumption_w)]
    before = np.flatnonzero(np.diff(known_s) - quarter.total_seconds() > timedelta(hours=1).total_seconds())
    return [
        (datetime.fromtimestamp(last_s, UTC) + quarter, datetime.fromtimestamp(next_s, UTC))
        for last_s, next_s in zip(known_s[before].tolist(), known_s[before + 1].tolist(), strict=True)
    ]


def _store(arguments: argparse.Namespace, *, must_exist: bool) -> HistoryStore:
    path = arguments.database if arguments.database is not None else _configured_path(arguments.config)
    if must_exist and not path.exists():
        msg = f"{path}: no history here yet; import a recording, or let the service run"
        raise HistoryError(msg)
    store = HistoryStore(path, clock=WallClock(), recover=False)
    fault = store.storage_fault
    if fault is not None:
        store.close()
        raise HistoryError(fault)
    return store


def _configured_path(config: Path) -> Path:
    from optimizer.assembly.configuration import load_configuration  # noqa: PLC0415 - not needed with --database

    return history_path(Path(load_configuration(config).settings.service.state_dir))


def _report(recording: Recording) -> list[str]:
    lines = [f"from {recording.start:%Y-%m-%d %H:%M} to {recording.end:%Y-%m-%d %H:%M} UTC"]
    if recording.bridged:
        lines.append(f"{len(recording.bridged)} gaps of an hour at most bridged")
    if len(recording.spans) > 1:
        lines.append(f"{len(recording.spans)} spans, with longer gaps between them")
    return [*lines, *recording.notes]


def _utc(text: str) -> datetime:
    given = instant(text)
    if given.tzinfo is None:
        msg = f"{text!r} has no offset; add one, such as +01:00, or Z"
        raise argparse.ArgumentTypeError(msg)
    try:
        return given.astimezone(UTC)
    except OverflowError:
        msg = f"{text!r} lies outside the calendar"
        raise argparse.ArgumentTypeError(msg) from None


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)\s*(s|min|m|h)", text.strip())
    if match is None or not match[1].strip("0"):
        msg = f"{text!r} is not a step; write it like 5min, 15min or 1h"
        raise argparse.ArgumentTypeError(msg)
    try:
        return timedelta(seconds=int(match[1]) * _UNITS_S[match[2]])
    except (OverflowError, ValueError):
        msg = f"{text[:20]!r} is too long a step; write one like 5min, 15min or 1h"
        raise argparse.ArgumentTypeError(msg) from None


def _export_step(text: str) -> timedelta:
    """Take only what :func:`read_recording` would read again."""
    step = _duration(text)
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        msg = f"{text!r} is no step of a recording; choose one from {_words(SHORTEST_STEP)} to {_words(LONGEST_STEP)}"
        raise argparse.ArgumentTypeError(msg)
    return step


def _words(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:.3g} h"


def _from_to(start: datetime | None, end: datetime | None) -> str:
    return "" if start is None or end is None else f", {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
