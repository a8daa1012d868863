"""What either form of the recursion hands back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import WorthCurve


class Pieces(NamedTuple):
    """The worth curves of all futures at one instant, end to end."""

    slopes: Floats
    """Worth of one more kWh, not increasing within a future, shape (total,) [currency/kWh]."""
    widths: Floats
    """Shape (total,) [kWh]."""
    counts: NDArray[np.int64]
    """Segments of each future, shape (scenarios,)."""
    at_lowest: Floats
    """Worth of the lowest energy, shape (scenarios,) [currency]."""


class Worths(Protocol):
    """What stored energy is worth along each future, at the start and at the ends of the first intervals."""

    @property
    def kept(self) -> int:
        """How many intervals, from the first on, can be asked for."""
        ...

    @property
    def first_relaxed(self) -> int | None:
        """First interval of any future whose cost was replaced by its convex hull."""
        ...

    @property
    def start_values(self) -> Floats:
        """Worth at the start of the plan, less the optimal cost from there, shape (scenarios,) [currency]."""
        ...

    def end_curve(self, scenario: int, step: int) -> WorthCurve:
        """Return the worth along one future at the end of an interval."""
        ...

    def end_pieces(self, step: int) -> Pieces:
        """Return the worths along all futures at the end of an interval."""
        ...
