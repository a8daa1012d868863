"""The section ``[history]``: how long measurements are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.section import Section


class HistorySettings(Section):
    """How long measurements and decisions are kept."""

    retention: Annotated[Duration, within(28 * UNITS["d"])] = Field(default=100 * UNITS["d"])
    """How long to keep every reading (about 3 MB a day); means of five minutes are kept for good."""
