"""What a sweep's TOML file may hold; the tables it lays over the base are checked with the base, case by case."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from optimizer.errors import ConfigProblem
from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.places import ReadableFile, readable
from optimizer.settings.problems import problems_of
from optimizer.settings.section import Conflict, Section

Tables = dict[str, Any]
Location = tuple[int | str, ...]
LISTS = ("homes", "tariffs", "batteries")
"""Keys that hold a list of entries."""


def _file_or_tables(value: Any) -> Path | Tables:
    if isinstance(value, str):
        return readable(Path(value))
    if isinstance(value, dict):
        return value
    raise ValueError("must be the path of a configuration in quotation marks, or its tables: [base.site] and so on")


def _instant(value: Any) -> Any:
    if isinstance(value, str | datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())  # midnight on the clock of the home
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A file as far as it could be read."""

    file: SweepFile
    places: Mapping[str, tuple[int, ...]]
    """Where the entries of each list stand in the file, counted from 1."""
    problems: tuple[ConfigProblem, ...] = ()
    """What is wrong with the entries and keys that were left out."""

    def placed(self, key: str) -> Iterator[tuple[str, Any]]:
        """Yield the entries of a list with their places, such as ``homes[2]``."""
        for position, entry in zip(self.places[key], getattr(self.file, key), strict=True):
            yield f"{key}[{position}]", entry


def read_sweep_file(tables: Mapping[str, Any]) -> ReadFile:
    """Return the file; what is wrong in it is left out, so that the rest can be checked as well.

    Raises
    ------
    pydantic.ValidationError
        What is wrong cannot be left out.
    """
    lists = {key: value for key in LISTS if isinstance(value := tables.get(key), list)}
    try:
        file, wrong, problems = SweepFile.model_validate(dict(tables)), set[Location](), list[ConfigProblem]()
    except ValidationError as error:
        wrong = {detail["loc"][: 2 if detail["loc"][0] in lists else 1] for detail in error.errors()}
        file = _rest(tables, wrong, error)
        problems = list(problems_of(error, SweepFile, origin=lambda _: None))
    places = _places(lists, wrong)
    problems += [problem for key in LISTS for problem in _twice(key, getattr(file, key), places[key])]
    return ReadFile(file=file, places=places, problems=tuple(problems))


def _rest(tables: Mapping[str, Any], wrong: Container[Location], error: ValidationError) -> SweepFile:
    """Return the file without its wrong keys and entries."""
    kept = {
        key: [entry for place, entry in enumerate(value) if (key, place) not in wrong]
        if key in LISTS and isinstance(value, list)
        else value
        for key, value in tables.items()
        if (key,) not in wrong
    }
    try:
        return SweepFile.model_validate(kept)
    except ValidationError:
        raise error from None


def _places(lists: Mapping[str, Sequence[Any]], wrong: Container[Location]) -> dict[str, tuple[int, ...]]:
    kept = {key: [place for place in range(len(value)) if (key, place) not in wrong] for key, value in lists.items()}
    return {key: tuple(place + 1 for place in kept.get(key, ())) for key in LISTS}


def _twice(key: str, entries: Sequence[Any], places: Sequence[int]) -> Iterator[ConfigProblem]:
    """Yield names that an entry before has taken."""
    taken: dict[str, int] = {}
    for entry, place in zip(entries, places, strict=True):
        first = taken.setdefault(entry.name, place)
        if first != place:
            message = f"{entry.name!r} is taken by {key}[{first}]; give each its own name"
            yield ConfigProblem(path=f"{key}[{place}].name", message=message)
