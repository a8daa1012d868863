"""One control step after the other, on a simulated clock against a scripted battery."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from optimizer.control.registry import create_strategy
from optimizer.control.strategy import Wish
from optimizer.domain.decision import Limit, Outcome
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.errors import DeviceInternalError, DeviceUnreachable, ExternalControl
from support.control_case import Kept, Scripted, case, charging
from support.situations import BATTERY, START, plan_of, value_of


def test_a_wish_is_sent_once_and_then_kept() -> None:
    """Nothing is written while the battery stands as wanted."""
    case("steady wish", charging()).tick().expect(Outcome.APPLIED, Power(2000.0), writes=1).tick().expect(
        Outcome.KEPT, Power(2000.0), writes=1
    )


def test_a_standing_command_is_sent_again_every_minute() -> None:
    """Batteries forget; a command is re-asserted even where nothing shows that it was lost."""
    case("re-assertion", charging()).tick().ticks(6).expect(Outcome.APPLIED, writes=2)


def test_automatic_mode_is_preferred_for_self_consumption() -> None:
    """Where the battery's own mode does what is wanted, it is left to it."""
    it = case("automatic", Scripted(-500.0, self_consumption=True)).tick().expect(Outcome.APPLIED, Automatic())
    it.tick().expect(Outcome.KEPT, Automatic(), writes=1)


def test_without_a_mode_call_the_loop_is_closed_by_setpoints() -> None:
    """A device that cannot change its mode is followed with load and sun."""
    it = case("plain V1", create_strategy("self_consumption", {}), can_set_mode=False)
    it.tick(load_w=800.0).expect(Outcome.APPLIED, Power(-800.0))
    it.tick(load_w=2800.0).expect(Outcome.APPLIED, Power(-2800.0))
    it.tick(load_w=2790.0).expect(Outcome.KEPT, Power(-2800.0))


def test_automatic_is_not_used_near_the_edge_of_the_band() -> None:
    """The device does not know the configured band, so the loop keeps it by itself there."""
    it = case("band", Scripted(-500.0, self_consumption=True), battery=replace(BATTERY, min_soc=0.2))
    it.tick(soc=0.2).expect(Outcome.APPLIED, Power(0.0))
    assert it.last is not None
    assert it.last.limits == (Limit.MIN_SOC,)


def test_no_plan_and_no_price_mean_self_consumption() -> None:
    """What is not known is not guessed."""
    case("no plan").tick().expect(Outcome.APPLIED, Automatic(), says="no plan to trust (no plan has been made yet)")
    it = case("no price", plan=plan_of(value_of(0.2)))
    it.tariff.import_per_kwh = None
    it.tick().expect(Outcome.APPLIED, Automatic(), says="price of this interval is not known")


def test_a_stale_plan_is_not_acted_on() -> None:
    """A plan older than its time leads to self-consumption, whatever it says."""
    it = case("stale", plan=plan_of(value_of(0.5), count=96))
    it.tick().expect(Outcome.APPLIED, Power(4600.0), says="charges 4.6 kW, also from the grid")
    it.tick(3601.0).expect(Outcome.APPLIED, Automatic(), says="UTC is too old)")


def test_the_decision_can_say_why() -> None:
    """The record carries wish, prices, worth and plan."""
    it = case("record", plan=plan_of(value_of(0.31))).tick(load_w=1900.0)
    decision = it.history.decisions[-1]
    assert decision is it.last
    assert (decision.import_price_per_kwh, decision.export_price_per_kwh) == (0.30, 0.08)
    assert decision.energy_value_per_kwh == 0.31
    assert decision.plan_made_at == START
    assert decision.measurement is not None
    assert it.history.measurements


def test_a_strategy_that_fails_serves_the_house(caplog: pytest.LogCaptureFixture) -> None:
    """An exception or a number that is none never reaches the battery."""
    it = case("broken strategy", charging())
    assert isinstance(it.strategy, Scripted)
    it.strategy.error = ZeroDivisionError("oops")
    with caplog.at_level(logging.CRITICAL, logger="optimizer.control.controller"):
        it.tick().expect(Outcome.APPLIED, Automatic(), says="ZeroDivisionError: oops")
        it.strategy.error = None
        it.wish(float("nan")).tick().expect(Outcome.KEPT, Automatic(), says="it wished for nan W")
    assert it.last is not None
    assert it.last.error is not None


