"""The billing peak of the running period, from the home's own history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from optimizer.domain.prices import DemandCharge
from optimizer.domain.time_grid import Interval, TimeGrid, floor_to_step
from optimizer.history.port import HistoryReader

LONGEST_QUERY = timedelta(days=7)
"""History is read week by week: a year of quarter hours at once would take the loop's time and memory."""


class PeakTariff(Protocol):
    """How peaks are metered and billed: :class:`optimizer.tariffs.demand.DemandTariff`."""

    @property
    def interval(self) -> timedelta:
        """Interval over which the meter averages."""
        ...

    def billing_period(self, instant: datetime) -> Interval:
        """Return the billing period that holds an instant."""
        ...

    def counts(self, interval: Interval) -> bool:
        """Return whether the import of an interval counts towards the peak."""
        ...

    def charge(self, peak_so_far_w: float) -> DemandCharge:
        """Return the price on import above the peak already paid for."""
        ...


class BillingPeak:
    """Keeps the peak so far and reads only what has been metered since it was last asked."""

    def __init__(self, tariff: PeakTariff, history: HistoryReader) -> None:
        self._tariff = tariff
        self._history = history
        self._period: Interval | None = None
        self._read_up_to: datetime | None = None
        self._peak_w = 0.0

    def charge(self, now: datetime) -> DemandCharge | None:
        """Return the demand charge that holds now, with the peak so far; None while import does not count."""
        start = floor_to_step(now, self._tariff.interval)
        if not self._tariff.counts(Interval(start=start, end=start + self._tariff.interval)):
            return None
        self._read(now)
        return self._tariff.charge(self._peak_w)

    def over_horizon(self, now: datetime, grid: TimeGrid) -> DemandCharge:
        """Return the demand charge of the running period, and in which intervals to come import counts."""
        self._read(now)
        counts = tuple(map(self._tariff.counts, grid))
        return replace(self._tariff.charge(self._peak_w), counts=None if all(counts) else counts)

    def _read(self, now: datetime) -> None:
        period = self._tariff.billing_period(now)
        if period != self._period or self._read_up_to is None:
            self._period, self._read_up_to, self._peak_w = period, period.start, 0.0
        complete = floor_to_step(now, self._tariff.interval)
        while self._read_up_to < complete:
            end = min(self._read_up_to + LONGEST_QUERY, complete)
            self._peak_w = max(self._peak_w, self._peak_between(self._read_up_to, end))
            self._read_up_to = end

    def _peak_between(self, start: datetime, end: datetime) -> float:
        step = self._tariff.interval
        means = self._history.means(start, end, step)
        higher = np.flatnonzero(means.grid_power_w > self._peak_w)  # never where it was not measured
        starts = (datetime.fromtimestamp(start_s, UTC) for start_s in means.starts_s[higher].tolist())
        counted = [self._tariff.counts(Interval(start=instant, end=instant + step)) for instant in starts]
        return float(means.grid_power_w[higher][counted].max(initial=0.0))
