"""From a file and the environment to settings that can be relied on, or to every reason why not."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from optimizer.bounded_toml import parse_toml
from optimizer.control.registry import create_strategy, installed_strategies
from optimizer.control.strategy import Strategy
from optimizer.devices.tokens import read_token
from optimizer.errors import ConfigError, ConfigProblem, StrategyError
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.settings import Settings
from optimizer.settings.layers import Layers, origin_of
from optimizer.settings.places import default_runtime_dir, default_state_dir, paths_relative_to
from optimizer.settings.plausibility import (
    implausible_prices,
    plant_without_a_place,
    requests_that_outlast_a_lease,
    steps_that_do_not_fit,
)
from optimizer.settings.problems import problems_of
from optimizer.settings.suggestion import one_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything the configuration says, checked."""

    settings: Settings
    strategy: Strategy
    """The strategy in charge, with its parameters."""
    token: SecretStr | None = None
    """The battery's API token, where its driver needs one."""
    path: Path | None = None
    """The file it was read from; None: the environment alone."""
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Where each value that is no default came from, by its path."""

    def origin(self, path: tuple[int | str, ...]) -> str | None:
        """Return where the value at a path came from; None: it is a default of the program."""
        return origin_of(self.origins, path)

    @property
    def source(self) -> str:
        """What to call it in messages."""
        return "environment" if self.path is None else str(self.path)


def load_configuration(path: Path | None, *, environ: Mapping[str, str] | None = None) -> Configuration:
    """Return the configuration of a file, with environment variables laid over it.

    Parameters
    ----------
    path
        The TOML file; None: environment variables alone.
    environ
        The environment; by default that of the process.

    Raises
    ------
    ConfigError
        With every problem found, not the first alone.
    """
    given = os.environ if environ is None else environ
    tables = {} if path is None else read_toml(path)
    return configuration_from_tables(tables, path=path, environ=given)


def configuration_from_tables(
    tables: Mapping[str, Any], *, path: Path | None = None, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Return the configuration of tables already read, such as the demo's own.

    Parameters
    ----------
    tables
        What a TOML file would hold.
    path
        The file they stand for; relative paths are taken from its folder.
    environ
        Variables to lay over them; by default none.

    Raises
    ------
    ConfigError
        With every problem found, not the first alone.
    """
    given = {} if environ is None else environ
    layers = _layers(tables, path, given)
    problems = list(layers.problems)
    with paths_relative_to(Path() if path is None else path.parent):
        settings = _settings(layers, problems)
    strategy = _strategy(layers, problems)
    token = _token(settings, given, problems)
    if problems or settings is None or strategy is None:
        raise ConfigError("environment" if path is None else str(path), list(_in_order(problems)))
    return Configuration(settings=settings, strategy=strategy, token=token, path=path, origins=dict(layers.origins))


