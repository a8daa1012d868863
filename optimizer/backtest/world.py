"""What happened at the home, and what it cost: the truth that every run of a backtest is billed against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.errors import BacktestError
from optimizer.history.recording import LOAD_AND_SUN, Recording
from optimizer.history.recording_gaps import LONGEST_BRIDGE, runs_of
from optimizer.tariffs.tariff import Tariff

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stretch without long gaps; arrays have shape (count,)."""

    grid: TimeGrid
    load_w: Floats
    pv_w: Floats
    buy: Floats
    """Import price [currency/kWh]."""
    sell: Floats
    """Export price [currency/kWh]."""
    bridged_prices: int = 0
    """Gaps in the prices of at most an hour, bridged by the price before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is replayed."""

    start: datetime
    end: datetime
    step: timedelta
    spans: tuple[Span, ...]

    @property
    def mean_import_price(self) -> float:
        """Mean import price of all intervals replayed [currency/kWh]."""
        return float(np.mean(np.concatenate([span.buy for span in self.spans])))


def choose_period(
    recording: Recording, tariff: Tariff, *, start: datetime | None, end: datetime | None, warm_up: timedelta
) -> Period:
    """Return the spans to replay, with the prices they are billed at.

    Raises
    ------
    BacktestError
        The recording is too short, holds registers only, or a price is not known; or the end is not after the start.
    """
    _require_load_and_sun(recording)
    if start is not None and end is not None and end <= start:
        msg = f"the replay would end at {end.isoformat()}, not after its start at {start.isoformat()}"
        raise BacktestError(msg)
    earliest = recording.start + warm_up
    first, last = max(start or earliest, recording.start), min(end or recording.end, recording.end)
    if first < earliest:
        msg = (
            f"the replay cannot start at {first.isoformat()}: the first {warm_up.days} days of {recording.path} feed "
            f"the history, so {earliest.isoformat()} is the earliest; start later or lower --warm-up"
        )
        raise BacktestError(msg)
    found = [_clipped(span, first, last, recording.step) for span in recording.spans] if first < last else []
    grids = [grid for grid in found if grid is not None]
    if not grids:
        asked = f"from {first.isoformat()} on" if end is None else f"between {first.isoformat()} and {end.isoformat()}"
        msg = (
            f"{recording.path}: nothing to replay {asked}; it holds "
            f"{recording.start.isoformat()} to {recording.end.isoformat()}, of which "
            f"{warm_up.days} days feed the history (--warm-up)"
        )
        raise BacktestError(msg)
    frame = held_frame(recording)
    spans = tuple(_span(grid, frame, tariff) for grid in grids)
    return Period(start=grids[0].start, end=grids[-1].end, step=recording.step, spans=spans)


def _require_load_and_sun(recording: Recording) -> None:
    if recording.has_registers_only:
        msg = (
            f"{recording.path}: load and sun are not recorded; a replay needs consumption_w and production_w, "
            "since the utility's registers do not tell what the house used of its own sun"
        )
        raise BacktestError(msg)
    for name in LOAD_AND_SUN:
        if name not in recording.frame or recording.frame[name].isna().all():
            msg = f"{recording.path}: {name} is not recorded; write 0 throughout where the home has no sun"
            raise BacktestError(msg)


def held_frame(recording: Recording) -> pd.DataFrame:
    """Return what was recorded, each bridged gap filled with the last value before it.

    The straight line that bridges a gap elsewhere leads to the first value after it, which nobody knows in the gap.
    """
    frame = recording.frame.copy()
    for gap in recording.bridged:
        first, after = ((at - recording.start) // recording.step for at in (gap.start, gap.end))
        values = frame[gap.column].to_numpy(dtype=np.float64, copy=True)
        values[first:after] = values[first - 1]
        frame[gap.column] = values
    return frame


def _clipped(span: Interval, first: datetime, last: datetime, step: timedelta) -> TimeGrid | None:
    # Whole intervals of the recording only: ceil the start, floor the end.
    start = span.start + max(0, -((span.start - first) // step)) * step
    count = (min(span.end, last) - start) // step
    return TimeGrid(start=start, step=step, count=count) if count > 0 else None


def _span(grid: TimeGrid, frame: pd.DataFrame, tariff: Tariff) -> Span:
    rows = frame.loc[grid.start : grid.end - grid.step]
    # The bill comes when everything has been published.
    prices = tariff.prices(grid, as_of=grid.end + timedelta(days=7))
    (buy, bought), (sell, sold) = (
        _known(prices.import_per_kwh, grid, "import"),
        _known(prices.export_per_kwh, grid, "export"),
    )
    return Span(
        grid=grid,
        load_w=rows["consumption_w"].to_numpy(dtype=np.float64),
        pv_w=rows["production_w"].to_numpy(dtype=np.float64),
        buy=buy,
        sell=sell,
        bridged_prices=bought + sold,
    )


def _known(prices: tuple[float | None, ...], grid: TimeGrid, side: str) -> tuple[Floats, int]:
    """Return prices with gaps of at most an hour bridged by the price before, and how many gaps that were.

    As with load and sun: price files have a hole of an hour where the clock is set back.
    """
    known = np.array(prices, dtype=np.float64)
    gaps = runs_of(np.isnan(known))
    for first, after in gaps:
        if first == 0 or (after - first) * grid.step > LONGEST_BRIDGE:
            msg = (
                f"tariff.{side}: no price for {np.isnan(known).sum()} of {len(grid)} intervals, the first from "
                f"{grid.interval(first).start.isoformat()}; give prices for the whole period, "
                "or choose --start and --end"
            )
            raise BacktestError(msg)
        known[first:after] = known[first - 1]
    return known, len(gaps)
