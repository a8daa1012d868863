"""When a price becomes known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAheadPublication:
    """Prices of a day of delivery are published on the day before, at one time of the market's clock."""

    at: time
    """Time of publication on the market's clock."""
    timezone: ZoneInfo
    """Zone of the market; its calendar day is the day of delivery."""

    def known_until(self, as_of: datetime) -> datetime:
        """Return the instant before which every price has been published, as of ``as_of``, in UTC."""
        today = as_of.astimezone(self.timezone).date()
        published = as_of >= datetime.combine(today, self.at, self.timezone).astimezone(UTC)
        last_day = today + DAY if published else today
        return datetime.combine(last_day + DAY, time(0), self.timezone).astimezone(UTC)
