"""What a sweep's TOML file may hold; the tables it lays over the base are checked with the base, case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.places import ReadableFile, readable
from optimizer.settings.section import Conflict, Section

Tables = dict[str, Any]


def _file_or_tables(value: Any) -> Path | Tables:
    if isinstance(value, str):
        return readable(Path(value))
    if isinstance(value, dict):
        return value
    raise ValueError("must be the path of a configuration in quotation marks, or its tables: [base.site] and so on")


def _instant(value: Any) -> Any:
    if isinstance(value, str | datetime):
        return value
    raise ValueError("must be a date and time, such as 2024-06-10T00:00:00+02:00")


Name = Annotated[str, StringConstraints(min_length=1)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
"""A date and time; without an offset it is on the clock of the home."""


class PeriodEntry(Section):
    """What to replay."""

    start: Instant | None = None
    """First instant to replay; absent: the end of the warm-up."""
    end: Instant | None = None
    """Where to stop; absent: the end of the recording."""


class HomeEntry(PeriodEntry):
    """One home: its recording, and what differs from the base there."""

    name: Name
    """What the results call it."""
    recording: ReadableFile
    """Load and sun of the home: a CSV or Parquet file."""
    site: Tables = Field(default_factory=dict)
    """Keys of [site] that differ from the base."""
    grid: Tables = Field(default_factory=dict)
    """Keys of [grid] that differ from the base."""
    forecast: Tables = Field(default_factory=dict)
    """Keys of [forecast] that differ from the base."""


class TariffEntry(Section):
    """One tariff: the tables it names replace those of the base as a whole."""

    name: Name
    """What the results call it."""
    config: ReadableFile | None = None
    """A configuration file whose [tariff] is taken."""
    import_: Tables | None = Field(default=None, alias="import")
    """Price of energy from the grid, as [tariff.import]."""
    export: Tables | None = None
    """What energy fed into the grid earns, as [tariff.export]."""
    demand: Tables | None = None
    """Demand charge, as [tariff.demand]."""

    def tables(self) -> Tables:
        """Return the tables it names, as they stand in ``[tariff]``."""
        return self.model_dump(by_alias=True, include={"import_", "export", "demand"}, exclude_none=True)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a file beside tables."""
        if self.config is not None and self.tables():
            yield Conflict("config", "give either a file or tables, not both")


class BatteryEntry(Section):
    """One battery: any key of [battery] that differs from the base."""

    model_config = ConfigDict(extra="allow")

    name: Name
    """What the results call it."""

    def tables(self) -> Tables:
        """Return the keys it names, as they stand in ``[battery]``."""
        return dict(self.model_extra or {})


class SweepFile(PeriodEntry):
    """The whole file: every strategy on every home with every tariff and every battery."""

    base: Annotated[Path | Tables, BeforeValidator(_file_or_tables)]
    """A configuration that everything below is laid over: the path of a file, or its tables."""
    homes: Annotated[tuple[HomeEntry, ...], Field(min_length=1)]
    """The homes."""
    tariffs: tuple[TariffEntry, ...] = ()
    """The tariffs; absent: that of the base."""
    batteries: tuple[BatteryEntry, ...] = ()
    """The batteries; absent: that of the base."""
    strategies: Annotated[tuple[Name, ...], AfterValidator(lambda names: tuple(dict.fromkeys(names)))] = ()
    """Names of installed strategies; absent: that of the base."""
    warm_up: Annotated[Duration, within(timedelta())] = Field(default=28 * UNITS["d"])
    """Time at the start of each recording that only feeds the history."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield names that occur twice."""
        for key, entries in (("homes", self.homes), ("tariffs", self.tariffs), ("batteries", self.batteries)):
            yield from _twice(key, [entry.name for entry in entries])


def _twice(key: str, names: Sequence[str]) -> Iterator[Conflict]:
    counts = Counter(names)
    for position, name in enumerate(names, start=1):
        if counts[name] > 1 and names.index(name) < position - 1:
            first = names.index(name) + 1
            yield Conflict(f"{key}[{position}].name", f"{name!r} is taken by {key}[{first}]; give each its own name")
