"""Finds strategies by the entry-point group ``sunshift.strategies``: ours by the same door as anyone's.

A plug-in that cannot be loaded is reported, and keeps nobody else from running.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from optimizer.control.strategy import Strategy
from optimizer.errors import StrategyError

GROUP = "sunshift.strategies"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyEntry:
    """One name in the group: a strategy, or the reason why it is none."""

    name: str
    origin: str
    """Where it comes from, such as ``strategies.time_of_use:TimeOfUse (sunshift 0.1.0)``."""
    strategy: type[Strategy] | None = None
    error: str | None = None
    """Why it cannot be used; None: it can."""

    @property
    def parameters(self) -> type[BaseModel] | None:
        """Schema of its parameters."""
        return None if self.strategy is None else self.strategy.Parameters

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return "" if self.strategy is None else self.strategy.description


def installed_strategies() -> dict[str, StrategyEntry]:
    """Return every installed strategy by name, broken ones included with their error."""
    found: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=GROUP):
        if point not in found[point.name]:
            found[point.name].append(point)
    return {name: _entry(name, points) for name, points in sorted(found.items())}


def create_strategy(name: str, table: Mapping[str, Any]) -> Strategy:
    """Return a strategy with its parameters.

    Parameters
    ----------
    name
        Name of the entry point.
    table
        Its own table of the configuration, ``[strategies.<name>]``.

    Raises
    ------
    StrategyError
        There is no such strategy, or it cannot be used.
    pydantic.ValidationError
        The table does not fit its parameters.
    """
    entries = installed_strategies()
    if name not in entries:
        raise StrategyError(_unknown(name, entries))
    entry = entries[name]
    if entry.strategy is None:
        msg = f"strategy {name!r} cannot be used: {entry.error}"
        raise StrategyError(msg)
    parameters = entry.strategy.Parameters.model_validate(dict(table))
    try:
        return entry.strategy(parameters)
    except Exception as error:
        msg = f"strategy {name!r} ({entry.origin}) could not be set up: {type(error).__name__}: {error}"
        raise StrategyError(msg) from error


def _entry(name: str, points: list[EntryPoint]) -> StrategyEntry:
    if len(points) > 1:
        origins = " and ".join(_origin(point) for point in points)
        error = f"{len(points)} packages claim this name: {origins}; uninstall all but one"
        return StrategyEntry(name=name, origin=origins, error=error)
    try:
        loaded = points[0].load()
    except Exception as error:  # a plug-in may fail in any way, and must not stop us
        problem: str | None = f"{type(error).__name__}: {error}"
        loaded = None
    else:
        problem = _defect(loaded)
    return StrategyEntry(name=name, origin=_origin(points[0]), strategy=None if problem else loaded, error=problem)


def _origin(point: EntryPoint) -> str:
    package = "" if point.dist is None else f" ({point.dist.name} {point.dist.version})"
    return point.value + package


def _defect(loaded: Any) -> str | None:
    """Return why an object is no strategy, or None."""
    if not isinstance(loaded, type):
        return f"{loaded!r} is not a class"
    parameters = getattr(loaded, "Parameters", None)
    if not (isinstance(parameters, type) and issubclass(parameters, BaseModel)):
        return "it has no `Parameters`, a pydantic model"
    if not isinstance(getattr(loaded, "description", None), str):
        return "it has no `description`, one sentence"
    missing = [method for method in ("shape", "decide") if not callable(getattr(loaded, method, None))]
    if missing:
        return f"it has no method {' and no '.join(missing)}"
    required = [name for name, field in parameters.model_fields.items() if field.is_required()]
    return f"its parameters {', '.join(required)} have no default" if required else None


def _unknown(name: str, entries: Mapping[str, StrategyEntry]) -> str:
    close = get_close_matches(name, entries, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"there is no strategy {name!r}{hint} Installed: {', '.join(entries) or 'none'}."
