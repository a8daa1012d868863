"""Rules on the local clock, as they stand in the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from optimizer.settings.section import Conflict, Section
from optimizer.settings.suggestion import one_of

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Month = Literal["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MONTHS: tuple[Month, ...] = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


def parse_time_of_day(value: Any) -> time:
    """Return the local time a text such as ``06:00`` names; ``24:00`` is midnight at the end of the day."""
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (match[1] == "24" and match[2] != "00"):
        raise ValueError('must be a time of day between "00:00" and "24:00", such as "06:30"')
    return time(int(match[1]) % 24, int(match[2]))


TimeOfDay = Annotated[
    time, BeforeValidator(parse_time_of_day), PlainSerializer(lambda value: f"{value:%H:%M}", return_type=str)
]
"""A local time of day, to the minute."""


def _subdivisions_by_country() -> dict[str, list[str]]:
    import holidays  # noqa: PLC0415 - a large library, which only a tariff with a country needs

    return holidays.list_supported_countries(include_aliases=True)


def _known_country(code: str) -> str:
    countries = _subdivisions_by_country()
    if code not in countries:
        msg = f"unknown country {code!r}: {one_of(code, countries) if len(code) > 1 else 'write its ISO code'}"
        raise ValueError(msg)
    return code


Country = Annotated[str, AfterValidator(_known_country)]
"""A country by its ISO 3166 code."""


class RuleSettings(Section):
    """When a rule holds: every condition given must be met; none given means always."""

    name: str | None = Field(default=None, examples=["peak"])
    """What to call this rule where decisions are explained."""
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[["mon", "fri"]]
    )
    """Days of the week on which it holds: mon, tue, wed, thu, fri, sat, sun; absent: all."""
    months: Annotated[tuple[Month, ...], Field(min_length=1)] | None = Field(default=None, examples=[["jun", "jul"]])
    """Months in which it holds: jan to dec; absent: all."""
    holidays: bool | None = Field(default=None, examples=[False])
    """true: on public holidays only; false: never on them; absent: holidays are days like others."""
    start: TimeOfDay = Field(default=time(0), alias="from", examples=["17:00"])
    """Local time from which it holds."""
    end: TimeOfDay = Field(default=time(0), alias="to", examples=["21:00"])
    """Local time until which it holds; a rule that wraps over midnight belongs to the day it began on."""


class HolidaySettings(Section):
    """Whose public holidays a calendar means."""

    country: Country | None = Field(default=None, examples=["DE"])
    """Country whose public holidays count, as its ISO code; needed where a rule speaks of holidays."""
    subdivision: str | None = Field(default=None, examples=["BW"])
    """State or canton whose holidays count as well, as its ISO code."""

    def holiday_conflicts(self, rules: tuple[RuleSettings, ...]) -> Iterator[Conflict]:
        """Yield rules about holidays without a country, and states the country does not have."""
        if self.country is None:
            if any(rule.holidays is not None for rule in rules):
                yield Conflict("country", 'is required where a rule speaks of holidays: write its code, such as "DE"')
            elif self.subdivision is not None:
                yield Conflict("subdivision", "needs the country it belongs to")
            return
        known = _subdivisions_by_country()[self.country]
        if self.subdivision is not None and self.subdivision not in known:
            hint = one_of(self.subdivision, known) if known else "leave it out"
            yield Conflict("subdivision", f"{self.country} has no {self.subdivision!r}: {hint}")
