"""Where values come from: the file below, the environment above; each value remembers its origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from optimizer.errors import ConfigProblem
from optimizer.settings.root import Settings
from optimizer.settings.schema import locate, value_paths
from optimizer.settings.suggestion import did_you_mean

PREFIX = "SUNSHIFT_"
DELIMITER = "__"
NOT_SETTINGS = frozenset({"SUNSHIFT_CONFIG", "SUNSHIFT_DATA"})
"""Variables of the same prefix that are no settings: the file's path for scripts, recordings for benchmarks."""

Tables = dict[str, Any]


def origin_of(origins: Mapping[tuple[str, ...], str], path: tuple[int | str, ...]) -> str | None:
    """Return where the value at ``path``, or the list or table that it stands in, came from; None: it is a default."""
    names = tuple(str(part) for part in path)
    return next((origins[names[:n]] for n in range(len(names), 0, -1) if names[:n] in origins), None)


@dataclass(slots=True)
class Layers:
    """Tables laid over one another, and where each value came from."""

    tables: Tables = field(default_factory=dict)
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)

    def add_defaults(self, tables: Mapping[str, Any]) -> None:
        """Lay down defaults that depend on the machine."""
        self._add(tables, (), "default")

    def add_file(self, tables: Mapping[str, Any], name: str) -> None:
        """Lay the tables of a file over what is there."""
        self._add(tables, (), f"file {name}")

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Lay ``SUNSHIFT_SECTION__KEY`` variables over what is there."""
        for variable in sorted(environ):
            if variable.upper().startswith(PREFIX) and variable.upper() not in NOT_SETTINGS:
                path = tuple(variable[len(PREFIX) :].lower().split(DELIMITER))
                self._add_variable(variable, path, environ[variable])

    def origin(self, path: tuple[int | str, ...]) -> str | None:
        """Return where the value at ``path`` came from; None: it is a default."""
        return origin_of(self.origins, path)

    def _add(self, tables: Mapping[str, Any], path: tuple[str, ...], origin: str) -> None:
        for key, value in tables.items():
            if isinstance(value, Mapping) and (value or self._is_table((*path, key))):
                self._add(value, (*path, key), origin)  # an empty table says nothing of what lies below it
            else:
                self._put((*path, key), value, origin)

    def _add_variable(self, variable: str, path: tuple[str, ...], text: str) -> None:
        place = locate(Settings, path)
        if not all(path) or (place.field is None and path[0] != "strategies"):
            self.problems.append(_unknown_variable(variable))
            return
        try:
            nested: Any = _value(text)
        except ValueError as error:
            self.problems.append(ConfigProblem(path=variable, message=f"is not valid JSON: {error}"))
            return
        for key in reversed(path):
            nested = {key: nested}
        self._add(nested, (), f"environment {variable}")

    def _put(self, path: tuple[str, ...], value: Any, origin: str) -> None:
        table = self.tables
        for depth, key in enumerate(path[:-1], start=1):
            if not isinstance(table.get(key), dict):
                self._forget(path[:depth])
                table[key] = {}
            table = table[key]
        self._forget(path)
        table[path[-1]] = value
        self.origins[path] = origin

    def _is_table(self, path: tuple[str, ...]) -> bool:
        found: Any = self.tables
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return isinstance(found, dict)

    def _forget(self, path: tuple[str, ...]) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _value(text: str) -> Any:
    """Return lists and tables, which a variable gives as JSON, as such; anything else as text for pydantic to read."""
    return json.loads(text) if text.lstrip().startswith(("[", "{")) else text


@cache
def variable_names() -> tuple[str, ...]:
    """Return every environment variable that is a setting, strategies' own parameters aside."""
    return tuple(sorted({PREFIX + DELIMITER.join(path).upper() for path in value_paths(Settings)}))


def _unknown_variable(variable: str) -> ConfigProblem:
    hint = (
        did_you_mean(variable.upper(), variable_names()) or f"write {PREFIX}SECTION{DELIMITER}KEY for a key of the file"
    )
    return ConfigProblem(path=variable, message=f"is not a setting: {hint}")
