"""Writes the commented configuration file out of the settings' own descriptions.

What must be set stands there with an example; what has a default stands there as a comment that shows it, so that a
later version may improve a default. The other kinds of tariff follow as commented tables. A key that several tables
share is explained at its first place and only named at the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import time, timedelta
from textwrap import wrap
from types import MappingProxyType
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from optimizer.settings.descriptions import describe
from optimizer.settings.duration import format_duration
from optimizer.settings.root import Settings
from optimizer.settings.schema import Model, holds_list, keys, kind_of, models_in

HEAD = """\
# The configuration of sunshift: every key, what it means, its default.
#
# Lines without # must be set. Lines that begin with #: show a default or an example; remove the mark to change it.
# Any key can be set from the environment as well: SUNSHIFT_BATTERY__HOST, SUNSHIFT_TARIFF__IMPORT__VAT.
# Relative paths are taken from the folder of this file. Powers are on the AC side.
# `sunshift check --config FILE` verifies it all; `sunshift config show --config FILE` tells what is in force.
"""
MARK = "#: "
"""Begins a line that becomes a setting once the mark is gone."""
WIDTH = 110
EMPTY: Mapping[str, Any] = MappingProxyType({})

STRATEGIES = """
# Parameters of the strategies, one table each; `sunshift strategies` lists them with their keys.
#: [strategies.time_of_use]
"""


def reference_toml() -> str:
    """Return the commented configuration file; it loads as it is."""
    describe(Settings)
    writer = ReferenceWriter()
    sections = (writer.section(name, field) for name, field in keys(Settings).items() if name != "strategies")
    return HEAD + "".join(sections) + STRATEGIES


class ReferenceWriter:
    """Writes section after section, and remembers which keys it has explained."""

    def __init__(self) -> None:
        self._explained: set[tuple[str, str]] = set()

    def section(self, name: str, field: FieldInfo) -> str:
        """Return a section: one table, or for ``[tariff]`` the tables in it."""
        model = next(models_in(field.annotation))
        if any(tuple(models_in(part.annotation)) for part in keys(model).values()):
            return "".join(self._kinds(f"{name}.{key}", part) for key, part in keys(model).items())
        return "\n" + _comment(field.description) + self._table(f"[{name}]", model, mark="")

    def _kinds(self, name: str, field: FieldInfo) -> str:
        """Return the table of the first kind, active if one is required, and those of the other kinds as comments."""
        first, *others = models_in(field.annotation)
        mark = "" if field.is_required() else MARK
        examples = (field.examples or [{}])[0]
        text = "\n" + _comment(field.description) + self._table(f"[{name}]", first, mark=mark, examples=examples)
        for other in others:
            text += f"\n# Or {_first_line(other)}\n"
            text += self._table(f"[{name}]", other, mark=MARK, examples=examples)
        return text

    def _table(self, heading: str, model: Model, *, mark: str, examples: Mapping[str, Any] = EMPTY) -> str:
        values, tables, known = "", "", []
        for key, field in sorted(keys(model).items(), key=lambda item: _rank(model, *item)):
            place = (_owner(model, field), key)
            if place in self._explained and not _needed(field) and key != "kind":
                known.append(key)
                continue
            self._explained.add(place)
            items = tuple(models_in(field.annotation))
            if items and holds_list(field.annotation):
                inner = f"[[{heading.strip('[]')}.{key}]]"
                tables += _comment(field.description) + self._table(inner, items[0], mark=MARK)
            else:
                shown = examples[key] if key in examples else _shown(key, field, model)
                values += _comment(field.description) + (mark if _needed(field) else MARK) + f"{key} = {_toml(shown)}\n"
        also = _comment(f"Also, as explained above: {', '.join(known)}.") if known else ""
        return f"{mark}{heading}\n{values}{also}{tables}"


def _owner(model: Model, field: FieldInfo) -> str:
    """Return the class that declares a field, so that inherited keys are recognised."""
    name = next(name for name, candidate in model.model_fields.items() if candidate is field)
    return next(base.__name__ for base in reversed(model.__mro__) if name in getattr(base, "__annotations__", {}))


def _rank(model: Model, key: str, field: FieldInfo) -> tuple[bool, bool]:
    """Sort the kind first, then what a table adds, then what it shares with others."""
    return key != "kind", _owner(model, field) != model.__name__


def _needed(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return field.is_required() or (isinstance(extra, dict) and bool(extra.get("needed")))


def _shown(key: str, field: FieldInfo, model: Model) -> Any:
    """Return the example that a field gives, else its default."""
    if key == "kind":
        return kind_of(model)
    if field.examples:
        return field.examples[0]
    if field.default in (None, PydanticUndefined):
        msg = f"{model.__name__}.{key} needs an example or a default to show"
        raise TypeError(msg)
    return field.default


def _first_line(model: Model) -> str:
    text = (model.__doc__ or "").strip().splitlines()[0]
    return text[0].lower() + text[1:]


def _comment(text: str | None) -> str:
    return "".join(f"# {line}\n" for line in wrap(text or "", WIDTH))


def _toml(value: Any) -> str:
    if isinstance(value, timedelta):
        return json.dumps(format_duration(value))
    if isinstance(value, time):
        return json.dumps(f"{value:%H:%M}")
    # The strings, numbers, truth values and lists of JSON are TOML as well.
    return json.dumps(value, ensure_ascii=False)
