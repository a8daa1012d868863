"""A price on the highest mean import of a billing period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from optimizer.domain.prices import DemandCharge
from optimizer.domain.time_grid import Interval
from optimizer.tariffs.calendar import Calendar

Period = Literal["month", "year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandTariff:
    """How peaks are metered and billed."""

    price_per_kw: float
    """Price of one kilowatt of billing peak, per period [currency/kW]."""
    period: Period
    """Billing period, by the local calendar."""
    timezone: ZoneInfo
    interval: timedelta = timedelta(minutes=15)
    """Interval over which the meter averages."""
    free_kw: float = 0.0
    """Peak that costs nothing more: free, or paid for in any case (Flanders bills at least 2.5 kW) [kW]."""
    windows: Calendar | None = None
    """1 where a peak counts, 0 where it does not; None: it always counts."""
    anchor: datetime | None = None
    """Where one of the meter's intervals begins; None: with each billing period."""

    def billing_period(self, instant: datetime) -> Interval:
        """Return the billing period that holds an instant, by the local calendar, in UTC."""
        local = instant.astimezone(self.timezone)
        if self.period == "year":
            first, after = date(local.year, 1, 1), date(local.year + 1, 1, 1)
        else:
            first = date(local.year, local.month, 1)
            after = date(local.year + local.month // 12, local.month % 12 + 1, 1)
        return Interval(start=self._midnight(first), end=self._midnight(after))

    def metered(self, instant: datetime) -> Interval:
        """Return the meter's interval that holds an instant."""
        anchor = self.anchor or self.billing_period(instant).start
        start = anchor + (instant - anchor) // self.interval * self.interval
        return Interval(start=start, end=start + self.interval)

    def counts(self, interval: Interval) -> bool:
        """Return whether the import of an interval counts towards the peak."""
        return self.windows is None or self.windows.mean(interval) > 0

    def charge(self, peak_so_far_w: float) -> DemandCharge:
        """Return the price on import above the peak already paid for.

        Parameters
        ----------
        peak_so_far_w
            Highest mean import of the running billing period [W].
        """
        return DemandCharge(price_per_kw=self.price_per_kw, peak_so_far_w=max(peak_so_far_w, self.free_kw * 1000))

    def cost(self, peak_w: float) -> float:
        """Return what a billing period with this peak costs beyond the free part [currency]."""
        return self.price_per_kw * max(0.0, peak_w / 1000 - self.free_kw)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.timezone).astimezone(UTC)
