"""What a control step asks of others, and leaves on record: every field, for each way a step can go."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from optimizer.control.controller import Controller
from optimizer.control.strategy import Previous, Situation, Wish
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Limit, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.prices import DemandCharge
from optimizer.domain.setpoint import Automatic, Power
from optimizer.domain.time_grid import Interval
from optimizer.errors import DeviceUnreachable
from support.control_case import Case, Scripted, case, charging
from support.situations import BATTERY, SITE, START, STEP, in_manual, plan_of, value_of

AWAY = DeviceUnreachable("it is away")


class Asked(Scripted):
    """Remembers what it was shown."""

    shown: Situation | None = None

    def decide(self, situation: Situation) -> Wish:
        self.shown = situation
        return super().decide(situation)


@dataclass
class Demand:
    """A demand charge that is metered by the hour, and remembers for which instants it was asked."""

    asked: list[datetime] = field(default_factory=list)

    def charge(self, now: datetime) -> DemandCharge:
        self.asked.append(now)
        return DemandCharge(price_per_kw=100.0, peak_so_far_w=3000.0)

    def metered(self, now: datetime) -> Interval:
        self.asked.append(now)
        return Interval(start=START, end=START + timedelta(hours=1))


def read_now(it: Case) -> Measurement:
    """Return what the battery tells at this moment."""
    return it.device.read()


def kept(it: Case, decision: Decision) -> Decision:
    """Return a decision that has to be the last one in the history, too."""
    assert it.history.decisions[-1] is decision
    return decision


# -- a step that decides ----------------------------------------------------------------------------------------------


def test_a_step_that_sends_says_all_of_it() -> None:
    """What was measured, wished, allowed, planned, paid and sent."""
    plan = plan_of(value_of(0.31))
    plan = replace(plan, steps=(replace(plan.steps[0], battery_power_w=1234.0), *plan.steps[1:]))
    it = case("record", Scripted(9000.0), plan=plan).tick()
    assert it.last is not None
    assert it.last.measurement is not None
    assert kept(it, it.last) == Decision(
        at=it.clock.now(),
        strategy="scripted",
        outcome=Outcome.APPLIED,
        reason="as scripted",
        measurement=it.history.measurements[0],
        wanted_power_w=9000.0,
        allowed_power_w=4600.0,
        setpoint=Power(4600.0),
        limits=(Limit.MAX_CHARGE,),
        energy_value_per_kwh=None,
        import_price_per_kwh=0.30,
        export_price_per_kwh=0.08,
        planned_power_w=1234.0,
        plan_made_at=START,
    )
    assert it.last.measurement.battery_power_w == -500.0


def test_automatic_mode_is_recorded_with_what_would_have_been_allowed() -> None:
    """The wish is clamped whoever carries it out, also where the mode may not be changed any more."""
    it = case("automatic", Scripted(-9000.0, self_consumption=True), max_mode_changes_per_hour=1).tick()
    assert it.last is not None
    assert (it.last.setpoint, it.last.wanted_power_w, it.last.allowed_power_w) == (Automatic(), -9000.0, -4600.0)
    assert it.last.limits == (Limit.MAX_DISCHARGE,)


def test_the_cap_on_mode_changes_holds_no_power_back_that_changes_none() -> None:
    """Within manual mode powers follow each other as ever; the way out of it waits."""
    it = case("cap", charging(), max_mode_changes_per_hour=1).tick()
    it.wish(1000.0).tick().expect(Outcome.APPLIED, Power(1000.0))
    assert it.last is not None
    assert it.last.limits == ()
    assert isinstance(it.strategy, Scripted)
    it.strategy.wish = replace(it.strategy.wish, battery_power_w=-800.0, self_consumption=True)
    it.tick().expect(Outcome.APPLIED, Power(-800.0))
    assert (it.last.limits, it.last.allowed_power_w) == ((Limit.MODE_CHANGES,), -800.0)


def test_what_was_only_observed_is_recorded_as_it_would_have_been() -> None:
    """Wish, what is allowed of it, and why not all; nothing stands."""
    it = case("observe", Scripted(9000.0), observe=True).tick()
    assert it.last is not None
    assert (it.last.outcome, it.last.setpoint) == (Outcome.OBSERVED, None)
    assert (it.last.wanted_power_w, it.last.allowed_power_w) == (9000.0, 4600.0)
    assert it.last.limits == (Limit.MAX_CHARGE,)


def test_a_service_writes_unless_it_is_told_to_observe() -> None:
    """The controller is built for control."""
    it = case("control", charging())
    it.controller = Controller(
        device=it.device, strategy=it.strategy, strategy_name="scripted", battery=BATTERY, site=SITE, clock=it.clock,
        tariff=it.tariff, board=it.board, history=it.history,
    )  # fmt: skip
    it.tick().expect(Outcome.APPLIED, Power(2000.0))


# -- what a strategy is shown -----------------------------------------------------------------------------------------


def test_a_strategy_is_shown_the_present_whole() -> None:
    """Interval and time left, prices, plan, demand charge and what the meter has counted, the wish before."""
    strategy, demand, plan = Asked(), Demand(), plan_of(value_of(0.31))
    battery = Battery(usable_capacity_wh=10_000.0, max_charge_w=4600.0, max_discharge_w=4600.0)
    it = case("shown", strategy, battery=battery, plan=plan, demand=demand).tick(450.0, load_w=6000.0)
    now, interval = it.clock.now(), Interval(start=START, end=START + STEP)
    measured = it.history.measurements[0]
    assert strategy.shown == Situation(
        interval=interval,
        remaining_h=0.125,
        measurement=measured,
        battery=battery,
        site=SITE,
        import_price_per_kwh=0.30,
        export_price_per_kwh=0.08,
        plan=plan,
        why_no_plan=None,
        metered=demand.metered(now),
        demand_charge=demand.charge(now),
        mean_import_w=0.0,
        previous=None,
    )
    assert set(demand.asked) == {now}
    it.tick(10.0)
    assert strategy.shown.previous == Previous(wish=strategy.wish, interval=interval, plan_made_at=START)
    assert strategy.shown.mean_import_w == pytest.approx(1400.0)


def test_a_strategy_is_shown_that_there_is_no_plan_and_no_demand_charge() -> None:
    """And why; the meter's interval is the control's own then."""
    strategy = Asked()
    it = case("shown", strategy).tick(20.0).tick(10.0)
    assert strategy.shown is not None
    assert (strategy.shown.plan, strategy.shown.why_no_plan) == (None, "no plan has been made yet")
    assert (strategy.shown.demand_charge, strategy.shown.metered) == (None, strategy.shown.interval)
    assert strategy.shown.previous is not None
    assert strategy.shown.previous.plan_made_at is None
    assert it.last is not None
    assert (it.last.planned_power_w, it.last.plan_made_at) == (None, None)


def test_a_plan_is_looked_up_by_the_steps_own_instant() -> None:
    """Whatever the battery took to answer, and whatever its driver says of when."""
    strategy = Asked()
    it = case("shown", strategy)
    it.tick(changes={"at": START - timedelta(days=1)})
    assert strategy.shown is not None
    assert strategy.shown.measurement.at == it.clock.now()


def test_prices_are_asked_for_as_they_are_known_now() -> None:
    """Not as they will be."""
    it, asked = case("prices", charging()), []
    prices = it.tariff.prices
    it.tariff.prices = lambda grid, *, as_of: (asked.append(as_of), prices(grid, as_of=as_of))[1]  # type: ignore[method-assign]
    it.tick()
    assert asked == [it.clock.now()]


def test_what_a_strategy_fails_with_is_told_once_until_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    """With a traceback; another error is told anew, and the same one after it had gone."""
    it = case("broken strategy", charging())
    assert isinstance(it.strategy, Scripted)
    lines = []
    for error in (ValueError("a"), ValueError("a"), ValueError("b"), None, ValueError("b")):
        it.strategy.error = error
        with caplog.at_level(logging.ERROR, logger="optimizer.control.controller"):
            it.tick()
        lines.append([(record.getMessage(), record.exc_info is not None) for record in caplog.records])
        caplog.clear()
    a, b = [("strategy scripted failed: ValueError: a", True)], [("strategy scripted failed: ValueError: b", True)]
    assert lines == [a, [], b, [], b]
    assert it.last is not None
    assert it.last.error == "strategy scripted failed: ValueError: b"
    assert it.last.reason.startswith("strategy scripted failed: ValueError: b; self-consumption instead")


# -- a step that cannot decide ----------------------------------------------------------------------------------------


def test_a_battery_that_cannot_be_read_leaves_what_stands_and_says_why() -> None:
    """Until its lease ends it; then that is what is said."""
    it = case("away", charging()).tick().tick(read_error=AWAY)
    failed = Decision(
        at=it.clock.now(),
        strategy="scripted",
        outcome=Outcome.FAILED,
        reason="the battery cannot be read",
        setpoint=Power(2000.0),
        error="it is away",
    )
    assert kept(it, it.last) == failed  # type: ignore[arg-type]
    it.ticks(8)
    ended = "the command charge 2000 W cannot be verified and its lease has run out"
    assert it.last == replace(
        failed,
        at=it.clock.now(),
        outcome=Outcome.HANDED_BACK,
        reason=f"{ended}; the battery cannot be read; {ended}",
        setpoint=None,
    )


def test_a_hand_back_that_fails_while_nothing_can_be_read_is_a_failure() -> None:
    """What the read failed with is told, and what stands still stands."""
    it = case("away", charging()).tick().tick(read_error=AWAY, write_error=DeviceUnreachable("writes, too")).ticks(9)
    it.expect(Outcome.FAILED, Power(2000.0), says="the battery cannot be read; the command charge 2000 W")
    assert it.last is not None
    assert it.last.error == "it is away"


def test_a_look_that_failed_before_the_first_step_is_recorded() -> None:
    """As a step would; nothing is commanded."""
    it = case("start", charging())
    assert kept(it, it.controller.could_not_read(AWAY)) == Decision(
        at=START,
        strategy="scripted",
        outcome=Outcome.FAILED,
        reason="the battery cannot be read",
        error="it is away",
    )
    assert it.device.writes == []


def test_a_doubtful_measurement_is_recorded_with_every_doubt() -> None:
    """What stands stands on, until its lease."""
    it = case("doubt", charging()).tick().tick(changes={"on_grid": False, "soc": 1.5})
    assert it.last is not None
    assert kept(it, it.last) == Decision(
        at=it.clock.now(),
        strategy="scripted",
        outcome=Outcome.KEPT,
        reason="no command may rest on this measurement: the state of charge of 1.5 is outside 0 to 1; "
        "the battery runs off the grid",
        measurement=it.history.measurements[-1],
        setpoint=Power(2000.0),
    )
    assert it.last.measurement == read_now(it)


def test_a_doubtful_measurement_of_the_next_interval_ends_what_was_right_in_the_last() -> None:
    """Prices have changed with it."""
    it = case("doubt", charging()).tick(890.0).tick(20.0, changes={"on_grid": False})
    it.expect(Outcome.HANDED_BACK, None, says="its interval is over; no command may rest on this measurement")


def test_a_mode_that_somebody_chose_is_left_alone_in_doubt_as_well() -> None:
    """When the lease has ended what stands."""
    it = case("doubt", charging()).tick().tick()
    it.tick(mode=OperatingMode.BACKUP, changes={"on_grid": False}).ticks(8)
    it.expect(Outcome.STOOD_DOWN, None, says="somebody else changed the battery's mode to backup")
    assert it.device.mode is OperatingMode.BACKUP


def test_an_observer_in_doubt_has_observed() -> None:
    """It keeps nothing."""
    it = case("doubt", charging(), observe=True).tick(changes={"on_grid": False})
    it.expect(Outcome.OBSERVED, None, says="off the grid", writes=0)


# -- what others have recorded ----------------------------------------------------------------------------------------


def test_the_end_is_recorded() -> None:
    """When and why, and with what it failed."""
    it = case("end", charging()).tick()
    done = Decision(at=it.clock.now(), strategy="scripted", outcome=Outcome.HANDED_BACK, reason="the end")
    assert kept(it, it.controller.release("the end")) == done
    it.tick()
    it.device.become_unreachable()
    failed = replace(
        done,
        at=it.clock.now(),
        outcome=Outcome.FAILED,
        setpoint=it.controller.standing,
        error="the fake battery does not answer",
    )
    assert it.controller.release("the end") == failed


def test_the_end_of_an_observer_is_recorded() -> None:
    """Nothing is written."""
    it = case("end", charging(), observe=True).tick()
    observed = Decision(at=it.clock.now(), strategy="scripted", outcome=Outcome.OBSERVED, reason="the end")
    assert kept(it, it.controller.release("the end")) == observed


@pytest.mark.parametrize(("left_over", "writes"), [(True, ["zero"]), (False, [])])
def test_a_mode_that_was_found_chosen_is_left_and_recorded(*, left_over: bool, writes: list[str]) -> None:
    """For the hold-off; what may be stored beneath it is zeroed."""
    it = case("found", charging())
    it.clock.advance(1000.0)
    it.device.mode = OperatingMode.BACKUP
    found = in_manual(mode=OperatingMode.BACKUP)
    assert kept(it, it.controller.leave_to_others("it was chosen", found, left_over=left_over)) == Decision(
        at=it.clock.now(),
        strategy="scripted",
        outcome=Outcome.STOOD_DOWN,
        reason="it was chosen",
        measurement=found,
    )
    stand_down = it.controller.stand_down
    assert stand_down is not None
    assert (stand_down.why, stand_down.left_s) == ("it was chosen", 1800.0)
    assert it.controller.leaves_a_choice
    assert it.device.writes == writes


def test_a_first_look_that_does_not_suffice_is_recorded() -> None:
    """With what it told."""
    it = case("look", charging())
    assert kept(it, it.controller.look_again("it may be old", in_manual())) == Decision(
        at=START, strategy="scripted", outcome=Outcome.KEPT, reason="it may be old", measurement=in_manual()
    )
