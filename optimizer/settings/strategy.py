"""The section ``[strategy]``: which policy decides."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from optimizer.settings.section import Section


class StrategySettings(Section):
    """Which policy decides; its own parameters stand in ``[strategies.<name>]``."""

    name: Annotated[str, StringConstraints(min_length=1)] = Field(default="time_of_use")
    """Name of an installed strategy; `sunshift strategies` lists them."""
