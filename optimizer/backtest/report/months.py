"""A run's money, peaks and cycles by month and by day of the home's calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.backtest.backtest import Result, Run
from optimizer.backtest.bill import billed_peaks, interval_costs
from optimizer.backtest.world import Floats
from optimizer.domain.battery import Battery

DAY, MONTH = "%Y-%m-%d", "%Y-%m"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarParts:
    """The calendar parts of a period, and which interval lies in which."""

    labels: tuple[str, ...]
    of_interval: npt.NDArray[np.int64]
    """Place of its part for each interval of all spans, shape (count,)."""

    def sums(self, values: Floats) -> Floats:
        """Return the sum of values over each part."""
        return np.bincount(self.of_interval, weights=values, minlength=len(self.labels)).astype(np.float64)

    def highest(self, values: Floats) -> Floats:
        """Return the highest value of each part, 0 at least."""
        highest = np.zeros(len(self.labels))
        np.maximum.at(highest, self.of_interval, values)
        return highest


def calendar_parts(starts: pd.DatetimeIndex, zone: ZoneInfo, form: str) -> CalendarParts:
    """Return the days or months that intervals begin in, by the home's calendar."""
    codes, labels = pd.factorize(starts.tz_convert(zone).strftime(form))
    return CalendarParts(labels=tuple(map(str, labels)), of_interval=np.asarray(codes, dtype=np.int64))


def interval_starts(result: Result) -> pd.DatetimeIndex:
    """Return the start of every interval of all spans, one after the other."""
    spans = [
        pd.date_range(span.grid.start, periods=len(span.grid), freq=span.grid.step) for span in result.period.spans
    ]
    return pd.DatetimeIndex(np.concatenate([span.as_unit("ns").asi8 for span in spans]), tz="UTC")


def joined(run: Run, name: str) -> Floats:
    """Return one of a run's flows over all spans, one after the other."""
    values: Floats = np.concatenate([getattr(flow, name) for flow in run.flows])
    return values


def money(result: Result, run: Run, battery: Battery, parts: CalendarParts) -> Floats:
    """Return what a run cost in each part; adds up to its total cost [currency].

    What the battery holds more at a part's end than at its start is credited to that part; a billing peak is paid in
    the part that set it.
    """
    spans = result.period.spans
    pairs = list(zip(spans, run.flows, strict=True))
    costs = np.concatenate([interval_costs(span, flow, battery) for span, flow in pairs])
    gained = np.concatenate([np.diff(flow.soc, prepend=flow.start_soc) for flow in run.flows])
    credit = result.credit_per_kwh * gained * battery.usable_capacity_wh / 1000.0
    total = parts.sums(costs - credit)
    demand = result.setting.tariff.demand
    if demand is not None:
        starts = interval_starts(result)
        for peak in billed_peaks(pairs, demand):
            place = int(starts.searchsorted(pd.Timestamp(peak.at)))
            total[parts.of_interval[place]] += peak.cost
    return total


def cycles(result: Result, run: Run, battery: Battery, parts: CalendarParts) -> Floats:
    """Return the full cycles of each part: energy drawn from the store by its capacity."""
    drawn_w = np.maximum(0.0, -joined(run, "battery_w")) / battery.discharge_efficiency
    hours = result.period.step.total_seconds() / 3600.0
    return parts.sums(drawn_w * hours / battery.usable_capacity_wh)


def rounded(values: Sequence[float] | Floats, digits: int) -> list[float]:
    """Return plain rounded numbers, as a page holds them."""
    return [round(float(value), digits) + 0.0 for value in values]
