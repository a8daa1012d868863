"""Public holidays of a country or one of its states."""

from __future__ import annotations

import threading
from datetime import date

import holidays


class PublicHolidays:
    """A set of local dates that can be asked from any thread; the library works out a year when first asked for it.

    Parameters
    ----------
    country
        ISO 3166 code of the country.
    subdivision
        ISO 3166-2 code of the state or canton, where its own holidays count as well.
    """

    def __init__(self, country: str, subdivision: str | None = None) -> None:
        self._days = holidays.country_holidays(country, subdiv=subdivision)
        self._lock = threading.Lock()
        self._of = (country, subdivision)

    def __reduce__(self) -> tuple[type[PublicHolidays], tuple[str, str | None]]:
        """Travel to another process by name."""
        return PublicHolidays, self._of

    def __contains__(self, day: object) -> bool:
        with self._lock:
            return isinstance(day, date) and day in self._days