def _layers(tables: Mapping[str, Any], path: Path | None, environ: Mapping[str, str]) -> Layers:
    layers = Layers()
    folders = {"state_dir": str(default_state_dir(environ)), "runtime_dir": str(default_runtime_dir(environ))}
    layers.add_defaults({"service": folders})
    layers.add_file(tables, "" if path is None else path.name)
    layers.add_environment(environ)
    return layers


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    ConfigError
        It cannot be read, or is not TOML.
    """
    try:
        # A byte order mark is what Windows editors leave; TOML itself does not know it.
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = ConfigProblem(path="", message=f"no such file; write one with `sunshift config init --out {path}`")
    except IsADirectoryError:
        problem = ConfigProblem(path="", message="is a folder; name the TOML file in it")
    except OSError as error:
        problem = ConfigProblem(path="", message=f"cannot be read ({error.strerror}); check its owner and mode")
    except UnicodeDecodeError as error:
        problem = ConfigProblem(path="", message=f"is not UTF-8 text (byte {error.start}); save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        problem = _syntax_problem(str(error))
    raise ConfigError(str(path), [problem]) from None


def _syntax_problem(message: str) -> ConfigProblem:
    match = re.fullmatch(r"(?P<what>.*) \(at (?P<where>.*)\)", message, re.DOTALL)
    if match is None:
        return ConfigProblem(path="", message=f"is not valid TOML: {message}")
    return ConfigProblem(path=match["where"], message=f"is not valid TOML: {match['what']}")


def _settings(layers: Layers, problems: list[ConfigProblem]) -> Settings | None:
    try:
        settings = Settings(**layers.tables)
    except ValidationError as error:
        problems.extend(problems_of(error, Settings, origin=layers.origin))
        return None
    problems.extend(implausible_prices(settings))
    problems.extend(plant_without_a_place(settings))
    problems.extend(steps_that_do_not_fit(settings))
    problems.extend(requests_that_outlast_a_lease(settings))
    return settings


def _strategy(layers: Layers, problems: list[ConfigProblem]) -> Strategy | None:
    """Return the strategy in charge; check the tables of all others on the way."""
    section = layers.tables.get("strategy", {})
    default = Settings.model_fields["strategy"].default.name
    name = section.get("name", default) if isinstance(section, dict) else default
    tables = layers.tables.get("strategies", {})
    if not isinstance(name, str) or not name or not isinstance(tables, dict):
        return None  # found and told with the settings
    known = installed_strategies()
    if name not in known:
        problems.append(ConfigProblem(path="strategy.name", message=_unknown_strategy(name, list(known))))
    created = {
        each: _created(each, tables.get(each, {}), layers, problems) for each in {name, *tables} if each in known
    }
    problems.extend(
        ConfigProblem(path=f"strategies.{stranger}", message=_unknown_strategy(stranger, list(known)))
        for stranger in sorted(set(tables) - set(known))
        if isinstance(tables[stranger], dict)
    )
    return created.get(name)


def _unknown_strategy(name: str, known: list[str]) -> str:
    if not known:
        return f"there is no strategy {name!r}, nor any other: is sunshift installed?"
    return f"there is no strategy {name!r}: {one_of(name, known)} (`sunshift strategies` lists them)"


def _created(name: str, table: Any, layers: Layers, problems: list[ConfigProblem]) -> Strategy | None:
    if not isinstance(table, dict):
        return None  # found and told with the settings
    try:
        return create_strategy(name, table)
    except StrategyError as error:
        problems.append(ConfigProblem(path=f"strategies.{name}", message=str(error)))
    except ValidationError as error:
        schema = installed_strategies()[name].parameters
        if schema is not None:
            problems.extend(problems_of(error, schema, origin=layers.origin, above=("strategies", name)))
    return None


def _token(settings: Settings | None, environ: Mapping[str, str], problems: list[ConfigProblem]) -> SecretStr | None:
    if settings is None or settings.battery.driver != "sonnen_v2":
        return None
    path = settings.battery.token_file or _credential(environ)
    if path is None:
        message = (
            "is required for sonnen_v2: name a file that holds the API token, or hand it over as the systemd "
            f"credential {TOKEN_FILE_NAME!r} (the battery shows it on its own page under Software-Integration)"
        )
        problems.append(ConfigProblem(path="battery.token_file", message=message))
        return None
    try:
        return SecretStr(read_token(path))
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _credential(environ: Mapping[str, str]) -> Path | None:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / TOKEN_FILE_NAME if folder else None
    return path if path is not None and path.is_file() else None


def _in_order(problems: list[ConfigProblem]) -> Iterator[ConfigProblem]:
    """Yield the problems in the order of the file's sections."""
    sections = list(Settings.model_fields)

    def rank(problem: ConfigProblem) -> int:
        section = re.split(r"[.\[]", problem.path)[0]
        return sections.index(section) if section in sections else -1

    yield from sorted(problems, key=rank)