class Returns:
    """A strategy that returns whatever it is given."""

    def __init__(self, wish: object) -> None:
        self._wish = wish

    def decide(self, _: object) -> object:
        return self._wish


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (None, "it returned None"),
        (Wish(battery_power_w=900.0, reason=3), "no wish with a reason in words"),  # type: ignore[arg-type]
        (Wish(battery_power_w=900.0, reason="", energy_value_per_kwh=float("nan")), "it weighed against nan"),
    ],
)
def test_whatever_a_strategy_returns_is_looked_at_before_it_acts(wish: object, says: str) -> None:
    """It may be anybody's: what would fail later, when the battery has been told, fails here."""
    it = case("strange wish", charging())
    it.controller._strategy = Returns(wish)  # type: ignore[assignment]
    it.tick().expect(Outcome.APPLIED, Automatic(), says=says)


def test_a_strategy_that_ends_the_program_does_not() -> None:
    """Control goes on."""
    it = case("exit", charging())
    assert isinstance(it.strategy, Scripted)
    it.strategy.error = SystemExit(0)
    it.tick().expect(Outcome.APPLIED, Automatic(), says="SystemExit: 0")


def test_observing_writes_nothing() -> None:
    """Observe mode plans and records; not even a release reaches the battery."""
    it = case("observe", charging(), observe=True).tick().expect(Outcome.OBSERVED, None)
    it.device.become_unreachable()
    it.tick().expect(Outcome.FAILED)
    it.device.recover()
    it.tick(mode=OperatingMode.BACKUP).expect(Outcome.OBSERVED)
    assert it.controller.release("the end").outcome is Outcome.OBSERVED
    assert it.device.writes == []


def test_a_lost_setpoint_is_sent_again() -> None:
    """The nightly restart forgets the setpoint and keeps the mode; the echo shows it."""
    it = case("restart", charging()).tick().ticks(4)
    it.device.restart()
    it.tick().expect(Outcome.APPLIED, Power(2000.0), writes=2)


def test_after_an_outage_the_command_is_sent_again() -> None:
    """A battery that was away may have restarted, mode and all: nobody is blamed."""
    it = case("outage", charging()).tick().ticks(4)
    it.device.become_unreachable()
    it.ticks(5).expect(Outcome.FAILED, Power(2000.0))
    it.device.recover()
    it.device.restart()
    it.tick(mode=OperatingMode.AUTOMATIC).expect(Outcome.APPLIED, Power(2000.0))


def test_the_lease_ends_a_command_that_cannot_be_verified() -> None:
    """With no read-back for 90 s the battery is handed back, as often as it takes."""
    it = case("lease", charging()).tick().tick()
    it.device.read_error = DeviceUnreachable("reads fail")
    it.ticks(8).expect(Outcome.FAILED, Power(2000.0), writes=1)
    it.device.write_error = DeviceUnreachable("writes fail too")
    it.tick().expect(Outcome.FAILED).tick().expect(Outcome.FAILED, writes=3)
    it.device.write_error = None
    it.tick().expect(Outcome.HANDED_BACK, None, says="its lease has run out")
    it.tick().expect(Outcome.FAILED, None, writes=4)


def test_a_command_never_outlives_its_interval_unverified() -> None:
    """Prices change with the interval: what was right before is not right by default."""
    it = case("interval", charging()).tick(895.0)
    it.device.read_error = DeviceUnreachable("reads fail")
    it.tick(10.0).expect(Outcome.HANDED_BACK, None, says="its interval is over")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"elapsed_s": -60.0}, "s old"),
        ({"soc": 1.5}, "state of charge"),
        ({"consumption_w": 136_000.0}, "consumption"),
        ({"reported_grid_power_w": 9000.0}, "balance"),
        ({"on_grid": False}, "off the grid"),
    ],
)
def test_no_command_rests_on_a_doubtful_measurement(changes: dict[str, object], says: str) -> None:
    """Old, impossible or contradictory data start nothing new, and end what stands with its lease."""
    it = case("doubt", charging())
    it.tick(changes=changes).expect(Outcome.KEPT, None, says=says, writes=0)
    it.tick(changes={}).expect(Outcome.APPLIED, Power(2000.0))
    it.tick(changes=changes).expect(Outcome.KEPT, Power(2000.0), says=says, writes=1)
    it.ticks(9).expect(Outcome.KEPT, None, writes=2)
    assert it.device.writes[-1] == "release"


