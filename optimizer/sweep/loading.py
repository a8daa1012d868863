"""From a sweep's file to its cases, or to every reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from optimizer.assembly.configuration import configuration_from_tables, read_toml
from optimizer.assembly.tariffs import build_tariff
from optimizer.backtest.backtest import ALWAYS
from optimizer.backtest.clock_steps import on_the_clock
from optimizer.control.registry import installed_strategies
from optimizer.errors import ConfigError, ConfigProblem, RecordingError, TariffError
from optimizer.history.recording import Recording, read_recording
from optimizer.settings import Settings
from optimizer.settings.places import paths_relative_to
from optimizer.settings.problems import problems_of
from optimizer.settings.suggestion import one_of
from optimizer.sweep.case import Case
from optimizer.sweep.digests import digest_of_case, digest_of_file, digest_of_program
from optimizer.sweep.grid import Point, base_tables, points
from optimizer.sweep.sweep_file import ReadFile, SweepFile, Tables, read_sweep_file
from optimizer.tariffs.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Everything to compute, checked."""

    cases: tuple[Case, ...]
    recordings: dict[str, Recording]
    """By the digest of their file."""


@dataclass(slots=True)
class _Findings:
    """What is wrong, each thing once however many cases it spoils."""

    problems: dict[ConfigProblem, None] = field(default_factory=dict)

    def add(self, path: str, message: str) -> None:
        self.problems[ConfigProblem(path=path, message=message)] = None


def load_sweep(path: Path) -> Sweep:
    """Return the cases of a file, their recordings and prices read.

    Parameters
    ----------
    path
        The TOML file; relative paths in it are taken from its folder. The environment is not asked: a sweep that is
        computed on several machines must mean the same on each.

    Raises
    ------
    ConfigError
        With every problem found, not the first alone.
    """
    read = _read(path)
    file, findings = read.file, _Findings(dict.fromkeys(read.problems))
    _check_strategies(file, findings)
    recordings = _recordings(read, findings)
    checked = list(_checked_points(read, path.parent, findings))
    prices = _Prices(findings)
    tariffs = [prices.of(point, settings) for point, settings in checked]
    if findings.problems:
        raise ConfigError(str(path), list(findings.problems))
    asked = _Asked(file)
    cases = [
        asked.case(point, settings, tariff)
        for (point, settings), tariff in zip(checked, tariffs, strict=True)
        if tariff is not None
    ]
    by_digest = {digest_of_file(path): recording for path, recording in recordings.items()}
    return Sweep(cases=tuple(cases), recordings=by_digest)


def _read(path: Path) -> ReadFile:
    if not path.exists():
        message = "no such file; docs/sweeps.md shows what a sweep's file holds"
        raise ConfigError(str(path), [ConfigProblem(path="", message=message)])
    tables = read_toml(path)
    try:
        with paths_relative_to(path.parent):
            return read_sweep_file(tables)
    except ValidationError as error:
        raise ConfigError(str(path), list(problems_of(error, SweepFile, origin=lambda _: None))) from None


def _check_strategies(file: SweepFile, findings: _Findings) -> None:
    known = {*installed_strategies(), *ALWAYS}
    for position, name in enumerate(file.strategies, start=1):
        if name not in known:
            hint = f"{one_of(name, known)} (`sunshift strategies` lists them)"
            findings.add(f"strategies[{position}]", f"there is no strategy {name!r}: {hint}")


def _recordings(read: ReadFile, findings: _Findings) -> dict[Path, Recording]:
    found = {}
    for place, home in read.placed("homes"):
        if home.recording not in found:
            try:
                found[home.recording] = on_the_clock(read_recording(home.recording))
            except RecordingError as error:
                findings.add(f"{place}.recording", str(error))
    return found


def _checked_points(read: ReadFile, folder: Path, findings: _Findings) -> Iterator[tuple[Point, Settings]]:
    try:
        base, grid = base_tables(read.file, folder), list(points(read, folder))
    except ConfigError as error:
        for problem in error.problems:
            findings.add(" ".join(filter(None, (error.source, problem.path))), problem.message)
        return
    in_base = set(_problems(base))
    for point in grid:
        tables = point.tables(base)
        try:
            yield point, configuration_from_tables(tables).settings
        except ConfigError as error:
            for problem in error.problems:
                placed = point.problem(problem, in_base)
                findings.add(placed.path, placed.message)


def _problems(tables: Tables) -> tuple[ConfigProblem, ...]:
    try:
        configuration_from_tables(tables)
    except ConfigError as error:
        return error.problems
    return ()


class _Prices:
    """Tariffs with their price files read, each once however many cases share it."""

    def __init__(self, findings: _Findings) -> None:
        self._findings = findings
        self._known: dict[str, Tariff | None] = {}

    def of(self, point: Point, settings: Settings) -> Tariff | None:
        """Return the tariff; None: a price file cannot be read, and the reason is among the findings."""
        key = settings.site.timezone + settings.tariff.model_dump_json(by_alias=True)
        if key not in self._known:
            self._known[key] = self._read(point, settings)
        return self._known[key]

    def _read(self, point: Point, settings: Settings) -> Tariff | None:
        try:
            # A copy of a price file is the prices themselves: from here on no case looks at the disk.
            return deepcopy(build_tariff(settings))
        except TariffError as error:
            self._findings.add(point.overlays[1].place, str(error))
            return None


class _Asked:
    """What the file asks for at every point."""

    def __init__(self, file: SweepFile) -> None:
        self._file = file

    def case(self, point: Point, settings: Settings, tariff: Tariff) -> Case:
        file, home = self._file, point.home
        strategies = file.strategies or (settings.strategy.name,)
        start = _aware(home.start or file.start, settings.site.zone)
        end = _aware(home.end or file.end, settings.site.zone)
        recording, program = digest_of_file(home.recording), digest_of_program(strategies)
        asked = (strategies, start, end, file.warm_up)
        return Case(
            key=digest_of_case(settings, recording=recording, program=program, asked=asked),
            home=home.name,
            tariff=point.overlays[1].name,
            battery=point.overlays[2].name,
            settings=settings,
            prices=tariff,
            recording=recording,
            program=program,
            strategies=strategies,
            start=start,
            end=end,
            warm_up=file.warm_up,
        )


def _aware(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return instant.replace(tzinfo=zone) if instant is not None and instant.tzinfo is None else instant
