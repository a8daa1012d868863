"""One possible future of the home."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Load, sun and, where they differ from the expected ones, prices over the planning grid."""

    weight: float
    """Probability; the weights of a set add up to 1."""
    load_w: tuple[float, ...]
    """House load, shape (count,) [W]."""
    pv_w: tuple[float, ...]
    """PV production available, shape (count,) [W]."""
    import_price_per_kwh: tuple[float, ...] | None = None
    """This future's import prices, shape (count,) [currency/kWh]; None: those of the problem."""
    export_price_per_kwh: tuple[float, ...] | None = None
    """This future's export prices, shape (count,) [currency/kWh]; None: those of the problem."""