def test_a_frozen_device_is_noticed() -> None:
    """Equal timestamps with equal values, poll after poll, are no news."""
    frozen = START.replace(tzinfo=None)
    case("frozen", charging()).tick(changes={"device_time": frozen}).ticks(7).expect(Outcome.KEPT, says="has not moved")


def test_a_frozen_device_is_noticed_by_its_age_however_slow_the_polls() -> None:
    """While writes fail the polls grow rarer: what has not moved for longer than 45 s is old, after two looks too."""
    frozen = START.replace(tzinfo=None)
    it = case("frozen", charging()).tick(changes={"device_time": frozen, "battery_power_w": 2000.0}).tick(30.0)
    it.expect(Outcome.KEPT, Power(2000.0)).tick(30.0).expect(Outcome.KEPT, says="has not moved for 60 s")


def test_a_battery_that_does_not_follow_is_handed_back() -> None:
    """Accepted is not obeyed: after two settling times it is given up, and left alone for the hold-off."""
    it = case("deaf", charging()).tick(follows=False)
    it.ticks(3).expect(Outcome.KEPT).ticks(3).expect(Outcome.HANDED_BACK, None, says="does not follow: told to charge")
    count = len(it.device.writes)
    it.ticks(20).expect(Outcome.STOOD_DOWN, None, says="does not follow", writes=count)
    it.tick(1800.0).expect(Outcome.APPLIED, Power(2000.0))


def test_taper_near_full_is_no_disobedience() -> None:
    """Close to full the battery takes less than it is told."""
    it = case("taper", charging(4000.0)).tick(soc=0.97).ticks(3)
    it.device.follows = False
    it.tick(changes={"battery_power_w": 600.0}).ticks(20)
    assert "release" not in it.device.writes


def test_somebody_elses_mode_is_respected() -> None:
    """A mode changed in the app means: stand down, visibly, for the hold-off."""
    it = case("owner", charging()).tick().tick()
    it.tick(mode=OperatingMode.BACKUP).expect(
        Outcome.STOOD_DOWN, None, says="changed the battery's mode to backup", writes=2
    )
    assert (it.device.writes[-1], it.device.mode) == ("zero", OperatingMode.BACKUP)  # nothing of ours beneath it
    it.tick(1900.0).expect(Outcome.STOOD_DOWN, says="while its mode is backup", writes=2)
    it.tick(mode=OperatingMode.AUTOMATIC).expect(Outcome.APPLIED, Power(2000.0))


def test_a_mode_that_was_never_left_is_nobody_elses() -> None:
    """Old data may hide that manual mode was entered: what was accepted is handed back, never dropped unread."""
    it = case("frozen", charging()).tick(changes={"mode": OperatingMode.AUTOMATIC, "reported_setpoint_w": None})
    it.ticks(2).expect(Outcome.KEPT).tick().expect(Outcome.HANDED_BACK, says="mode is still automatic")
    assert it.device.mode is OperatingMode.AUTOMATIC
    it.tick().expect(Outcome.STOOD_DOWN, says="mode is still automatic")


def test_a_mode_the_owner_chooses_while_the_hand_over_fails_is_respected() -> None:
    """Automatic mode was asked for and refused; the owner then chose another: nobody writes over that."""
    strategy = Scripted(self_consumption=True)
    it = case("refused", strategy).tick().wish(2000.0)
    strategy.wish = replace(strategy.wish, self_consumption=False)
    it.tick(70.0).expect(Outcome.APPLIED, Power(2000.0)).tick()
    strategy.wish = replace(strategy.wish, self_consumption=True)
    it.tick(write_error=DeviceUnreachable("refused")).expect(Outcome.FAILED, Automatic())
    it.tick(mode=OperatingMode.TIME_OF_USE).expect(Outcome.STOOD_DOWN, says="somebody else changed")
    count = len(it.device.writes)
    it.ticks(5).expect(Outcome.STOOD_DOWN, writes=count)


def test_a_mode_the_owner_chooses_while_manual_mode_cannot_be_entered_is_respected() -> None:
    """At once, however often the wish changes meanwhile, and also where nothing but our next wish lies between."""
    strategy = Scripted(2000.0)
    it = case("refused", strategy)
    it.device.mode = OperatingMode.BACKUP
    it.tick(write_error=DeviceUnreachable("refused")).expect(Outcome.FAILED, Power(2000.0))
    it.wish(1000.0).tick().expect(Outcome.FAILED, Power(1000.0))
    strategy.wish = replace(strategy.wish, self_consumption=True)
    it.tick().expect(Outcome.FAILED, Automatic())
    strategy.wish = replace(strategy.wish, self_consumption=False)
    it.tick(70.0).expect(Outcome.FAILED, Power(1000.0))
    it.tick(mode=OperatingMode.TIME_OF_USE).expect(Outcome.STOOD_DOWN, says="changed the battery's mode to time_of_use")
    it.tick().expect(Outcome.STOOD_DOWN, None, writes=5)
    assert it.device.writes[-1] == "zero"


