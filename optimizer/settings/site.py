"""The section ``[site]``: where the home stands and what money it counts in."""

from __future__ import annotations

from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, StringConstraints

from optimizer.settings.quantities import Number
from optimizer.settings.section import Section
from optimizer.settings.suggestion import did_you_mean


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def known_timezone(name: str) -> str:
    """Return ``name`` if it is a time zone of the IANA data base."""
    if name in _zones():
        return name
    places = {zone.rsplit("/", 1)[-1]: zone for zone in sorted(_zones())}
    close = did_you_mean(name, _zones()) or did_you_mean(name.rsplit("/", 1)[-1], places)
    hint = places_hint(close, places) or "write an IANA name such as 'Europe/Berlin'"
    msg = f"unknown time zone {name!r}: {hint}"
    raise ValueError(msg)


def places_hint(question: str, places: dict[str, str]) -> str:
    """Return the question with a bare city replaced by its full zone name."""
    for city, zone in places.items():
        if question == f"did you mean {city!r}?":
            return f"did you mean {zone!r}?"
    return question


Timezone = Annotated[str, AfterValidator(known_timezone)]
"""A time zone by its IANA name."""


class SiteSettings(Section):
    """Where the home stands: its clock, its money, its sun."""

    timezone: Timezone = Field(examples=["Europe/Berlin"])
    """Time zone of the home; tariff calendars and billing periods follow its clock."""
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "EUR"
    """Currency of all prices, as its ISO 4217 code."""
    latitude: Annotated[Number, Ge(-90), Le(90)] | None = Field(default=None, examples=[47.66])
    """Latitude, north positive [degrees]; for the sun's path."""
    longitude: Annotated[Number, Ge(-180), Le(180)] | None = Field(default=None, examples=[9.18])
    """Longitude, east positive [degrees]; for the sun's path."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.timezone)
