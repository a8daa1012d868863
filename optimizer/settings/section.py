"""What every section of the configuration has in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two values of a section that cannot both be meant."""

    key: str
    """The key to change."""
    message: str
    """What is wrong and what to do."""


class ConflictError(ValueError):
    """All conflicts of a section; a ValueError so that pydantic collects it beside those of other sections."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        super().__init__("; ".join(f"{conflict.key}: {conflict.message}" for conflict in conflicts))


class Section(BaseModel):
    """One table of the TOML file: frozen, closed to unknown keys, finite numbers only, silent about its input.

    The docstring under each field is its description: the reference file, the error messages
    (:mod:`optimizer.settings.descriptions`) and the editor show it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_by_name=False,
        validate_by_alias=True,
    )

    def conflicts(self) -> Iterable[Conflict]:
        """Yield what is right by itself and wrong together."""
        return ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        found = list(self.conflicts())
        if found:
            raise ConflictError(found)
        return self
