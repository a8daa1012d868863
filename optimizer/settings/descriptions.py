"""What the docstring beneath a field says of it: the reference file and the error messages show it.

pydantic would read it as well (``use_attribute_docstrings``), but the sources of every table at every start: a
sixth of the time to READY (`benchmarks/start_shares.py`), for what a service that starts shows nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent

from optimizer.settings.schema import Model, models_in


@cache
def describe(root: Model) -> None:
    """Give every field of a table, and of those within it, its description; nothing to a table of somebody else's."""
    if not _is_ours(root):
        return
    told = {name: text for one in reversed(root.__mro__) if _is_ours(one) for name, text in _beneath_fields(one)}
    for name, field in root.model_fields.items():
        field.description = field.description or told.get(name)
        for table in models_in(field.annotation):
            describe(table)


def _is_ours(table: type) -> bool:
    """Return whether a class is one of ours: those of pydantic above them hold no keys, a plug-in's may hold itself."""
    return table.__module__.partition(".")[0] == __name__.partition(".")[0]


def _beneath_fields(table: type) -> Iterator[tuple[str, str]]:
    try:
        module = ast.parse(dedent(getsource(table)))
    except (OSError, TypeError, SyntaxError):
        return  # sources that are gone or were replaced: a message without a description is better than none
    body = next((one.body for one in ast.walk(module) if isinstance(one, ast.ClassDef)), [])
    for field, after in pairwise(body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, cleandoc(text)
