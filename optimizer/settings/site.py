"""The section ``[site]``: where the home stands and what money it counts in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, StringConstraints

from optimizer.settings.patterns import CURRENCY
from optimizer.settings.quantities import Number
from optimizer.settings.section import Conflict, Section
from optimizer.settings.suggestion import closest, did_you_mean


def known_timezone(name: str) -> str:
    """Return ``name`` if it is a time zone of the IANA data base."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):  # a folder is an OSError, a.a.a… the last
        msg = f"unknown time zone {name!r}: {_suggestion(name) or 'write an IANA name such as Europe/Berlin'}"
        raise ValueError(msg) from None
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _suggestion(name: str) -> str:
    """Return did-you-mean for a whole name, or for its city alone."""
    zones = _zones()
    cities = {zone.rsplit("/", 1)[-1]: zone for zone in sorted(zones)}
    city = closest(name.rsplit("/", 1)[-1], cities)
    return did_you_mean(name, zones) or (f"did you mean {cities[city]!r}?" if city is not None else "")


Timezone = Annotated[str, AfterValidator(known_timezone)]
"""A time zone by its IANA name."""


class SiteSettings(Section):
    """Where the home stands: its clock, its money, its sun."""

    timezone: Timezone = Field(examples=["Europe/Berlin"])
    """Time zone of the home; tariff calendars and billing periods follow its clock."""
    currency: Annotated[str, StringConstraints(pattern=CURRENCY)] = "EUR"
    """Currency of all prices, as its ISO 4217 code."""
    latitude: Annotated[Number, Ge(-90), Le(90)] | None = Field(default=None, examples=[47.66])
    """Latitude, north positive [degrees]; for the sun's path."""
    longitude: Annotated[Number, Ge(-180), Le(180)] | None = Field(default=None, examples=[9.18])
    """Longitude, east positive [degrees]; for the sun's path."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield half a place, from which no path of the sun follows."""
        if (self.latitude is None) != (self.longitude is None):
            given, absent = ("longitude", "latitude") if self.latitude is None else ("latitude", "longitude")
            yield Conflict(absent, f"is required beside {given}: the sun's path needs both")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)
