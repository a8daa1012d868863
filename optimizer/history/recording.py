"""Recordings of a home: CSV or Parquet files of mean powers over regular intervals.

``timestamp`` is the start of the interval, ISO 8601 with offset; an empty field was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from optimizer.domain.time_grid import Interval
from optimizer.errors import RecordingError
from optimizer.history.recording_checks import checked_table
from optimizer.history.recording_gaps import BridgedGap, bridge_gaps, complete_spans

LOAD_AND_SUN = ("consumption_w", "production_w")
REGISTERS = ("grid_import_w", "grid_export_w")
SUN_FORECAST = "production_forecast_w"
"""Production as it was forecast ahead of time: :mod:`optimizer.history.recorded_forecast` tells from when it counts."""
OTHERS = ("battery_power_w", "grid_power_w", "soc", SUN_FORECAST)
KNOWN_COLUMNS = (*LOAD_AND_SUN, *REGISTERS, *OTHERS)
_PARQUET = {".parquet", ".pq"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording, checked: regular, with short gaps bridged and long ones named."""

    path: Path
    frame: pd.DataFrame
    """Index ``timestamp``: starts of the intervals, UTC, complete and regular; known columns, NaN: not measured."""
    step: timedelta
    bridged: tuple[BridgedGap, ...] = ()
    """Gaps of an hour at most, filled along a straight line."""
    spans: tuple[Interval, ...] = ()
    """Stretches in which load and sun, or both registers, are known throughout; longest gaps lie between them."""
    notes: tuple[str, ...] = ()
    """What a reader should know: ignored columns, suspicious units."""

    @property
    def has_registers_only(self) -> bool:
        """Whether only the utility's import and export are known, not load and sun."""
        return "consumption_w" not in self.frame

    @property
    def start(self) -> datetime:
        """Start of the first interval."""
        first: datetime = self.frame.index[0].to_pydatetime()
        return first

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        last: datetime = self.frame.index[-1].to_pydatetime()
        return last + self.step


def read_recording(path: Path) -> Recording:
    """Read and check a recording.

    Parameters
    ----------
    path
        ``.csv``, or ``.parquet`` where the extra ``sunshift[parquet]`` is installed.

    Raises
    ------
    RecordingError
        What is wrong, in which row and column, and what to do; all kinds of mistakes at once.
    """
    raw, first_row = _read_parquet(path) if path.suffix.lower() in _PARQUET else _read_csv(path)
    table = checked_table(raw, path=path, first_row=first_row, row_word="row" if first_row == 1 else "line")
    essential = [name for name in (*LOAD_AND_SUN, *REGISTERS) if name in table.frame]
    frame, bridged = bridge_gaps(table.frame, essential, table.step)
    return Recording(
        path=path,
        frame=frame,
        step=table.step,
        bridged=bridged,
        spans=complete_spans(frame[essential], table.step),
        notes=table.notes,
    )


def write_recording(frame: pd.DataFrame, path: Path) -> None:
    """Write mean powers as a recording, NaN as an empty field.

    Parameters
    ----------
    frame
        Index: starts of regular intervals, aware; columns named as in ``KNOWN_COLUMNS``, others are left out [W].
    path
        ``.csv`` or ``.parquet``; replaced only when the new file is whole.

    Raises
    ------
    RecordingError
        The file cannot be written.
    """
    columns = [name for name in KNOWN_COLUMNS if name in frame]
    table = frame[columns].round(4).tz_convert("UTC").rename_axis("timestamp").reset_index()
    draft = path.with_name(f".{path.name}.draft")
    try:
        if path.suffix.lower() in _PARQUET:
            _require_pyarrow(path)
            table.to_parquet(draft, index=False)
        else:
            table["timestamp"] = [instant.isoformat() for instant in table["timestamp"]]
            table.to_csv(draft, index=False)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error}); name a file in a folder that exists"
        raise RecordingError(msg) from error


def _read_csv(path: Path) -> tuple[pd.DataFrame, int]:
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True, encoding="utf-8-sig"
        )
    except OSError as error:
        raise RecordingError(_cannot_read(path, error)) from error
    except pd.errors.EmptyDataError as error:
        msg = f"{path}: empty; expected a header with timestamp, consumption_w and production_w"
        raise RecordingError(msg) from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        msg = f"{path}: not a readable CSV file ({error}); save it as UTF-8 with commas between the fields"
        raise RecordingError(msg) from error
    if len(table.columns) == 1 and ";" in str(table.columns[0]):
        msg = f"{path}, line 1: fields are separated by semicolons; save it with commas, and decimal points"
        raise RecordingError(msg)
    if isinstance(table.index, pd.RangeIndex):
        return table, 2
    msg = f"{path}: rows have more fields than the header names; remove trailing commas or name the columns"
    raise RecordingError(msg)


def _read_parquet(path: Path) -> tuple[pd.DataFrame, int]:
    _require_pyarrow(path)
    try:
        table = pd.read_parquet(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise RecordingError(_cannot_read(path, error)) from error
    except (OSError, ValueError) as error:
        msg = f"{path}: not a readable Parquet file ({error})"
        raise RecordingError(msg) from error
    return (table if "timestamp" in table else table.reset_index()), 1


def _cannot_read(path: Path, error: OSError) -> str:
    return f"{path}: cannot be read ({error.strerror or error}); check the path, its owner and mode"


def _require_pyarrow(path: Path) -> None:
    if find_spec("pyarrow") is None:
        msg = f"{path}: Parquet needs pyarrow; install it with: pip install 'sunshift[parquet]', or use CSV"
        raise RecordingError(msg)
