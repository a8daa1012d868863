"""A smallest valid configuration, and what is wrong with a changed one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from optimizer.assembly.configuration import Configuration, configuration_from_tables, load_configuration
from optimizer.errors import ConfigError

SMALLEST = """
[site]
timezone = "Europe/Berlin"

[battery]
driver = "sonnen_v1"
host = "192.168.1.20"
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600

[tariff.import]
kind = "fixed"
price_per_kwh = 0.32

[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
"""

_TABLES: dict[str, Any] = {
    "site": {"timezone": "Europe/Berlin"},
    "battery": {
        "driver": "sonnen_v1",
        "host": "192.168.1.20",
        "usable_capacity_wh": 10000,
        "max_charge_w": 4600,
        "max_discharge_w": 4600,
    },
    "tariff": {
        "import": {"kind": "fixed", "price_per_kwh": 0.32},
        "export": {"kind": "fixed", "price_per_kwh": 0.08},
    },
}


def tables(**changes: Any) -> dict[str, Any]:
    """Return the tables of the smallest configuration with values set by path: ``battery__port=81``; None removes."""
    result = deepcopy(_TABLES)
    for name, value in changes.items():
        *above, key = name.split("__")
        table = result
        for part in above:
            table = table.setdefault(part, {})
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return result


def configured(*, environ: dict[str, str] | None = None, **changes: Any) -> Configuration:
    """Return the smallest configuration with changes."""
    return configuration_from_tables(tables(**changes), environ=environ)


def outcome(load: Callable[[], Configuration]) -> Configuration | ConfigError:
    """Return the configuration, or the error that keeps it from being one."""
    try:
        return load()
    except ConfigError as error:
        return error


def problems(*, environ: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
    """Return what is wrong with the smallest configuration after changes, message by path."""
    return _by_path(outcome(lambda: configured(environ=environ, **changes)))


def problems_in_file(path: Path, text: str | bytes, **environ: str) -> dict[str, str]:
    """Return what is wrong with a file of this text, message by path."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return _by_path(outcome(lambda: load_configuration(path, environ=environ)))


def _by_path(found: Configuration | ConfigError) -> dict[str, str]:
    if isinstance(found, Configuration):
        return {}
    messages = {problem.path: problem.message for problem in found.problems}
    assert len(messages) == len(found.problems), f"a path was told twice: {found}"
    return messages
