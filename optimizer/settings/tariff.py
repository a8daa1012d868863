"""The sections ``[tariff.import]``, ``[tariff.export]`` and ``[tariff.demand]``: what energy costs and earns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.places import ReadableFile
from optimizer.settings.quantities import NonNegative, Number, Share
from optimizer.settings.section import Conflict, Section
from optimizer.settings.site import Timezone
from optimizer.settings.tariff_calendar import HolidaySettings, RuleSettings, TimeOfDay


class PriceRuleSettings(RuleSettings):
    """A price on the local clock."""

    price_per_kwh: Number = Field(examples=[0.32])
    """Price while this rule holds [currency/kWh]."""


class SurchargeRuleSettings(RuleSettings):
    """A surcharge on the local clock, such as a grid fee that changes over the day."""

    surcharge_per_kwh: Number = Field(examples=[0.02])
    """Surcharge while this rule holds, on top of the fixed one [currency/kWh]."""


class FeeSettings(HolidaySettings):
    """What comes on top of any price: ``(value + surcharges) * (1 + vat)``."""

    surcharge_per_kwh: Number = 0.0
    """Fixed surcharge before VAT: grid fees, levies, margin [currency/kWh]."""
    vat: Share = 0.0
    """Value-added tax on value and surcharges, as a share: 0.19 for 19 %."""
    surcharge_rules: tuple[SurchargeRuleSettings, ...] = ()
    """Surcharges that change with the local clock; the first rule that holds counts."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what the calendars cannot know."""
        yield from self.holiday_conflicts(self.surcharge_rules)


class FixedTariffSettings(FeeSettings):
    """One price at all times."""

    kind: Literal["fixed"]
    """fixed: one price at all times."""
    price_per_kwh: Number = Field(examples=[0.32])
    """The price [currency/kWh]."""


class TimeOfUseTariffSettings(FeeSettings):
    """Prices by a calendar on the local clock."""

    kind: Literal["time_of_use"]
    """time_of_use: prices by weekday, season, holidays and time of day, on the local clock."""
    price_per_kwh: Number = Field(examples=[0.28])
    """Price when no rule holds [currency/kWh]."""
    rules: Annotated[tuple[PriceRuleSettings, ...], Field(min_length=1)]
    """Rules in order; the first that holds sets the price."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what the calendars cannot know."""
        yield from self.holiday_conflicts((*self.rules, *self.surcharge_rules))


class FileTariffSettings(FeeSettings):
    """Prices from a CSV file that another program keeps up to date."""

    kind: Literal["file"]
    """file: prices from a CSV file; it is read again whenever it changes."""
    path: ReadableFile = Field(examples=["day_ahead.csv"])
    """The CSV file: `timestamp` (start of the interval, with offset) and a price column."""
    column: Annotated[str, Field(min_length=1)] = "price_eur_per_kwh"
    """Name of the price column."""
    unit: Literal["eur_per_kwh", "ct_per_kwh", "eur_per_mwh"] | None = Field(default=None, examples=["eur_per_mwh"])
    """Unit of the column (for any currency); absent: per kWh, and prices that look like cents are refused."""
    published: Literal["day-ahead", "known"] = "day-ahead"
    """day-ahead: a price is known from publication_time of the day before; known: always."""
    publication_time: TimeOfDay = Field(default=time(12, 45))
    """When the prices of the next day are published, on the clock of publication_timezone."""
    publication_timezone: Timezone = "Europe/Brussels"
    """Time zone of the market; its calendar day is the day of delivery."""


Kind = FixedTariffSettings | TimeOfUseTariffSettings | FileTariffSettings
PriceSettings = Annotated[Kind, Field(discriminator="kind")]
"""One source of prices, chosen by ``kind``."""


class WindowSettings(RuleSettings):
    """When a peak counts towards the demand charge."""


class DemandSettings(HolidaySettings):
    """A price on the highest mean import of a billing period."""

    price_per_kw: NonNegative = Field(examples=[90.0])
    """Price of one kilowatt of billing peak, per period [currency/kW]."""
    period: Literal["month", "year"] = Field(examples=["year"])
    """Billing period after which the peak starts anew."""
    interval: Annotated[Duration, within(UNITS["min"], UNITS["h"])] = Field(default=15 * UNITS["min"])
    """Interval over which the meter averages."""
    free_kw: NonNegative = 0.0
    """Peak that costs nothing, or is paid for in any case [kW]."""
    windows: tuple[WindowSettings, ...] = ()
    """When a peak counts; absent: always."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield intervals that no meter uses."""
        if timedelta(hours=1) % self.interval:
            yield Conflict("interval", "must divide an hour: 15min, 30min and 1h do")
        yield from self.holiday_conflicts(self.windows)


class TariffSettings(Section):
    """What energy costs and earns; all prices in the site's currency."""

    import_: PriceSettings = Field(alias="import")
    """Price of energy from the grid."""
    export: PriceSettings = Field(examples=[{"price_per_kwh": 0.08}])
    """What energy fed into the grid earns."""
    demand: DemandSettings | None = None
    """Demand charge, where the tariff has one."""
