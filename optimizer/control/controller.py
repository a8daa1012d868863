"""One control step: read, decide, clamp, steady, actuate, record.

The same object runs live and in simulation; they differ in the clock and the device that are handed in.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from optimizer.clock import Clock
from optimizer.control.actuation.actuator import Actuator
from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.control.actuation.result import Actuation
from optimizer.control.actuation.stand_down import StandDown
from optimizer.control.clamp import Clamped, automatic_keeps_band, clamp
from optimizer.control.import_meter import ImportMeter, Meter
from optimizer.control.options import ControlOptions
from optimizer.control.plan_board import PlanBoard
from optimizer.control.price_lookup import PriceLookup, Tariff
from optimizer.control.steadiness import steady
from optimizer.control.strategy import Previous, Situation, Strategy, Wish, check_wish
from optimizer.control.validity import Plausibility
from optimizer.control.weighing import self_consumption_wish
from optimizer.devices.port import BatteryDevice
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Limit, Outcome
from optimizer.domain.measurement import Measurement
from optimizer.domain.prices import DemandCharge
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.domain.site import Site
from optimizer.domain.time_grid import Interval, floor_to_step
from optimizer.errors import DeviceError
from optimizer.history.port import HistoryWriter

logger = logging.getLogger(__name__)


class DemandSource(Protocol):
    """Where the demand charge of the running billing period comes from."""

    def charge(self, now: datetime) -> DemandCharge | None:
        """Return the charge with the peak so far, or None where there is none."""
        ...

    def metered(self, now: datetime) -> Interval:
        """Return the interval of the billing meter that holds the present."""
        ...


@dataclass(frozen=True, slots=True)
class _Command:
    """What is to stand at the battery, and what held the wish on the way."""

    setpoint: Setpoint
    power_w: float
    limits: tuple[Limit, ...]


class Controller:
    """Brings the battery to what the strategy wants, as far as that is allowed.

    Parameters
    ----------
    device, clock
        The battery and the time: real or simulated.
    strategy, strategy_name
        The policy, and its name in the configuration.
    battery, site
        What the battery can do, and where it stands.
    tariff
        Prices of the running interval.
    board
        Where the plan is found.
    history
        Where measurements and decisions are kept.
    demand
        The demand charge of the running billing period; None: there is none.
    keeper
        Where forced commands are put on record before they are sent; None: nowhere.
    observe
        Whether to do everything except writing to the battery.
    meter
        Counts what is imported; None: from one measurement to the next.
    """

    def __init__(
        self,
        *,
        device: BatteryDevice,
        strategy: Strategy,
        strategy_name: str,
        battery: Battery,
        site: Site,
        clock: Clock,
        tariff: Tariff,
        board: PlanBoard,
        history: HistoryWriter,
        demand: DemandSource | None = None,
        options: ControlOptions | None = None,
        keeper: LeaseKeeper | None = None,
        observe: bool = False,
        meter: Meter | None = None,
    ) -> None:
        self._device, self._clock = device, clock
        self._strategy, self._strategy_name = strategy, strategy_name
        self._battery, self._site = battery, site
        self._board, self._history, self._demand = board, history, demand
        self._options = options or ControlOptions()
        self._observe = observe
        self._prices = PriceLookup(tariff, self._options.step)
        self._plausibility = Plausibility(battery, self._options)
        self._actuator = Actuator(device, battery, self._options, keeper)
        self._meter = meter or ImportMeter()
        self._previous: Previous | None = None
        self._stepped_s: float | None = None
        self._strategy_error: str | None = None

    @property
    def standing(self) -> Setpoint | None:
        """What stands at the battery by our command; None: nothing of ours."""
        return self._actuator.standing

    @property
    def lease_end_s(self) -> float | None:
        """When the lease of the standing command ends, by the clock for ages; None: no command stands [s]."""
        return self._actuator.lease_end_s

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the battery is in a mode that somebody chose, and left there."""
        return self._actuator.leaves_a_choice

    @property
    def stand_down(self) -> StandDown | None:
        """Why and for how long the battery is left to somebody else; None: it is not."""
        return self._actuator.stand_down(self._clock.elapsed())

    def resume(self) -> bool:
        """End a stand-down now; return whether there was one. The next step commands again."""
        return self._actuator.resume()

    def step(self) -> Decision:
        """Run one control step and return its record; never raises for the device, the plan or the strategy."""
        now, elapsed_s = self._clock.now(), self._clock.elapsed()
        try:
            measurement = self._device.read()
        except DeviceError as error:
            decision = self._without_measurement(error, now)
        else:
            self._history.add_measurement(measurement)
            # By the clock after the read: on real time the measurement is younger than this step.
            doubts = self._plausibility.doubts(measurement, self._clock.elapsed())
            if doubts:
                decision = self._in_doubt("; ".join(doubts), measurement, now)
            else:
                decision = self._on_measurement(measurement, now, elapsed_s)
        self._stepped_s = elapsed_s
        return self._kept(decision)

    def release(self, reason: str) -> Decision:
        """Hand the battery back and return the record of it; in observe mode nothing is written."""
        now, elapsed_s = self._clock.now(), self._clock.elapsed()
        if self._observe:
            done = Actuation(outcome=Outcome.OBSERVED, note=reason)
        else:
            done = self._actuator.release(reason, elapsed_s)
        decision = self._record(now, done, reason=reason)
        return self._kept(decision)

    def could_not_read(self, error: DeviceError) -> Decision:
        """Return the record of a look that failed before the first step: nothing is commanded."""
        decision = self._without_measurement(error, self._clock.now())
        return self._kept(decision)

    def leave_to_others(self, why: str, measurement: Measurement, *, left_over: bool) -> Decision:
        """Stand down to the mode of a status, and return the record of it.

        Parameters
        ----------
        left_over
            Whether a command of ours may be stored beneath that mode.
        """
        now, elapsed_s = self._clock.now(), self._clock.elapsed()
        done = self._actuator.leave_to_others(why, measurement, elapsed_s, left_over=left_over)
        decision = self._record(now, done, measurement=measurement)
        return self._kept(decision)

    def look_again(self, why: str, measurement: Measurement) -> Decision:
        """Return the record of a first look that does not suffice."""
        decision = self._record(self._clock.now(), Actuation(outcome=Outcome.KEPT), reason=why, measurement=measurement)
        return self._kept(decision)

    # -- the three ways a step can go ---------------------------------------------------------------------------

    def _without_measurement(self, error: DeviceError, now: datetime) -> Decision:
        self._actuator.note_outage()
        # By the clock after the read: one that hangs over the end of a lease does not put it off to the next step.
        elapsed_s = self._clock.elapsed()
        done = None if self._observe else self._actuator.unreadable(elapsed_s, interval_over=self._interval_over(now))
        failed = Actuation(outcome=Outcome.FAILED, setpoint=self._actuator.standing)
        handed_back = done is not None and done.outcome is Outcome.HANDED_BACK
        reason = "the battery cannot be read" + (f"; {done.note}" if done is not None else "")
        return self._record(now, done if done is not None and handed_back else failed, reason=reason, error=str(error))

    def _in_doubt(self, doubt: str, measurement: Measurement, now: datetime) -> Decision:
        reason = f"no command may rest on this measurement: {doubt}"
        done = Actuation(outcome=Outcome.OBSERVED)
        if not self._observe:
            # By the clock after the read, as above.
            over = self._interval_over(now)
            handed_back = self._actuator.unreadable(self._clock.elapsed(), interval_over=over, doubtful=measurement)
            done = handed_back or Actuation(outcome=Outcome.KEPT, setpoint=self._actuator.standing)
        return self._record(now, done, reason=reason, measurement=measurement)

    def _on_measurement(self, measurement: Measurement, now: datetime, elapsed_s: float) -> Decision:
        situation = self._situation(measurement, now)
        wish, error = self._wish(situation)
        interval, plan = situation.interval, situation.plan
        self._previous = Previous(wish=wish, interval=interval, plan_made_at=plan.made_at if plan else None)
        command = self._command(wish, measurement, elapsed_s)
        done = self._act(command, measurement, elapsed_s)
        return self._record(now, done, situation=situation, wish=wish, command=command, error=error)

    # -- from the situation to a command ------------------------------------------------------------------------

    def _situation(self, measurement: Measurement, now: datetime) -> Situation:
        start = floor_to_step(now, self._options.step)
        interval = Interval(start=start, end=start + self._options.step)
        metered = interval if self._demand is None else self._demand.metered(now)
        buy, sell = self._prices.at(interval, now)
        return Situation(
            interval=interval,
            remaining_h=(interval.end - now).total_seconds() / 3600.0,
            # The strategy looks the plan up by the measurement's instant: the step's own, whatever the device took.
            measurement=replace(measurement, at=now),
            battery=self._battery,
            site=self._site,
            import_price_per_kwh=buy,
            export_price_per_kwh=sell,
            plan=self._board.current(now),
            why_no_plan=self._board.why_none(now),
            demand_charge=None if self._demand is None else self._demand.charge(now),
            metered=metered,
            mean_import_w=self._meter.mean_import_w(measurement, metered),
            previous=self._previous,
        )

    def _wish(self, situation: Situation) -> tuple[Wish, str | None]:
        """Ask the strategy; whatever goes wrong in there, the house is served."""
        try:
            wish = self._strategy.decide(situation)
            check_wish(wish)
        except (Exception, SystemExit) as error:  # a strategy may come from anywhere and fail in any way
            text = f"strategy {self._strategy_name} failed: {type(error).__name__}: {error}"
            if text != self._strategy_error:
                logger.exception("%s", text)
                self._strategy_error = text
            return self_consumption_wish(situation, f"{text}; self-consumption instead"), text
        self._strategy_error = None
        return wish, None

    def _command(self, wish: Wish, measurement: Measurement, elapsed_s: float) -> _Command:
        allowed = self._clamp(wish.battery_power_w, measurement)
        standing = self._actuator.standing
        wanted: Setpoint = Power(allowed.power_w)
        if self._may_be_automatic(wish, measurement):
            wanted = Automatic()
        if self._observe:
            return _Command(wanted, allowed.power_w, allowed.limits)
        changes_mode = self._device.capabilities.can_set_mode and (
            isinstance(wanted, Power) != isinstance(standing, Power)
        )
        held = changes_mode and not self._actuator.may_change_mode(elapsed_s)
        limits = allowed.limits + ((Limit.MODE_CHANGES,) if held else ())
        # After a hand-back nothing of ours stands: too many changes leave the battery in its own hands then, too.
        if (held and not isinstance(standing, Power)) or (not held and isinstance(wanted, Automatic)):
            return _Command(Automatic(), allowed.power_w, limits)
        passed_s = 0.0 if self._stepped_s is None else elapsed_s - self._stepped_s
        calm = steady(allowed.power_w, standing, passed_s, self._options)
        # Calm gives way to safety: what the ramp or the dead band would leave standing is clamped once more.
        final = self._clamp(calm.power_w, measurement)
        return _Command(
            Power(final.power_w), allowed.power_w, tuple(dict.fromkeys(limits + calm.limits + final.limits))
        )

    def _may_be_automatic(self, wish: Wish, measurement: Measurement) -> bool:
        return (
            wish.self_consumption
            and self._options.prefer_automatic
            and self._device.capabilities.can_set_mode
            and automatic_keeps_band(measurement, self._battery)
        )

    def _clamp(self, power_w: float, measurement: Measurement) -> Clamped:
        return clamp(power_w, measurement, self._battery, self._site.connection)

    def _act(self, command: _Command, measurement: Measurement, elapsed_s: float) -> Actuation:
        if self._observe:
            return Actuation(outcome=Outcome.OBSERVED)
        noticed = self._actuator.notice(measurement, elapsed_s)
        return noticed or self._actuator.actuate(command.setpoint, elapsed_s)

    # -- time and record ----------------------------------------------------------------------------------------

    def _kept(self, decision: Decision) -> Decision:
        self._history.add_decision(decision)
        return decision

    def _interval_over(self, now: datetime) -> bool:
        return self._previous is not None and now not in self._previous.interval

    def _record(
        self,
        now: datetime,
        done: Actuation,
        *,
        reason: str = "",
        measurement: Measurement | None = None,
        situation: Situation | None = None,
        wish: Wish | None = None,
        command: _Command | None = None,
        error: str | None = None,
    ) -> Decision:
        decision = Decision(
            at=now,
            strategy=self._strategy_name,
            outcome=done.outcome,
            reason="; ".join(dict.fromkeys(part for part in (done.note, reason, wish.reason if wish else "") if part)),
            measurement=measurement,
            setpoint=done.setpoint,
            error=done.error or error,
        )
        if situation is None or wish is None or command is None:
            return decision
        step = situation.plan_step
        return replace(
            decision,
            measurement=situation.measurement,
            wanted_power_w=wish.battery_power_w,
            allowed_power_w=command.power_w,
            limits=command.limits,
            energy_value_per_kwh=wish.energy_value_per_kwh,
            import_price_per_kwh=situation.import_price_per_kwh,
            export_price_per_kwh=situation.export_price_per_kwh,
            planned_power_w=None if step is None else step.battery_power_w,
            plan_made_at=None if situation.plan is None else situation.plan.made_at,
        )
