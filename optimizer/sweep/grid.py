"""Every home with every tariff and every battery: the tables of each, and where each value stands in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from optimizer.assembly.configuration import read_toml
from optimizer.errors import ConfigError, ConfigProblem
from optimizer.settings.relative_paths import with_absolute_paths
from optimizer.sweep.sweep_file import HomeEntry, ReadFile, SweepFile, Tables, TariffEntry

BASE = "base"
_OF_THE_WIRE = ("host", "port", "token_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """Tables of one entry, laid over the base."""

    name: str
    place: str
    """Where the entry stands, such as ``batteries[2]``."""
    tables: Tables
    """Whole configuration tables: ``{"battery": {...}}``."""
    section: str = ""
    """The section that the entry's own keys stand for, such as ``battery``; empty: it names sections itself."""
    replaces: bool = False
    """Whether a table takes the place of the base's, as a price of another kind must."""

    def place_of(self, path: str) -> str | None:
        """Return where in the sweep's file the value at a path of the configuration stands; None: not here."""
        keys = [key for key in re.split(r"[.\[\]]+", path) if key]
        table: Any = self.tables
        for depth, key in enumerate(keys):
            if not isinstance(table, Mapping) or key not in table:
                # A key that is missing belongs to the table that replaced the base's.
                return self._placed(path) if self.replaces and depth > 1 else None
            table = table[key]
            if not isinstance(table, Mapping):
                return self._placed(path)
        return self._placed(path)

    def _placed(self, path: str) -> str:
        own = path.removeprefix(f"{self.section}.") if self.section else path
        return f"{self.place}.{own}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One home with one tariff and one battery."""

    home: HomeEntry
    overlays: tuple[Overlay, Overlay, Overlay]
    """Of home, tariff and battery."""

    def tables(self, base: Tables) -> Tables:
        """Return the configuration: the base with everything laid over it."""
        result: Tables = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
        for overlay in self.overlays:
            for section, table in overlay.tables.items():
                below = result.get(section)
                result[section] = {**below, **table} if isinstance(below, dict) else dict(table)
        return result

    def problem(self, found: ConfigProblem, in_base: set[ConfigProblem]) -> ConfigProblem:
        """Return a problem of the configuration as one of the sweep's file.

        Parameters
        ----------
        in_base
            Problems that the base has by itself.
        """
        places = [place for overlay in self.overlays if (place := overlay.place_of(found.path)) is not None]
        if not places and found not in in_base:
            # What is wrong only together with an entry belongs to the entry.
            section = found.path.partition(".")[0]
            places = [f"{one.place} ({found.path})" for one in self.overlays if section in one.tables]
        return ConfigProblem(path=places[-1] if places else f"{BASE}.{found.path}", message=found.message)


def base_tables(file: SweepFile, folder: Path) -> Tables:
    """Return the tables of the base, its paths absolute and its battery one that nobody speaks to.

    Raises
    ------
    ConfigError
        The file that is named is no TOML.
    """
    base = file.base
    tables = with_absolute_paths(base, folder) if isinstance(base, dict) else _tables_of(base)
    battery = tables.get("battery", {})
    if isinstance(battery, dict):
        kept = {key: value for key, value in battery.items() if key not in _OF_THE_WIRE}
        tables["battery"] = {**kept, "driver": "simulated"}
    return tables


def points(read: ReadFile, folder: Path) -> Iterator[Point]:
    """Yield every home with every tariff and every battery, in the order of the file.

    Raises
    ------
    ConfigError
        The file of a tariff is no TOML, or has no tariff.
    """
    tariffs = [_tariff(entry, place, folder) for place, entry in read.placed("tariffs")]
    batteries = [
        Overlay(name=entry.name, place=place, tables={"battery": entry.tables()}, section="battery")
        for place, entry in read.placed("batteries")
    ]
    nothing = Overlay(name=BASE, place=BASE, tables={})
    homes = list(read.placed("homes"))
    for (place, home), tariff, battery in product(homes, tariffs or [nothing], batteries or [nothing]):
        sections = {key: table for key in ("site", "grid", "forecast") if (table := getattr(home, key))}
        own = Overlay(name=home.name, place=place, tables=with_absolute_paths(sections, folder))
        yield Point(home=home, overlays=(own, tariff, battery))


def _tariff(entry: TariffEntry, place: str, folder: Path) -> Overlay:
    if entry.config is None:
        tables = with_absolute_paths(entry.tables(), folder, above=("tariff",))
    else:
        tables = _tables_of(entry.config).get("tariff", {})
        if not isinstance(tables, dict) or not tables:
            problem = ConfigProblem(path=f"{place}.config", message=f"{entry.config} has no [tariff]")
            raise ConfigError(str(entry.config), [problem])
    return Overlay(name=entry.name, place=place, tables={"tariff": tables}, section="tariff", replaces=True)


def _tables_of(path: Path) -> Tables:
    return with_absolute_paths(read_toml(path), path.parent)
