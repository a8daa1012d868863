"""Pydantic's findings as sentences: what is wrong, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from optimizer.errors import ConfigProblem
from optimizer.settings.descriptions import describe
from optimizer.settings.patterns import CURRENCY, HOST
from optimizer.settings.schema import Model, Place, kind_of, locate
from optimizer.settings.section import ConflictError
from optimizer.settings.suggestion import did_you_mean, one_of

Origin = Callable[[tuple[int | str, ...]], str | None]

_SECRET = re.compile(r"token|password|passwd|secret|api_?key|credential", re.IGNORECASE)
_NO_SECRETS_HERE = (
    "a secret does not belong in the configuration: put it alone into a file of mode 0600 and name that file in "
    "battery.token_file, or hand it over as the systemd credential 'sunshift-token'"
)
_KIND_OF_VALUE = {
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotation marks",
    "path_type": "must be a path in quotation marks",
    "tuple_type": "must be a list in square brackets",
    "list_type": "must be a list in square brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
}
_COMPARISONS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_PATTERNS = {
    CURRENCY: 'must be a currency code of three capital letters, such as "EUR"',
    HOST: "must be an address or a name alone, without http://, port (that is battery.port), path or blanks, "
    'such as "192.168.1.20"',
}


def is_secret(key: str) -> bool:
    """Return whether a key names something nobody may see; the file that holds it may be seen."""
    return _SECRET.search(key) is not None and not key.endswith(("_file", "_path"))


def problems_of(
    error: ValidationError, root: Model, *, origin: Origin, above: tuple[str, ...] = ()
) -> Iterator[ConfigProblem]:
    """Yield one problem for each finding.

    Parameters
    ----------
    error
        What pydantic found.
    root
        The model that was to be built.
    origin
        Where the value at a path came from.
    above
        Path of the model itself.
    """
    describe(root)
    details = error.errors(include_url=False)
    for detail in details:
        if _follows_from_another(detail, details):
            continue
        place = locate(root, detail["loc"])
        place = Place((*above, *place.path), place.models, place.field)
        for found, message in _findings(detail, place, root):
            yield ConfigProblem(path=found.dotted, message=message + _whence(origin(found.path)))


def _follows_from_another(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Return whether a finding is only the shadow of another one."""
    if detail["type"] == "default_factory_not_called":
        return True  # a default that depends on a value that is wrong itself
    # A list with a wrong item looks too short as well.
    return detail["type"] == "too_short" and any(_lies_below(other, detail) for other in details)


def _lies_below(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    size = len(outer["loc"])
    return len(inner["loc"]) > size and inner["loc"][:size] == outer["loc"]


def _whence(origin: str | None) -> str:
    """Return a remark where the value does not stand in the file the error is about."""
    return f" (from {origin})" if origin is not None and origin.startswith("environment") else ""


def _findings(detail: ErrorDetails, place: Place, root: Model) -> Iterator[tuple[Place, str]]:
    cause = (detail.get("ctx") or {}).get("error")
    if isinstance(cause, ConflictError):
        for conflict in cause.conflicts:
            yield Place((*place.path, conflict.key), (), None), conflict.message
    elif detail["type"] == "extra_forbidden":
        yield place, _unknown_key(detail, root)
    else:
        yield place, _sentence(detail, place)


def _unknown_key(detail: ErrorDetails, root: Model) -> str:
    key = str(detail["loc"][-1])
    if is_secret(key):
        return _NO_SECRETS_HERE
    known = locate(root, detail["loc"][:-1]).known_keys()
    return f"unknown key: {did_you_mean(key, known) or 'the keys here are ' + ', '.join(known)}"


def _sentence(detail: ErrorDetails, place: Place) -> str:
    kind, given = detail["type"], detail["input"]
    writers: dict[str, Callable[[], str]] = {
        "missing": lambda: _missing(place),
        "union_tag_not_found": lambda: _kind(place, given),
        "union_tag_invalid": lambda: _kind(place, given),
        "literal_error": lambda: _choice(detail["ctx"], given),
        "string_pattern_mismatch": lambda: _pattern(detail["ctx"]["pattern"]),
        "value_error": lambda: str(detail["ctx"]["error"]),
        **dict.fromkeys(_COMPARISONS, lambda: _bound(kind, detail["ctx"], given)),
        **dict.fromkeys(_KIND_OF_VALUE, lambda: f"{_KIND_OF_VALUE[kind]}, got {_named(given)}"),
    }
    write = writers.get(kind)
    return detail["msg"][0].lower() + detail["msg"][1:] if write is None else write()


def _pattern(pattern: str) -> str:
    return _PATTERNS.get(pattern, f"must match {pattern}")


def _missing(place: Place) -> str:
    description = (place.field.description or "") if place.field is not None else ""
    first = description.split(". ")[0].rstrip(".").replace("\n", " ")
    what = "this table is required" if place.models else "is required"
    return f"{what}: {first[:1].lower()}{first[1:]}" if first else what


def _kind(place: Place, given: Any) -> str:
    kinds = [name for name in map(kind_of, place.models) if name is not None]
    if isinstance(given, Mapping) and isinstance(given.get("kind"), str):
        return f"kind {given['kind']!r} is not known: {one_of(given['kind'], kinds)}"
    if isinstance(given, Mapping):
        return f"kind is required: choose one of {', '.join(sorted(kinds))}"
    return f"must be a table, got {_named(given)}"


def _choice(context: Mapping[str, Any], given: Any) -> str:
    words = re.findall(r"'([^']*)'", str(context["expected"]))
    if not isinstance(given, str):
        return f"must be one of {', '.join(words)}, got {_named(given)}"
    close = did_you_mean(given, words)
    return f"must be one of {', '.join(words)}" + (f"; {close}" if close else "")


def _bound(kind: str, context: Mapping[str, Any], given: Any) -> str:
    name, words = _COMPARISONS[kind]
    shown = f", got {_figure(given)}" if isinstance(given, int | float) else ""
    return f"must be {words} {context[name]:g}{shown}"


def _named(given: Any) -> str:
    """Return what kind of thing was given; a text itself is not repeated, it may be a secret in the wrong place."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return _figure(given)
    names = {str: "text", list: "a list", dict: "a table", type(None): "nothing"}
    return names.get(type(given), f"a {type(given).__name__}")


def _figure(given: float) -> str:
    """Return a number as text; TOML holds whole numbers of any length."""
    try:
        return f"{given:g}"
    except OverflowError:
        return "a number of hundreds of digits"
