"""Tariff, forecast, plan and strategy: whether tomorrow can be planned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.planning import build_desk, build_forecaster
from optimizer.assembly.tariffs import build_tariff
from optimizer.clock import Clock
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import Plan
from optimizer.domain.time_grid import TimeGrid, floor_to_step
from optimizer.errors import SunshiftError
from optimizer.history.port import HistoryReader
from optimizer.service.checks.result import Finding, failed, passed, warned
from optimizer.settings.tariff import FileTariffSettings
from optimizer.tariffs.price_table import read_price_table

DAY = timedelta(hours=24)
EXAMPLE = "example_"
"""How the names of the made-up files begin that come with the ready configurations."""
RENEW = "renew the price file; see [tariff.import] and .export"
REPLACE_EXAMPLE = "that file is the made-up one of the example: put real prices there, kept up to date by a script"


def day_ahead(configuration: Configuration, clock: Clock) -> TimeGrid:
    """Return the next 24 h in the steps of the plan."""
    step = configuration.settings.planning.step
    return TimeGrid(start=floor_to_step(clock.now(), step), step=step, count=max(1, DAY // step))


def check_tariff(configuration: Configuration, grid: TimeGrid, clock: Clock) -> Finding:
    """Ask for the prices of the next 24 h."""
    tariff = build_tariff(configuration.settings)
    try:
        prices = tariff.prices(grid, as_of=clock.now())
    except SunshiftError as error:
        return failed("tariff", str(error))
    if not prices.known:
        files = list(_price_files(configuration))
        made_up = any(name.startswith(EXAMPLE) for name, _ in files)
        text = "; ".join(["no price of this hour is known", *(told for _, told in files)])
        return failed("tariff", text, REPLACE_EXAMPLE if made_up else RENEW)
    told = [price for price in prices.import_per_kwh if price is not None]
    text = f"import {min(told):.3f} to {max(told):.3f} per kWh over the next 24 h"
    if prices.known < len(grid):
        until = grid.interval(prices.known - 1).end
        advice = "usual before the next day's prices are published; later hours are expected from those known"
        return warned("tariff", f"{text}; known until {until:%Y-%m-%d %H:%M} UTC only", advice)
    return passed("tariff", text)


def _price_files(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Yield the name of every price file, and which time it covers."""
    tariff = configuration.settings.tariff
    for prices in (tariff.import_, tariff.export):
        if isinstance(prices, FileTariffSettings):
            series = read_price_table(prices.path, column=prices.column, unit=prices.unit)
            yield (
                prices.path.name,
                f"{prices.path} holds {series.start:%Y-%m-%d %H:%M} to {series.end:%Y-%m-%d %H:%M} UTC",
            )


def check_forecast(
    configuration: Configuration, grid: TimeGrid, clock: Clock, *, history: HistoryReader, latest: Measurement | None
) -> Finding:
    """Ask for load and sun of the next 24 h."""
    forecaster = build_forecaster(configuration.settings, history=history)
    try:
        forecast = forecaster.forecast(grid, as_of=clock.now(), latest=latest)
    except SunshiftError as error:
        return failed("forecast", str(error))
    load_kwh, pv_kwh = (
        sum(one.weight * sum(getattr(one, name)) for one in forecast.scenarios) * grid.step_h / 1000.0
        for name in ("load_w", "pv_w")
    )
    text = f"{load_kwh:.1f} kWh of load, {pv_kwh:.1f} kWh of sun in 24 h, from {forecast.origin}"
    if forecast.is_default:
        return warned(
            "forecast", text, "nothing: it learns from your home; `sunshift history import` brings a recording"
        )
    return passed("forecast", text)


def check_plan(
    configuration: Configuration, clock: Clock, *, history: HistoryReader, seen: Measurement
) -> Iterator[Finding]:
    """Make the plan that would be made now."""
    name = configuration.settings.strategy.name
    desk = build_desk(configuration, clock=clock, history=history)
    began_s = clock.elapsed()
    try:
        done = desk.replan(clock.now(), seen)
    except SunshiftError as error:
        yield failed("plan", str(error))
        return
    took_s = clock.elapsed() - began_s
    if done.rejected is not None:
        advice = "nothing: the battery serves the house as it would by itself, until a plan does better"
        yield warned("plan", f"rejected: {done.rejected} ({took_s:.2f} s)", advice)
    elif done.plan is None:
        yield passed("plan", f"the strategy {name} wants none now ({took_s:.2f} s)")
    else:
        yield passed("plan", _told(done.plan, took_s))


def _told(plan: Plan, took_s: float) -> str:
    text = f"{len(plan.steps)} steps over {len(plan.problem.scenarios)} futures, {plan.status.value}, in {took_s:.2f} s"
    flags = "; ".join(flag.message for flag in plan.flags)
    return f"{text} ({flags})" if flags else text
