"""The billing peak of the running period, from the home's own history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from optimizer.domain.prices import DemandCharge
from optimizer.domain.time_grid import Interval, TimeGrid, common_step
from optimizer.history.mean_powers import Floats
from optimizer.history.port import HistoryReader

REGISTER_STEP = timedelta(minutes=5)
"""How finely import is told apart from export: history keeps five-minute means for years, readings for weeks."""

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

    def metered(self, instant: datetime) -> Interval:
        """Return the meter's interval that holds an instant."""
        ...

    def counts(self, interval: Interval) -> bool:
        """Return whether the import of an interval counts towards the peak."""
        ...

    def charge(self, peak_so_far_w: float) -> DemandCharge:
        """Return the price on import above the peak already paid for."""
        ...


class BillingPeak:
    """Keeps the peak so far and reads only what has been metered since it was last asked.

    A peak is a mean of what the import register counts: what is exported within the interval takes nothing off.

    Parameters
    ----------
    tariff, history
        How peaks are billed, and what was metered.
    register_step
        The finest interval that the history tells apart.
    """

    def __init__(self, tariff: PeakTariff, history: HistoryReader, *, register_step: timedelta = REGISTER_STEP) -> None:
        self._tariff = tariff
        self._history = history
        self._register_step = common_step(tariff.interval, register_step)
        self._period: Interval | None = None
        self._read_up_to: datetime | None = None
        self._peak_w = 0.0

    def metered(self, now: datetime) -> Interval:
        """Return the interval of the meter that holds the present."""
        return self._tariff.metered(now)

    def charge(self, now: datetime) -> DemandCharge | None:
        """Return the demand charge that holds now, with the peak so far; None while import does not count."""
        if not self._tariff.counts(self._tariff.metered(now)):
            return None
        self._read(now)
        return self._tariff.charge(self._peak_w)

    def over_horizon(self, now: datetime, grid: TimeGrid) -> DemandCharge:
        """Return the demand charge of the running period, and in which intervals to come import counts."""
        self._read(now)
        counts = tuple(self._tariff.counts(self._tariff.metered(one.start)) for one in grid)
        return replace(self._tariff.charge(self._peak_w), counts=None if all(counts) else counts)

    def _read(self, now: datetime) -> None:
        complete = self._tariff.metered(now).start
        period = self._tariff.billing_period(complete)
        if period != self._period or self._read_up_to is None:
            first = self._tariff.metered(period.start)
            # An interval belongs to the period in which it begins.
            self._read_up_to = first.start if first.start >= period.start else first.end
            self._period, self._peak_w = period, 0.0
        while self._read_up_to < complete:
            end = min(self._read_up_to + LONGEST_QUERY // self._tariff.interval * self._tariff.interval, complete)
            self._peak_w = max(self._peak_w, self._peak_between(self._read_up_to, end))
            self._read_up_to = end

    def _peak_between(self, start: datetime, end: datetime) -> float:
        step, size = self._tariff.interval, self._tariff.interval // self._register_step
        means = self._history.means(start, end, self._register_step)
        imports_w = _mean_imports_w(means.grid_power_w.reshape(-1, size))
        higher = np.flatnonzero(imports_w > self._peak_w)
        starts = (datetime.fromtimestamp(start_s, UTC) for start_s in means.starts_s[::size][higher].tolist())
        counted = [self._tariff.counts(Interval(start=instant, end=instant + step)) for instant in starts]
        return float(imports_w[higher][counted].max(initial=0.0))


def _mean_imports_w(grid_w: Floats) -> Floats:
    """Return the mean import of each of the meter's intervals, shape (n,); 0 where less than half was measured."""
    measured = ~np.isnan(grid_w)
    imported = np.where(measured, np.maximum(grid_w, 0.0), 0.0).sum(axis=1)
    count = measured.sum(axis=1)
    means: Floats = np.divide(imported, count, out=np.zeros(len(grid_w)), where=2 * count >= grid_w.shape[1])
    return means