def test_leaving_automatic_by_someone_else_is_respected() -> None:
    """Manual mode that was not entered by us is another controller's."""
    it = case("other", Scripted(-500.0, self_consumption=True)).tick().tick()
    it.tick(mode=OperatingMode.MANUAL).expect(Outcome.STOOD_DOWN, None, writes=1)


def test_somebody_elses_setpoint_is_respected() -> None:
    """An echo that is neither ours nor zero is another controller's."""
    it = case("setpoint", charging()).tick().ticks(4)
    it.tick(setpoint_w=-3000.0).expect(Outcome.STOOD_DOWN, None, says="somebody else set discharge 3000 W")


def test_our_own_old_setpoint_after_a_refused_write_is_nobody_elses() -> None:
    """A write that failed leaves our former power standing: it is replaced, not respected as a foreign one."""
    it = case("refused", charging()).tick().ticks(4)
    it.wish(-1500.0).tick(write_error=DeviceInternalError("code 5")).expect(Outcome.FAILED)
    it.tick(write_error=None).expect(Outcome.APPLIED, Power(-1500.0))
    it.tick(10.0, setpoint_w=2000.0).expect(Outcome.KEPT, Power(-1500.0))
    it.tick(30.0, setpoint_w=2000.0).expect(Outcome.HANDED_BACK, None, says="still keeps to charge 2000 W")


def test_a_command_that_cannot_be_replaced_ends_with_its_lease() -> None:
    """Where the battery refuses every new power, the old one does not stand for ever."""
    it = case("stuck", charging()).tick().ticks(4).wish(-1500.0)
    it.tick(write_error=DeviceInternalError("code 5")).ticks(12)
    assert "release" in it.device.writes


def test_a_setpoint_that_is_forgotten_each_time_is_given_up() -> None:
    """Acknowledged and gone at every look is not obeyed: hand back and stand down instead of sending for ever."""
    it = case("forgetful", charging()).tick()
    it.device.follows = False
    it.tick(changes={"reported_setpoint_w": 0.0}).ticks(30).expect(
        Outcome.STOOD_DOWN, None, says="6 times within an hour"
    )
    assert len(it.device.writes) < 10


def test_a_hand_over_to_automatic_is_pursued_until_it_is_seen() -> None:
    """A refused or unseen change to automatic leaves a forced power behind: even without a valid status it is ended."""
    own = Scripted(-500.0, self_consumption=True)
    for refused in (True, False):
        it = case("hand over", charging()).ticks(8)
        it.strategy = own
        it.controller._strategy = own
        it.tick(write_error=DeviceInternalError("code 5") if refused else None)
        it.tick(write_error=None, mode=OperatingMode.MANUAL, load_w=-5.0).ticks(10)
        assert it.device.mode is OperatingMode.AUTOMATIC, refused


def test_an_owners_mode_found_after_an_outage_is_respected() -> None:
    """A restart does not choose backup or time of use: somebody did, while the battery could not be read."""
    for wish in (charging(), Scripted(-500.0, self_consumption=True)):
        it = case("outage", wish).ticks(6)
        it.device.become_unreachable()
        it.tick().expect(Outcome.FAILED)
        it.device.recover()
        it.tick(mode=OperatingMode.BACKUP).expect(Outcome.STOOD_DOWN, None, says="backup")


def test_the_end_leaves_a_mode_that_somebody_else_chose() -> None:
    """Stopping while standing down does not take the owner's backup mode away."""
    it = case("stop", charging()).ticks(3)
    it.tick(mode=OperatingMode.BACKUP).expect(Outcome.STOOD_DOWN)
    decision = it.controller.release("asked to stop")
    assert (decision.outcome, it.device.mode) == (Outcome.HANDED_BACK, OperatingMode.BACKUP)
    assert decision.reason == "asked to stop; its mode backup is not ours to change; asked to stop"


