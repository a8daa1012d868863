"""One run: the live controller and the live planning desk, on a simulated clock and an ideal battery."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from optimizer.assembly.controller import build_options
from optimizer.assembly.planner import build_planner
from optimizer.assembly.planning import build_forecaster, build_switching
from optimizer.assembly.site import build_battery, build_site
from optimizer.backtest.bill import Flows, as_recorded
from optimizer.backtest.interval_battery import Delivered, IntervalBattery
from optimizer.backtest.past import ReplayHistory
from optimizer.backtest.world import Span
from optimizer.clock import Clock, SimulatedClock
from optimizer.control.billing_peak import BillingPeak
from optimizer.control.controller import Controller
from optimizer.control.plan_board import PlanBoard, trusted_for
from optimizer.control.replanning import PlanningDesk
from optimizer.control.strategy import Strategy
from optimizer.domain.time_grid import floor_to_step
from optimizer.errors import SunshiftError
from optimizer.forecasting.port import Forecaster
from optimizer.history.port import HistoryReader
from optimizer.history.recorded_forecast import RecordedSunForecast
from optimizer.history.recording import SUN_FORECAST, Recording
from optimizer.settings import Settings
from optimizer.tariffs.tariff import Tariff

logger = logging.getLogger(__name__)
Tick = Callable[[int], None]
MakeForecaster = Callable[[HistoryReader], Forecaster]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a run did in one span."""

    flows: Flows
    plans: int
    """Plans that were followed."""
    failed_plans: int
    """Plans that could not be made."""
    rejected_plans: int
    """Plans that were made and would have done worse than self-consumption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all runs share."""

    settings: Settings
    tariff: Tariff
    recording: Recording
    stopwatch: Clock
    """Measures how long planning takes; no decision depends on it."""
    make_forecaster: MakeForecaster | None = None
    """Another forecaster than the configured one, for research; None: the configured one."""

    def forecaster(self, history: HistoryReader) -> Forecaster:
        """Return the forecaster of a run, with the sun forecast of the recording where it holds one."""
        if self.make_forecaster is not None:
            return self.make_forecaster(history)
        has_told_sun = SUN_FORECAST in self.recording.frame
        told = RecordedSunForecast(self.recording, self.settings.site.zone) if has_told_sun else None
        return build_forecaster(self.settings, history=history, sun_forecast=told)

    @property
    def start_soc(self) -> float:
        """Where every run of every span begins [1]."""
        return build_battery(self.settings).half_full_soc

    @property
    def step(self) -> timedelta:
        """Interval of plan and control: the configured one, the recording's where that is coarser."""
        return max(self.settings.planning.step, self.recording.step)


class Replay:
    """One strategy over one span.

    Parameters
    ----------
    history
        The run's own past; what was lived in earlier spans is in it, so that a billing peak reached there counts.
    plans
        False for a strategy that is known to need no plan: to forecast for it would take most of the time of its run.
    """

    def __init__(
        self,
        setting: Setting,
        span: Span,
        strategy: Strategy,
        name: str,
        history: ReplayHistory,
        *,
        plans: bool = True,
    ) -> None:
        self._setting, self._span, self._name = setting, span, name
        settings, planning = setting.settings, setting.settings.planning
        battery, site, tariff = build_battery(settings), build_site(settings), setting.tariff
        self._clock = SimulatedClock(span.grid.start)
        self._history = history
        history.live_through(span.grid.start)
        self._device = IntervalBattery(
            clock=self._clock, battery=battery, connection=site.connection, soc=setting.start_soc
        )
        self._replan = max(planning.replan, setting.recording.step)
        board = PlanBoard(max_age=trusted_for(self._replan))
        self._desk = PlanningDesk(
            battery=battery,
            site=site,
            tariff=tariff,
            forecaster=setting.forecaster(self._history),
            strategy=strategy,
            planner=build_planner(settings, clock=setting.stopwatch, audited=False),
            step=setting.step,
            horizon=-(-planning.horizon // setting.step) * setting.step,
            switching=build_switching(settings),
            peak=self._billing_peak(),
            terminal_value=planning.terminal_value_per_kwh,
            board=board,
        )
        self._controller = Controller(
            device=self._device,
            strategy=strategy,
            strategy_name=name,
            battery=battery,
            site=site,
            clock=self._clock,
            tariff=tariff,
            board=board,
            history=self._history,
            demand=self._billing_peak(),
            # Calm protects a real battery between polls; from one interval to the next there is nothing to calm.
            options=replace(build_options(settings), step=setting.step, dead_band_w=0.0, ramp_w_per_s=None),
            meter=self._history,
        )
        self._may_plan = plans
        self._planned_for: datetime | None = None
        self._plans = self._failed = self._rejected = 0

    def run(self, tick: Tick) -> Replayed:
        """Replay the span; ``tick`` is called with the intervals done."""
        done = []
        for index in range(len(self._span.grid)):
            done.append(self._interval(index))
            tick(1)
        flows = Flows(
            battery_w=np.array([one.battery_power_w for one in done]),
            grid_w=np.array([one.grid_power_w for one in done]),
            curtailed_w=np.array([one.curtailed_w for one in done]),
            soc=np.array([one.soc for one in done]),
            start_soc=self._setting.start_soc,
        )
        return Replayed(flows=flows, plans=self._plans, failed_plans=self._failed, rejected_plans=self._rejected)

    def _billing_peak(self) -> BillingPeak | None:
        demand, recording = self._setting.tariff.demand, self._setting.recording
        if demand is None:
            return None
        metered = as_recorded(demand, recording.start, recording.step)
        return BillingPeak(metered, self._history, register_step=recording.step)

    def _interval(self, index: int) -> Delivered:
        grid, now = self._span.grid, self._clock.now()
        load_w, pv_w = float(self._span.load_w[index]), float(self._span.pv_w[index])
        self._device.begin(load_w=load_w, pv_w=pv_w)
        due = floor_to_step(now, self._replan)
        if self._may_plan and due != self._planned_for:
            self._planned_for = due
            self._make_plan()
        self._controller.step()
        delivered = self._device.finish(grid.step_h)
        self._history.add_interval(
            now,
            load_w=load_w,
            pv_w=pv_w,
            battery_w=delivered.battery_power_w,
            grid_w=delivered.grid_power_w,
            soc=delivered.soc,
        )
        self._clock.advance(grid.step_s)
        return delivered

    def _make_plan(self) -> None:
        try:
            done = self._desk.replan(self._clock.now(), self._device.read())
        except SunshiftError as error:
            # As live: the last plan stays up until it is too old.
            self._failed += 1
            self._tell(self._failed, f"no plan: {error}")
            return
        self._plans += done.plan is not None
        if done.rejected is not None:
            self._rejected += 1
            self._tell(self._rejected, f"plan rejected: {done.rejected}")

    def _tell(self, times: int, what: str) -> None:
        """Write what happens the first time: the summary counts how often."""
        level = logging.WARNING if times == 1 else logging.DEBUG
        logger.log(level, "%s at %s: %s", self._name, self._clock.now().isoformat(), what)
