"""The section ``[history]``: how long measurements are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.section import Section


class HistorySettings(Section):
    """How long measurements and decisions are kept."""

    retention: Annotated[Duration, within(28 * UNITS["d"])] = Field(default=400 * UNITS["d"])
    """How long to keep measurements and decisions; forecasts need the last four weeks."""
