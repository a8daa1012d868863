"""The shape of the configuration: which keys a table knows, whatever union or list it stands in."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Model = type[BaseModel]
Location = Sequence[int | str]


def keys(model: Model) -> dict[str, FieldInfo]:
    """Return the fields of a table by the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def models_in(annotation: Any) -> Iterator[Model]:
    """Yield the tables a field can hold: itself, the members of a union, the items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from models_in(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType, tuple, list):
        for part in get_args(annotation):
            yield from models_in(part)


def kind_of(model: Model) -> str | None:
    """Return the value of ``kind`` that chooses this table out of a union."""
    field = keys(model).get("kind")
    words = get_args(field.annotation) if field is not None else ()
    return str(words[0]) if len(words) == 1 else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem lies."""

    path: tuple[int | str, ...]
    """Keys and list positions as they stand in the file."""
    models: tuple[Model, ...]
    """The tables that may stand at the end of the path."""
    field: FieldInfo | None
    """The field at the end of the path, where there is one."""

    @property
    def dotted(self) -> str:
        """The path for a person, such as ``tariff.import.rules[2].from`` (positions count from 1)."""
        text = ""
        for part in self.path:
            text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def known_keys(self) -> list[str]:
        """Return every key a table here may have."""
        return sorted({key for model in self.models for key in keys(model)})


def locate(root: Model, location: Location) -> Place:
    """Return the place that pydantic means by ``location``, which also names the members of unions it chose."""
    place = Place((), (root,), None)
    for part in location:
        chosen = tuple(model for model in place.models if kind_of(model) == part)
        if len(place.models) > 1 and chosen:
            place = Place(place.path, chosen, place.field)
        elif isinstance(part, int):
            place = Place((*place.path, part), place.models, place.field)
        else:
            fields = [keys(model)[part] for model in place.models if part in keys(model)]
            found = tuple(model for field in fields for model in models_in(field.annotation))
            place = Place((*place.path, part), found, fields[0] if fields else None)
    return place


def value_paths(model: Model, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every value a table can hold; lists of tables count as one value."""
    for key, field in keys(model).items():
        below = () if holds_list(field.annotation) else tuple(models_in(field.annotation))
        if not below:
            yield (*above, key)
        for part in below:
            yield from value_paths(part, (*above, key))


def holds_list(annotation: Any) -> bool:
    """Return whether a field is a list, or a list or nothing."""
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        return any(holds_list(part) for part in get_args(annotation))
    return get_origin(annotation) in (tuple, list)
