"""What is well-formed and yet cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from optimizer.domain.time_grid import common_step
from optimizer.errors import ConfigProblem
from optimizer.settings.duration import format_duration
from optimizer.settings.root import Settings

CENTS_IN_COMMON = frozenset({"EUR", "USD", "GBP", "CHF", "AUD", "CAD", "NZD"})
"""Currencies in which a kilowatt-hour costs a fraction of one."""
DEAREST_PER_KWH = 3.0
"""No price list comes near this in those currencies; what exceeds it is in cents or per MWh."""

REQUESTS_A_STEP = 7
"""What a control step asks of a battery at most, one after the other: two reads, two zeroes, a mode, two setpoints."""


def implausible_prices(settings: Settings) -> Iterator[ConfigProblem]:
    """Yield every price of the file that looks like cents."""
    if settings.site.currency not in CENTS_IN_COMMON:
        return
    tariff = settings.tariff.model_dump(mode="json", by_alias=True, exclude={"demand"})
    battery = {"wear_cost_per_kwh": settings.battery.wear_cost_per_kwh}
    planning = {"terminal_value_per_kwh": settings.planning.terminal_value_per_kwh}
    tables = {"tariff": tariff, "battery": battery, "planning": planning}
    for path, value in chain.from_iterable(_prices_per_kwh(table, name) for name, table in tables.items()):
        if abs(value) > DEAREST_PER_KWH:
            advice = f"write {value / 100:g} if {value:g} cents are meant"
            yield ConfigProblem(path=path, message=f"is in {settings.site.currency} per kWh: {advice}")


def plant_without_a_place(settings: Settings) -> Iterator[ConfigProblem]:
    """Yield a PV plant that the sun would never reach: until there is history, its forecast needs the place."""
    if settings.forecast.pv_peak_kw > 0 and settings.site.latitude is None:
        message = (
            "is required where forecast.pv_peak_kw is set: without the place the plant is forecast to give nothing"
        )
        yield ConfigProblem(path="site.latitude", message=message)


def steps_that_do_not_fit(settings: Settings) -> Iterator[ConfigProblem]:
    """Yield a step that mixes two hours of the home, or two intervals of its meter.

    Steps begin at UTC's hours, prices change at those of the home's clock; peaks within a step are not planned for.
    """
    step, zone, demand = settings.planning.step, settings.site.zone, settings.tariff.demand
    offsets = [datetime(2024, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7)]
    within_hours = common_step(step, *offsets)
    fitting = within_hours if demand is None else common_step(within_hours, demand.interval)
    reasons = []
    if within_hours < step:
        reasons.append(f"two hours of {settings.site.timezone}, which do not begin with those of UTC")
    if demand is not None and demand.interval % within_hours:
        reasons.append(f"two of the {format_duration(demand.interval)} over which the meter averages its peaks")
    if reasons:
        message = f"{format_duration(step)} would mix {' and '.join(reasons)}: write {format_duration(fitting)}"
        yield ConfigProblem(path="planning.step", message=message)


def requests_that_outlast_a_lease(settings: Settings) -> Iterator[ConfigProblem]:
    """Yield a deadline with which one step may take longer than a command stands, or a lease too short for it."""
    lease, poll = settings.control.lease, settings.control.poll_interval
    deadline = settings.battery.request_deadline
    needed = 2 * poll + deadline
    if REQUESTS_A_STEP * deadline > lease:
        longest = timedelta(seconds=lease // (REQUESTS_A_STEP * timedelta(seconds=1)))
        message = (
            f"is {format_duration(deadline)}: the {REQUESTS_A_STEP} requests of a step would outlast a control.lease "
            f'of {format_duration(lease)}; write "{format_duration(longest)}" or less'
        )
        yield ConfigProblem(path="battery.request_deadline", message=message)
    elif lease < needed:
        message = (
            f"is {format_duration(lease)}: with two times poll_interval ({format_duration(2 * poll)}) and a "
            f"battery.request_deadline of {format_duration(deadline)} one late poll ends every command; "
            f'write "{format_duration(needed)}" or more'
        )
        yield ConfigProblem(path="control.lease", message=message)


def _prices_per_kwh(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _prices_per_kwh(item, f"{path}.{key}")
    elif isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from _prices_per_kwh(item, f"{path}[{position}]")
    elif path.endswith("_per_kwh") and isinstance(value, int | float):
        yield path, value
