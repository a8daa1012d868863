"""Every field of the configuration is described by the docstring beneath it."""

from typing import Annotated

import pytest

from optimizer.settings import Settings, descriptions
from optimizer.settings.descriptions import describe
from optimizer.settings.schema import Model, models_in
from optimizer.settings.section import Section


def undescribed(table: Model) -> list[str]:
    """Return the fields of a table, and of those within it, that nothing is said of."""
    found = [f"{table.__name__}.{name}" for name, field in table.model_fields.items() if not field.description]
    return found + [
        name
        for field in table.model_fields.values()
        for one in models_in(field.annotation)
        for name in undescribed(one)
    ]


def test_every_field_is_described() -> None:
    """In every table, whatever union or list it stands in."""
    describe(Settings)
    assert undescribed(Settings) == []


class Above(Section):
    """What a table takes over."""

    taken_over: int = 1
    """Of another table."""
    overruled: int = 1
    """As it was."""


class Below(Above):
    """A table within another."""

    overruled: int = 2
    """As it is,
    in two lines.
    """
    silent: int = 3


class Whole(Section):
    """A table with tables in it."""

    below: Annotated[Below, "in brackets"] | None = None


def test_what_is_inherited_is_described_and_what_is_overruled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no docstring has no description."""
    monkeypatch.setattr(descriptions, "__name__", __name__)
    describe.__wrapped__(Whole)
    told = {name: field.description for name, field in Below.model_fields.items()}
    assert told == {"taken_over": "Of another table.", "overruled": "As it is,\nin two lines.", "silent": None}


class Circle(Section):
    """A plug-in's own, with itself in it."""

    inner: "Circle | None" = None
    """What it says of that is its own affair."""


def test_a_table_of_somebody_elses_is_left_alone() -> None:
    """It may hold itself."""
    describe(Circle)
    assert Circle.model_fields["inner"].description is None


@pytest.mark.parametrize("source", [OSError(), TypeError(), "class (", "replaced = 1"])
def test_without_sources_there_is_no_description(source: str | Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is told all the same: they may be gone, or replaced by an update."""

    def lost(_: object) -> str:
        if isinstance(source, Exception):
            raise source
        return source

    monkeypatch.setattr(descriptions, "getsource", lost)
    assert list(descriptions._beneath_fields(Above)) == []