def test_hand_backs_do_not_lift_the_cap_on_mode_changes() -> None:
    """A battery whose status is doubtful most of the time is not taken and given back all day."""
    it = case("doubtful", charging())
    modes = []
    for minute in range(360):
        it.tick(load_w=-5.0 if minute % 10 else 500.0)
        modes.append(it.device.mode)
    assert sum(one != other for one, other in itertools.pairwise(modes)) <= 24
    assert Limit.MODE_CHANGES in {limit for one in it.history.decisions for limit in one.limits}


def test_what_is_left_behind_a_power_plant_is_taken_back() -> None:
    """Refused in mid-command, our old power has no timer at the battery: it does not come back for half an hour."""
    it = case("vpp leaves", charging()).ticks(4).wish(-1000.0)
    it.tick(write_error=ExternalControl("the power plant commands")).expect(Outcome.STOOD_DOWN)
    it.ticks(30)
    assert it.device.writes.count("release") <= 4
    it.tick(write_error=None).ticks(12).expect(Outcome.STOOD_DOWN)
    assert it.device.mode is OperatingMode.AUTOMATIC


def test_what_a_power_plant_hides_stays_on_record_and_is_taken_back_when_it_leaves() -> None:
    """Another's power over ours is a stand-down, but the battery keeps ours for ever: it is known until it is gone."""
    kept = Kept()
    it = case("vpp hides ours", charging(), keeper=kept)
    it.ticks(5).tick(changes={"reported_setpoint_w": 3000.0}).expect(Outcome.STOOD_DOWN)
    it.ticks(20).expect(Outcome.STOOD_DOWN, writes=1)
    assert kept.until_s is not None
    assert kept.until_s > it.clock.elapsed()
    it.tick(changes={}).ticks(10)
    assert it.device.mode is OperatingMode.AUTOMATIC
    assert kept.until_s is None


def test_a_virtual_power_plant_has_priority() -> None:
    """A write refused for another's priority means standing down at once."""
    it = case("vpp", charging())
    it.tick(write_error=ExternalControl("the power plant commands")).expect(Outcome.STOOD_DOWN, None)
    it.tick(write_error=None).expect(Outcome.STOOD_DOWN, writes=1)


def test_a_failed_write_is_tried_again_and_may_have_worked() -> None:
    """The answer can be lost after the effect: the command counts as standing, and is repeated."""
    it = case("write fails", charging())
    it.tick(write_error=DeviceInternalError("code 13")).expect(Outcome.FAILED, Power(2000.0))
    it.tick(write_error=None).expect(Outcome.APPLIED, Power(2000.0), writes=2)


def test_setpoints_keep_their_distance_unless_the_direction_turns() -> None:
    """At most one setpoint in ten seconds, but a change of direction does not wait."""
    it = case("rate", charging(1000.0)).tick().wish(2000.0).tick(5.0).expect(Outcome.KEPT, Power(1000.0), writes=1)
    it.tick(5.0).expect(Outcome.APPLIED, Power(2000.0)).wish(-1000.0).tick(5.0).expect(Outcome.APPLIED, Power(-1000.0))


def test_a_ramp_is_kept_to() -> None:
    """With a ramp the setpoint approaches its aim step by step."""
    it = case("ramp", charging(1000.0), ramp_w_per_s=50.0).tick().wish(3000.0)
    it.tick().expect(Outcome.APPLIED, Power(1500.0)).tick().expect(Outcome.APPLIED, Power(2000.0))
    assert it.last is not None
    assert Limit.RAMP in it.last.limits


def test_mode_changes_are_capped_within_any_hour() -> None:
    """However a strategy changes its mind, the mode does not change more often than allowed."""
    it = case("cap", Scripted(1000.0), max_mode_changes_per_hour=4)
    for minute in range(30):
        it.strategy.wish = replace(it.strategy.wish, self_consumption=minute % 2 == 0)  # type: ignore[attr-defined]
        it.tick(60.0)
    modes = [isinstance(one, Automatic) for one in it.device.writes]
    assert sum(one != other for one, other in itertools.pairwise(modes)) <= 4


def test_releasing_hands_back_and_says_so() -> None:
    """On the way out the battery gets its own mode back; a failure is told."""
    it = case("release", charging()).tick()
    decision = it.controller.release("asked to stop")
    assert (decision.outcome, decision.setpoint, decision.reason) == (Outcome.HANDED_BACK, None, "asked to stop")
    assert it.device.mode is OperatingMode.AUTOMATIC
    it.device.become_unreachable()
    assert it.controller.release("asked again").outcome is Outcome.FAILED


