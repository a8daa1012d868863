"""One possible future of the home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Load, sun and, where they differ from the expected ones, prices over the planning grid."""

    weight: float
    """Probability; the weights of a set add up to 1."""
    load_w: Sequence[float]
    """House load, a tuple or a :class:`Row`, shape (count,) [W]."""
    pv_w: Sequence[float]
    """PV production available, a tuple or a :class:`Row`, shape (count,) [W]."""
    import_price_per_kwh: Sequence[float] | None = None
    """This future's import prices, shape (count,) [currency/kWh]; None: those of the problem."""
    export_price_per_kwh: Sequence[float] | None = None
    """This future's export prices, shape (count,) [currency/kWh]; None: those of the problem."""
