"""Reads a table of prices, and says by line what does not make sense in it."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Literal, TextIO

from optimizer.errors import TariffError
from optimizer.tariffs.price_series import PriceSeries

PriceUnit = Literal["eur_per_kwh", "ct_per_kwh", "eur_per_mwh"]
PER_KWH: dict[PriceUnit, float] = {"eur_per_kwh": 1.0, "ct_per_kwh": 100.0, "eur_per_mwh": 1000.0}
"""How many of the unit make one of the currency per kWh; the names hold for any currency."""

TIMESTAMP = "timestamp"
LARGEST_MEDIAN = 3.0
"""A kilowatt-hour costs less than this in the common currencies; above, the column is in cents or per MWh."""
SHORTEST_STEP, LONGEST_STEP = timedelta(minutes=1), timedelta(days=1)
LONGEST_QUOTE = 60
MOST_PROBLEMS = 5
"""How many bad lines are told; more would hide the first."""

Row = tuple[int, datetime, float | None]


def read_price_table(path: Path, *, column: str, unit: PriceUnit | None = None) -> PriceSeries:
    """Return the prices of a CSV file.

    Parameters
    ----------
    path
        The file: ``timestamp`` (start of the interval, ISO 8601 with offset) and the price column. An empty price is
        unknown. Other columns are not looked at, nor are lines above the header that begin with ``#``.
    column
        Name of the price column.
    unit
        Unit of the column; None: currency/kWh, and refused if the prices look like another one.

    Raises
    ------
    TariffError
        With the file, the line and what to do.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            notes = _notes_above(stream)
            rows = _rows(path, csv.DictReader(stream), column, above=notes)
    except OSError as error:
        msg = f"price file {path} cannot be read ({error.strerror}); check the path, its owner and mode"
        raise TariffError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"price file {path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise TariffError(msg) from error
    except csv.Error as error:
        msg = f"price file {path} is not a CSV table: {error}"
        raise TariffError(msg) from error
    rows = list(_without_doubles(path, sorted(rows, key=lambda row: row[1])))
    _refuse_wrong_unit(path, rows, column, unit)
    scale = PER_KWH[unit or "eur_per_kwh"]
    series = PriceSeries([start for _, start, _ in rows], [None if v is None else v / scale for _, _, v in rows])
    if not SHORTEST_STEP <= series.step <= LONGEST_STEP:
        msg = f"price file {path}: its usual step is {series.step}; prices of 1 minute to 1 day can be used"
        raise TariffError(msg)
    return series


def _notes_above(stream: TextIO) -> int:
    """Pass over the lines above the header that begin with ``#``, and return how many they are."""
    for count in itertools.count():
        place = stream.tell()
        if not stream.readline().startswith("#"):
            stream.seek(place)
            return count
    raise AssertionError  # pragma: no cover - counting has no end


def _rows(path: Path, reader: csv.DictReader[str], column: str, *, above: int) -> list[Row]:
    _require_columns(path, reader.fieldnames, column, line=above + 1)
    rows: list[Row] = []
    problems: list[str] = []
    for record in reader:
        try:
            _refuse_surplus(record)
            rows.append((reader.line_num + above, _timestamp(record), _price(record, column)))
        except ValueError as error:
            problems.append(f"line {reader.line_num + above}: {error}")
    if problems:
        raise TariffError("\n  ".join([f"price file {path} has lines that cannot be used:", *_first(problems)]))
    if not any(value is not None for _, _, value in rows):
        msg = f"price file {path} holds no price in column {column!r}"
        raise TariffError(msg)
    return rows


def _first(problems: list[str]) -> Iterator[str]:
    yield from problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        yield f"and {len(problems) - MOST_PROBLEMS} more"


def _require_columns(path: Path, found: Iterable[str] | None, column: str, *, line: int) -> None:
    names = list(found or ())
    missing = [name for name in (TIMESTAMP, column) if name not in names]
    if missing:
        has = f"it has {', '.join(map(_quoted, names))}" if names else "it is empty"
        if any(";" in name for name in names):
            has += " (separate columns by commas)"
        msg = (
            f"price file {path}, line {line}: column {' and '.join(map(repr, missing))} missing, {has}; "
            f"name the price column with `column`"
        )
        raise TariffError(msg)


def _refuse_surplus(record: Mapping[str | None, object]) -> None:
    """Refuse a line with more fields than the header: ``0,25`` without quotes would be read as a price of 0."""
    surplus = record.get(None)
    if isinstance(surplus, list) and any(str(field).strip() for field in surplus):
        msg = "more fields than the header names; write a point for the decimals, or put the field in quotes"
        raise ValueError(msg)


def _timestamp(record: Mapping[str, str | None]) -> datetime:
    text = (record[TIMESTAMP] or "").strip()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        msg = f"timestamp {_quoted(text)} is not ISO 8601; write it like 2026-03-29T00:00:00+01:00"
        raise ValueError(msg) from None
    if instant.tzinfo is None:
        msg = f"timestamp {_quoted(text)} has no offset; write it like {text}+01:00 or {text}Z"
        raise ValueError(msg)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        msg = f"timestamp {_quoted(text)} lies outside the calendar"
        raise ValueError(msg) from None


def _quoted(text: str) -> str:
    """Return what stands in a field, the beginning of it where it is long."""
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}...")


def _price(record: Mapping[str, str | None], column: str) -> float | None:
    text = (record[column] or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        hint = "; write a point for the decimals" if "," in text else ""
        msg = f"price {_quoted(text)} is not a number{hint}"
        raise ValueError(msg) from None
    if not math.isfinite(value):
        msg = f"price {_quoted(text)} is not finite; leave it empty where it is unknown"
        raise ValueError(msg)
    return value


def _without_doubles(path: Path, rows: list[Row]) -> Iterator[Row]:
    """Yield the rows in order, a repeated one once; two prices for one instant are an error."""
    before: Row | None = None
    for row in rows:
        line, start, value = row
        if before is None or before[1] != start:
            yield row
        elif before[2] != value:
            first, second = sorted((before[0], line))
            msg = (
                f"price file {path}, lines {first} and {second}: two prices for {start.isoformat()}; keep one "
                "(in the hour that occurs twice the offsets must differ)"
            )
            raise TariffError(msg)
        before = row


def _refuse_wrong_unit(path: Path, rows: list[Row], column: str, unit: PriceUnit | None) -> None:
    middle = median(abs(value) for _, _, value in rows if value is not None)
    if unit is None and middle > LARGEST_MEDIAN:
        likely = "eur_per_mwh" if middle > 40 else "ct_per_kwh"
        msg = (
            f"price file {path}: half of the prices in {column!r} are above {middle:.4g}, too much for one kWh; set "
            f'unit = "{likely}" if that is what they are, or unit = "eur_per_kwh" if they are right'
        )
        raise TariffError(msg)
