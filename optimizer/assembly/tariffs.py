"""From settings to the tariff of the home."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date
from functools import singledispatch
from zoneinfo import ZoneInfo

from optimizer.settings import Settings
from optimizer.settings.tariff import (
    DemandSettings,
    FeeSettings,
    FileTariffSettings,
    FixedTariffSettings,
    TimeOfUseTariffSettings,
)
from optimizer.settings.tariff_calendar import MONTHS, WEEKDAYS, HolidaySettings, RuleSettings
from optimizer.tariffs.calendar import Calendar, CalendarRule
from optimizer.tariffs.demand import DemandTariff
from optimizer.tariffs.fees import Fees, WithFees
from optimizer.tariffs.fixed import FixedPrice
from optimizer.tariffs.port import PriceSource
from optimizer.tariffs.price_file import PriceFile
from optimizer.tariffs.publication import DayAheadPublication
from optimizer.tariffs.tariff import Tariff
from optimizer.tariffs.time_of_use import TimeOfUse


def build_tariff(settings: Settings) -> Tariff:
    """Return the tariff of the home; price files are read when first asked."""
    zone, tariff = settings.site.zone, settings.tariff
    return Tariff(
        import_source=_with_fees(tariff.import_, zone),
        export_source=_with_fees(tariff.export, zone),
        demand=None if tariff.demand is None else _demand(tariff.demand, zone),
    )


@singledispatch
def build_source(settings: FeeSettings, zone: ZoneInfo) -> PriceSource:
    """Return the source that settings of one kind describe, fees aside; each kind registers its own."""
    msg = f"no source of prices for {type(settings).__name__} in {zone}"
    raise TypeError(msg)


@build_source.register
def _(settings: FixedTariffSettings, zone: ZoneInfo) -> PriceSource:
    del zone
    return FixedPrice(settings.price_per_kwh)


@build_source.register
def _(settings: TimeOfUseTariffSettings, zone: ZoneInfo) -> PriceSource:
    rules = [_rule(rule, rule.price_per_kwh) for rule in settings.rules]
    return TimeOfUse(_calendar(rules, settings, zone, default=settings.price_per_kwh))


@build_source.register
def _(settings: FileTariffSettings, zone: ZoneInfo) -> PriceSource:
    del zone
    market = ZoneInfo(settings.publication_timezone)
    day_ahead = DayAheadPublication(at=settings.publication_time, timezone=market)
    publication = day_ahead if settings.published == "day-ahead" else None
    return PriceFile(settings.path, column=settings.column, unit=settings.unit, publication=publication)


def _with_fees(settings: FeeSettings, zone: ZoneInfo) -> PriceSource:
    source = build_source(settings, zone)
    rules = [_rule(rule, rule.surcharge_per_kwh) for rule in settings.surcharge_rules]
    clock = _calendar(rules, settings, zone, default=0.0) if rules else None
    fees = Fees(surcharge_per_kwh=settings.surcharge_per_kwh, vat=settings.vat, by_the_clock=clock)
    return source if fees == Fees() else WithFees(source, fees)


def _demand(settings: DemandSettings, zone: ZoneInfo) -> DemandTariff:
    rules = [_rule(rule, 1.0) for rule in settings.windows]
    return DemandTariff(
        price_per_kw=settings.price_per_kw,
        period=settings.period,
        timezone=zone,
        interval=settings.interval,
        free_kw=settings.free_kw,
        windows=_calendar(rules, settings, zone, default=0.0) if rules else None,
    )


def _calendar(rules: Sequence[CalendarRule], days: HolidaySettings, zone: ZoneInfo, *, default: float) -> Calendar:
    return Calendar(rules, default=default, timezone=zone, holidays=_public_holidays(days))


def _public_holidays(days: HolidaySettings) -> Container[date]:
    if days.country is None:
        return frozenset()
    from optimizer.tariffs.public_holidays import PublicHolidays  # noqa: PLC0415 - a large library, which few tariffs need

    return PublicHolidays(days.country, days.subdivision)


def _rule(rule: RuleSettings, value: float) -> CalendarRule:
    return CalendarRule(
        value=value,
        name=rule.name,
        weekdays=None if rule.weekdays is None else frozenset(map(WEEKDAYS.index, rule.weekdays)),
        months=None if rule.months is None else frozenset(MONTHS.index(month) + 1 for month in rule.months),
        on_holidays=rule.holidays,
        start=rule.start,
        end=rule.end,
    )
