"""Prices over a time grid."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.domain.time_grid import TimeGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """All-in prices of every interval, per kWh; None where a price is not known (yet).

    ``import_per_kwh`` is paid for import, ``export_per_kwh`` is received for export; either may be negative.
    """

    grid: TimeGrid
    import_per_kwh: tuple[float | None, ...]
    """Shape (count,) [currency/kWh]."""
    export_per_kwh: tuple[float | None, ...]
    """Shape (count,) [currency/kWh]."""

    def __post_init__(self) -> None:
        if not len(self.import_per_kwh) == len(self.export_per_kwh) == len(self.grid):
            raise ValueError("prices must cover their time grid exactly")

    @property
    def known(self) -> int:
        """How many intervals from the start on have both prices."""
        pairs = zip(self.import_per_kwh, self.export_per_kwh, strict=True)
        unknown = (index for index, pair in enumerate(pairs) if None in pair)
        return next(unknown, len(self.grid))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandCharge:
    """A price on the highest mean import of a billing period, above the peak already paid for."""

    price_per_kw: float
    """Price of one more kilowatt of billing peak [currency/kW]."""
    peak_so_far_w: float = 0.0
    """Billing peak reached in the running period: sunk [W]."""
    counts: tuple[bool, ...] | None = None
    """Whether the import of each interval of the planning grid counts towards the peak, shape (count,); None: always.

    Tariffs with time windows bill the peak of certain hours only."""

    def counts_in(self, index: int) -> bool:
        """Return whether the import of the planning interval at ``index`` counts towards the peak."""
        return self.counts is None or self.counts[index]
