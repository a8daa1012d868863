"""What the service's jobs do: plan, look at the prices, save and prune the history."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from optimizer.clock import Clock
from optimizer.control.price_lookup import Tariff
from optimizer.control.replanning import PlanningDesk
from optimizer.domain.measurement import Measurement
from optimizer.domain.plan import Plan
from optimizer.domain.time_grid import TimeGrid, floor_to_step
from optimizer.errors import DeviceError, HistoryError, TariffError
from optimizer.history.store import FLUSH_INTERVAL_S, HistoryStore
from optimizer.service.jobs import Job
from optimizer.service.listeners import tell_each

logger = logging.getLogger("sunshift.service")

OLDEST_MEASUREMENT_S = 600.0
"""A plan begins with the state of charge: an older one says too little of it [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How often the jobs run."""

    replan: timedelta = timedelta(minutes=15)
    tariff: timedelta = timedelta(minutes=15)
    flush: timedelta = timedelta(seconds=FLUSH_INTERVAL_S)
    retention: timedelta = timedelta(days=1)


class Chores:
    """The jobs of one home.

    Parameters
    ----------
    clock
        The time.
    desk
        Makes plans.
    tariff
        The home's prices.
    history
        The home's past.
    latest
        Returns the last measurement, None before the first.
    step, horizon
        The grid over which prices are looked at.
    keep
        How long measurements and decisions are kept.

    Attributes
    ----------
    on_plan
        Called with every new plan.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        desk: PlanningDesk,
        tariff: Tariff,
        history: HistoryStore,
        latest: Callable[[], Measurement | None],
        step: timedelta,
        horizon: timedelta,
        keep: timedelta,
    ) -> None:
        self.on_plan: list[Callable[[Plan], None]] = []
        self._clock, self._desk, self._tariff, self._history = clock, desk, tariff, history
        self._latest = latest
        self._step, self._horizon, self._keep = step, horizon, keep
        self._is_rejecting = False

    def jobs(self, periods: Periods) -> tuple[Job, ...]:
        """Return the jobs, each by its name."""
        return (
            Job(name="tariff", run=self.look_at_prices, period=periods.tariff),
            Job(name="replan", run=self.replan, period=periods.replan),
            Job(name="flush", run=self.flush, period=periods.flush),
            Job(name="retention", run=self.prune, period=periods.retention, grace=timedelta(hours=6)),
        )

    def replan(self) -> str:
        """Make a plan from what is known now.

        Raises
        ------
        SunshiftError
            There is no fresh measurement, or prices, forecast or planner failed.
        """
        measurement = self._latest()
        if measurement is None:
            raise DeviceError("no plan: the battery has not been read yet")
        age_s = self._clock.elapsed() - measurement.elapsed_s
        if age_s > OLDEST_MEASUREMENT_S:
            msg = f"no plan: the battery was last read {age_s / 60.0:.0f} min ago"
            raise DeviceError(msg)
        done = self._desk.replan(self._clock.now(), measurement)
        self._tell_rejection(done.rejected)
        if done.rejected is not None:
            return f"plan rejected: {done.rejected}"
        plan = done.plan
        if plan is None:
            return "the strategy needs no plan"
        tell_each(self.on_plan, plan)
        return f"{plan.status.value} by {plan.method} in {plan.seconds:.2f} s until {plan.grid.end:%d. %H:%M} UTC"

    def _tell_rejection(self, why: str | None) -> None:
        """Write one line when plans begin to be rejected; why they still are, the status tells."""
        if why is not None and not self._is_rejecting:
            logger.warning("plan rejected: %s", why)
        self._is_rejecting = why is not None

    def look_at_prices(self) -> str:
        """Ask the tariff for the horizon, so that a price that is late or a broken file shows before it is needed.

        Raises
        ------
        TariffError
            No price is known for this interval, or the tariff cannot be read.
        """
        now = self._clock.now()
        grid = TimeGrid(start=floor_to_step(now, self._step), step=self._step, count=self._horizon // self._step)
        return prices_known(self._tariff, grid, now)

    def flush(self) -> str:
        """Save what is buffered.

        Raises
        ------
        HistoryError
            It could not be saved; it stays in memory and is tried again.
        """
        self._history.flush()
        if self._history.fault is not None:
            raise HistoryError(self._history.fault)
        return "saved"

    def prune(self) -> str:
        """Drop what is older than it is to be kept."""
        measurements, decisions = self._history.prune(self._clock.now() - self._keep)
        return f"{measurements} measurements and {decisions} decisions dropped"


def prices_known(tariff: Tariff, grid: TimeGrid, now: datetime) -> str:
    """Return until when prices are known, for a person.

    Raises
    ------
    TariffError
        Not even for the first interval, or the tariff cannot be read.
    """
    known = tariff.prices(grid, as_of=now).known
    if not known:
        msg = f"no price is known for the interval from {grid.start:%Y-%m-%d %H:%M} UTC: renew the price file or source"
        raise TariffError(msg)
    return f"prices known until {grid.interval(known - 1).end:%Y-%m-%d %H:%M} UTC"
