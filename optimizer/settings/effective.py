"""The effective configuration, value by value, with where each came from; secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.settings.problems import is_secret
from optimizer.settings.root import Settings

MASK = "********"
Origin = Callable[[tuple[int | str, ...]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveValue:
    """One value in force."""

    path: tuple[str, ...]
    value: Any
    """As JSON and TOML know it; masked where it is a secret."""
    origin: str
    """``default``, ``file <name>`` or ``environment <VARIABLE>``."""

    @property
    def section(self) -> str:
        """The table it stands in, such as ``tariff.import``."""
        return ".".join(self.path[:-1])

    @property
    def key(self) -> str:
        """Its key in that table."""
        return self.path[-1]


def effective_values(settings: Settings, origin: Origin) -> Iterator[EffectiveValue]:
    """Yield every value in the order of the sections."""
    tables = settings.model_dump(mode="json", by_alias=True)
    yield from _values(tables, (), origin)


def _values(tables: Mapping[str, Any], above: tuple[str, ...], origin: Origin) -> Iterator[EffectiveValue]:
    for key, value in tables.items():
        path = (*above, key)
        if isinstance(value, Mapping):
            yield from _values(value, path, origin)
        else:
            shown = MASK if is_secret(key) and value is not None else value
            yield EffectiveValue(path=path, value=_without_nothing(shown), origin=origin(path) or "default")


def _without_nothing(value: Any) -> Any:
    """Return lists of tables without the keys that are not set."""
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if item is not None}
    return value