def test_ties_and_noise_do_not_flap() -> None:
    """Prices within a cent of the worth and a noisy load change the regime at most twice an hour."""
    it = case("flapping", plan=plan_of(value_of(0.290, 0.285, 0.280), count=96))
    regimes, noise = [], [0.0, 180.0, -160.0, 40.0, -90.0, 120.0, -30.0]
    for tick in range(360):
        if tick % 90 == 0:
            it.board.post(plan_of(value_of(0.290, 0.285, 0.280), count=96, made_at=it.clock.now()))
            it.tariff.import_per_kwh = 0.300 + (0.004 if tick % 180 else -0.004)
        it.tick(10.0, load_w=250.0 + noise[tick % 7], pv_w=240.0)
        previous = it.controller._previous
        assert previous is not None
        regimes.append(previous.wish.regime)
    changes = sum(one != other for one, other in itertools.pairwise(regimes))
    assert changes <= 2, regimes[::10]


def test_the_price_is_asked_once_an_interval() -> None:
    """A control step costs the tariff nothing while its interval lasts."""
    it = case("prices", charging()).ticks(20)
    assert it.tariff.asked == 1
    it.clock.advance(timedelta(minutes=15).total_seconds())
    it.tick()
    assert it.tariff.asked == 2


def test_a_device_limit_in_the_echo_is_nobody_else() -> None:
    """An echo of the same sign and smaller is what the device's own limits leave of our command."""
    it = case("limited", charging(4000.0)).tick(soc=0.97).ticks(4)
    it.tick(setpoint_w=900.0, changes={"battery_power_w": 900.0}).expect(Outcome.KEPT, Power(4000.0))


def test_a_hand_back_of_a_plain_battery_is_pursued_until_its_power_has_gone() -> None:
    """Without a mode call only setpoint and power show that a hand-back was obeyed."""
    it = case("plain", charging(), can_set_mode=False).tick().ticks(3)
    it.controller.release("the test says so")
    it.tick(40.0, changes={"reported_setpoint_w": None, "battery_power_w": 2000.0})
    it.expect(Outcome.HANDED_BACK, says="still does charge 2000 W")
    it.device.changes = {"reported_setpoint_w": None, "battery_power_w": 5.0}
    it.tick(40.0).expect(Outcome.APPLIED, Power(2000.0))


def test_a_power_that_is_not_ours_is_not_zeroed_again_and_again() -> None:
    """After a plain battery was handed back another controller may drive it: that is no disobedience."""
    it = case("plain", charging(), can_set_mode=False).tick().ticks(3)
    it.controller.release("the test says so")
    it.tick(40.0, changes={"reported_setpoint_w": None, "battery_power_w": -1500.0})
    assert it.device.writes.count("release") == 1


@pytest.mark.parametrize(("echo_w", "releases"), [(2000.0, 2), (-1500.0, 1), (0.0, 1)])
def test_the_echo_of_a_plain_battery_says_whether_a_hand_back_was_obeyed(echo_w: float, releases: int) -> None:
    """It may be full and do nothing: its setpoint stands all the same, and one that is not ours is left alone."""
    it = case("plain with an echo", charging(), can_set_mode=False).tick().ticks(3)
    it.controller.release("the test says so")
    it.tick(40.0, changes={"reported_setpoint_w": echo_w, "battery_power_w": 0.0})
    assert it.device.writes.count("release") == releases


def test_a_failing_hand_back_does_not_flood_the_journal(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried with every step and told once."""
    it = case("flood", charging()).tick()
    it.device.become_unreachable()
    with caplog.at_level(logging.WARNING):
        it.ticks(30)
    assert caplog.text.count("could not hand back") == 1
    assert it.device.writes.count("release") > 10


def test_a_command_is_on_record_again_before_it_is_sent_again() -> None:
    """A guard that handed the battery back clears the record; nothing of ours is in force, so the lease begins anew."""
    kept = Kept()
    it = case("guard was here", charging(), keeper=kept)
    it.ticks(3)
    lease_end_s = it.controller.lease_end_s
    assert lease_end_s is not None
    kept.drop()
    it.tick(read_error=DeviceUnreachable("away"))
    on_record: list[float | None] = []
    apply = it.device.apply
    it.device.apply = lambda setpoint, **_: (on_record.append(kept.until_s), apply(setpoint))[1]  # type: ignore[method-assign]
    it.device.restart()
    kept.drop()
    it.tick(read_error=None).expect(Outcome.APPLIED, Power(2000.0))
    assert on_record == [lease_end_s + 20.0]
