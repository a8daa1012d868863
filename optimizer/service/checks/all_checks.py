"""All checks, in the order in which one rests on another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.device import build_device
from optimizer.assembly.history import build_history
from optimizer.assembly.site import build_battery
from optimizer.clock import Clock
from optimizer.history.store import HistoryStore
from optimizer.service.checks.battery import check_device_clock, check_measurement, read_battery
from optimizer.service.checks.machine import check_clock, check_folders, check_instance
from optimizer.service.checks.outlook import check_forecast, check_plan, check_tariff, day_ahead
from optimizer.service.checks.result import Finding, failed, passed, warned


def all_findings(configuration: Configuration, *, clock: Clock) -> Iterator[Finding]:
    """Yield what every check finds; the battery is read once and never written to."""
    settings = configuration.settings
    yield passed("configuration", f"{configuration.source}: every value is valid")
    yield passed("strategy", settings.strategy.name)
    yield from check_clock(settings, clock)
    yield from check_folders(settings)
    yield from check_instance(settings)
    with closing(build_history(settings, clock=clock)) as history:
        yield from _home_findings(configuration, clock, history)


def _home_findings(configuration: Configuration, clock: Clock, history: HistoryStore) -> Iterator[Finding]:
    settings = configuration.settings
    with closing(build_device(configuration, clock=clock)) as device:
        seen, finding = read_battery(device)
        yield finding
        if seen is not None:
            yield from check_measurement(seen, device, build_battery(settings))
            yield from check_device_clock(seen, clock.now().astimezone(settings.site.zone))
    grid = day_ahead(configuration, clock)
    yield check_tariff(configuration, grid, clock)
    yield check_forecast(configuration, grid, clock, history=history, latest=seen)
    if seen is None:
        yield failed("plan", "none without the battery's state of charge", "see the battery above")
    else:
        yield from check_plan(configuration, clock, history=history, seen=seen)
    if history.fault is not None:
        yield warned("history", history.fault, "control goes on without; mend it so that the home's past is kept")
