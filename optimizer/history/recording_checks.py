"""Everything that can be wrong with a recording, said so that its owner can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.errors import RecordingError

POWER_COLUMNS = ("consumption_w", "production_w", "production_forecast_w", "grid_import_w", "grid_export_w")
SIGNED_COLUMNS = ("battery_power_w", "grid_power_w")
KNOWN = (*POWER_COLUMNS, *SIGNED_COLUMNS, "soc")
SHORTEST_STEP, LONGEST_STEP = timedelta(minutes=1), timedelta(hours=1)
_SHOWN = 3
_KILOWATTS_BELOW_W = 50.0
_EMPTY = {"", "nan", "NaN", "NA", "null", "None"}
_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTable:
    """A recording's numbers on a complete, regular index."""

    frame: pd.DataFrame
    step: timedelta
    notes: tuple[str, ...]


class _Findings:
    """Collects mistakes, so that one reading tells them all."""

    def __init__(self, path: Path, first_row: int, row_word: str) -> None:
        self.path, self._first_row, self._row_word = path, first_row, row_word
        self.mistakes: list[str] = []

    def add(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], what: str, raw: pd.Series | None = None) -> None:
        """Note a mistake in rows (positions), with their places and values."""
        if not len(rows):
            return
        places = [
            f"{self._row_word} {row + self._first_row}" + (f" ({str(raw.iloc[row])!r})" if raw is not None else "")
            for row in rows[:_SHOWN]
        ]
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        self.mistakes.append(f"{', '.join(places)}{more}: {what}")

    def raise_if_any(self) -> None:
        """Raise what was found so far."""
        if self.mistakes:
            count = len(self.mistakes)
            head = f"{self.path}: {count} problem{'s' if count != 1 else ''}"
            raise RecordingError("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))


def checked_table(raw: pd.DataFrame, *, path: Path, first_row: int, row_word: str) -> CheckedTable:
    """Return the numbers of a table as read, or raise every mistake found.

    Parameters
    ----------
    raw
        Column ``timestamp`` and columns of numbers; text or typed.
    path
        Named in messages.
    first_row, row_word
        What the first row is called in messages, such as ``2`` and ``line``.

    Raises
    ------
    RecordingError
        What is wrong, in which row and column, and what to do.
    """
    findings = _Findings(path, first_row, row_word)
    raw = raw.rename(columns=lambda name: str(name).strip())
    raw = _without_blank_tail(raw)
    notes = _check_columns(raw, findings)
    findings.raise_if_any()
    instants = _timestamps(raw["timestamp"], findings)
    columns = [name for name in KNOWN if name in raw]
    numbers = pd.DataFrame({name: _numbers(raw[name], name, findings) for name in columns})
    findings.raise_if_any()
    step = _step(instants, raw["timestamp"], findings)
    findings.raise_if_any()
    notes += _unit_notes(numbers)
    numbers.index = pd.DatetimeIndex(instants, name="timestamp")
    complete = pd.date_range(instants[0], instants[-1], freq=step, name="timestamp")
    return CheckedTable(frame=numbers.reindex(complete), step=step, notes=tuple(notes))


def _without_blank_tail(raw: pd.DataFrame) -> pd.DataFrame:
    blank = raw.isna().all(axis="columns") | (raw.astype(str) == "").all(axis="columns")
    filled = np.flatnonzero(~blank.to_numpy())
    return raw.iloc[: int(filled[-1]) + 1 if len(filled) else 0]


def _check_columns(raw: pd.DataFrame, findings: _Findings) -> list[str]:
    names = [str(name) for name in raw.columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.mistakes.append(f"column {name} appears twice; keep one")
    if "timestamp" not in names:
        findings.mistakes.append(f"no column timestamp{_did_you_mean('timestamp', names)}")
    if "consumption_w" not in names and not {"grid_import_w", "grid_export_w"} <= set(names):
        wanted = "grid_export_w" if "grid_import_w" in names else "consumption_w"
        findings.mistakes.append(
            f"no column {wanted}{_did_you_mean(wanted, names)}; a recording has consumption_w and production_w, "
            "or grid_import_w and grid_export_w"
        )
    if len(raw) < 2:
        findings.mistakes.append("fewer than two rows; the step cannot be told")
    unknown = [name for name in names if name not in (*KNOWN, "timestamp")]
    notes = [f"ignored: {', '.join(unknown)}"] if unknown else []
    if "consumption_w" in names and "production_w" not in names:
        notes.append(f"no column production_w{_did_you_mean('production_w', unknown)}: production is not known")
    return notes


def _did_you_mean(wanted: str, names: list[str]) -> str:
    lowered = {name.lower(): name for name in names if name not in KNOWN}
    close = get_close_matches(wanted, list(lowered), n=1, cutoff=0.6)
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""


def _timestamps(raw: pd.Series, findings: _Findings) -> pd.DatetimeIndex:
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(raw).tz_convert("UTC")
    text = raw.astype(str).str.strip()
    parsed = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
    unreadable = parsed.isna()
    findings.add(
        np.flatnonzero(unreadable), "column timestamp: not ISO 8601; write it like 2026-03-01T00:15:00+01:00", raw
    )
    naive = ~unreadable & ~text.str.contains(_OFFSET, regex=True)
    findings.add(
        np.flatnonzero(naive), "column timestamp: no offset; add one, such as +01:00, or Z where it is UTC", raw
    )
    return pd.DatetimeIndex(parsed)


def _numbers(raw: pd.Series, name: str, findings: _Findings) -> pd.Series:
    if pd.api.types.is_numeric_dtype(raw):
        values = raw.astype(float)
        missing = values.isna()
    else:
        text = raw.astype(str).str.strip()
        missing = text.isin(_EMPTY) | raw.isna()
        values = pd.to_numeric(text.where(~missing), errors="coerce").astype(float)
    what = f"column {name}: not a number; write watts with a decimal point, and nothing where nothing was measured"
    findings.add(np.flatnonzero((~missing & values.isna()) | np.isinf(values)), what, raw)
    if name in POWER_COLUMNS:
        what = f"column {name}: negative; give magnitudes, and leave the field empty where the meter failed"
        findings.add(np.flatnonzero(values < 0), what, raw)
    if name == "soc":
        what = "column soc: outside 0..1; give a share, not percent"
        findings.add(np.flatnonzero((values < 0) | (values > 1)), what, raw)
    return values.reset_index(drop=True)


def _step(instants: pd.DatetimeIndex, raw: pd.Series, findings: _Findings) -> timedelta:
    seconds = np.diff(instants.as_unit("us").asi8) / 1e6
    findings.add(np.flatnonzero(seconds == 0) + 1, "column timestamp: the same instant twice; keep one row", raw)
    findings.add(np.flatnonzero(seconds < 0) + 1, "column timestamp: earlier than the row before; sort the rows", raw)
    forward = seconds[seconds > 0]
    if not len(forward) or findings.mistakes:
        return timedelta(0)
    lengths, counts = np.unique(forward, return_counts=True)
    usual = float(lengths[np.argmax(counts)])
    what = f"column timestamp: off the recording's step of {usual:g} s; resample it to one step"
    findings.add(np.flatnonzero(seconds % usual != 0) + 1, what, raw)
    step = timedelta(seconds=usual)
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        findings.mistakes.append(f"a step of {usual:g} s; recordings have one from 1 min to 1 h: resample it")
    return step


def _unit_notes(numbers: pd.DataFrame) -> list[str]:
    name = "consumption_w" if "consumption_w" in numbers else "grid_import_w"
    largest = numbers[name].max()
    if 0 < largest < _KILOWATTS_BELOW_W:
        return [f"{name} never exceeds {largest:g} W: are these kilowatts? Multiply them by 1000"]
    return []
