"""What the docstring beneath a field says of it: the reference file and the error messages show it.

pydantic would read it as well (``use_attribute_docstrings``), but the sources of every table at every start: a
fourteenth of the time to READY, for what a service that starts shows nobody.
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
    """Give every field of a table, and of those within it, its description."""
    told = {name: text for one in reversed(root.__mro__) if _is_a_table(one) for name, text in _beneath_fields(one)}
    for name, field in root.model_fields.items():
        field.description = field.description or told.get(name)
        for table in models_in(field.annotation):
            describe(table)


def _is_a_table(one: type) -> bool:
    """Return whether a class is one of ours: what pydantic has above them holds no keys."""
    return one.__module__.partition(".")[0] == __name__.partition(".")[0]


def _beneath_fields(table: type) -> Iterator[tuple[str, str]]:
    try:
        source = dedent(getsource(table))
    except OSError:
        return  # an installation without its sources: a message without a description is better than none
    definition = next(one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.ClassDef))
    for field, after in pairwise(definition.body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, cleandoc(text)
