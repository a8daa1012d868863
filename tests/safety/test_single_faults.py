"""Single faults of the loop as a whole: record, lease and guard together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.control.strategy import Wish
from optimizer.control.weighing import self_consumption_wish
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import Measurement
from optimizer.domain.setpoint import Power
from optimizer.release.record import CommandRecord
from optimizer.release.target import ReleaseTarget
from optimizer.service.pace import SLOWEST_S
from support.hostile_battery import ReadFault, WriteFault
from support.safety_rig import GUARD_WITHIN_S, LONGEST_WAIT_S, OPTIONS, POLL_S, SLACK_S, Rig


def charges(rig: Rig) -> Rig:
    """Start a home and let it charge 900 W."""
    rig.strategy.decide_by = lambda _: Wish(battery_power_w=900.0, reason="the test says so")
    rig.start()
    rig.run(120.0)
    assert (rig.house.mode, rig.house.setpoint_w) == (DeviceMode.MANUAL, 900.0)
    return rig


@pytest.fixture
def plain(tmp_path: Path) -> Rig:
    """Return such a home around a plain unit: no mode call, no echo."""
    return charges(Rig(tmp_path, mode_control=False, echo=False))


@pytest.fixture
def charging(tmp_path: Path) -> Rig:
    """Return a home whose battery is told to charge 900 W, and does."""
    return charges(Rig(tmp_path, mode_control=True, echo=True))


def is_safe(rig: Rig) -> bool:
    return rig.house.mode is DeviceMode.AUTOMATIC and not rig.house.setpoint_w


def seconds_until(holds: Callable[[Rig], bool], rig: Rig, *, at_most_s: float = 3600.0) -> float:
    """Let time pass until something holds; return how long that took [s]."""
    began_s = rig.clock.elapsed()
    while not holds(rig):
        assert rig.clock.elapsed() - began_s < at_most_s
        rig.run(1.0)
    return rig.clock.elapsed() - began_s


def test_a_service_that_hangs_is_taken_back_by_the_guard_alone(charging: Rig) -> None:
    """Within lease and half a minute; once it moves again it finds the battery taken, and does not fight."""
    charging.hang(OPTIONS.lease_s + GUARD_WITHIN_S)
    assert is_safe(charging)
    charging.run(60.0)
    assert charging.decisions[-1].outcome is Outcome.STOOD_DOWN
    assert is_safe(charging)


def test_a_killed_service_is_taken_back_by_the_guard_alone(charging: Rig) -> None:
    """Where systemd does nothing the guard still looks."""
    charging.kill()
    assert seconds_until(is_safe, charging) <= OPTIONS.lease_s + GUARD_WITHIN_S
    assert not charging.record.may_stand()


@pytest.mark.parametrize(("mode_control", "echo"), [(False, False), (True, False), (True, True)])
def test_a_command_whose_successor_is_refused_ends_with_its_lease(
    mode_control: bool, echo: bool, tmp_path: Path
) -> None:
    """A unit that takes no discharge, and may tell no setpoint: what flows is the charge before, which nobody wants."""
    rig = charges(Rig(tmp_path, mode_control=mode_control, echo=echo))
    rig.battery.write_fault = WriteFault.ONE_WAY
    rig.strategy.decide_by = lambda _: Wish(battery_power_w=-2000.0, reason="a dear hour")
    assert seconds_until(lambda one: not one.house.setpoint_w, rig) <= OPTIONS.lease_s + POLL_S
    rig.run(1800.0)
    assert rig.house.setpoint_w == 0.0
    assert is_safe(rig) or not mode_control
    assert rig.problems == []


@pytest.mark.parametrize("echo", [False, True])
def test_a_unit_that_tells_no_mode_and_ignores_the_hand_over_is_told_again(echo: bool, tmp_path: Path) -> None:
    """What flows, or the echo, shows that the command goes on: on record until it ends, soon after the unit hears."""
    rig = charges(Rig(tmp_path, mode_control=True, echo=echo, names_mode=False))
    rig.battery.write_fault = WriteFault.IGNORED
    rig.strategy.decide_by = lambda it: self_consumption_wish(it, "the battery does it by itself")
    rig.run(120.0)
    assert (rig.house.setpoint_w, rig.record.may_stand()) == (900.0, True)
    rig.battery.write_fault = WriteFault.NONE
    assert seconds_until(is_safe, rig) <= OPTIONS.settle_s + POLL_S
    assert seconds_until(lambda one: not one.record.may_stand(), rig) <= OPTIONS.lease_s


@pytest.mark.parametrize("every_s", [20.0, 60.0, 300.0])
def test_another_controller_that_says_zero_is_not_fought(every_s: float, charging: Rig) -> None:
    """Zero looks like a command that was forgotten; not six times within an hour."""
    said_s = [charging.clock.elapsed()]

    def hold(_: object) -> None:
        if charging.clock.elapsed() - said_s[0] >= every_s:
            said_s[0] += every_s
            charging.house.command(0.0)

    charging.clock.subscribe(hold)
    before = len(charging.battery.ledger.writes)
    charging.run(3600.0)
    assert any(one.outcome is Outcome.STOOD_DOWN for one in charging.decisions)
    assert len(charging.battery.ledger.writes) - before < 40


def test_another_controller_that_keeps_manual_mode_from_the_start_is_not_fought(tmp_path: Path) -> None:
    """What is found may be ours: after six times within an hour it is tried once a lease, and told as a stand-down."""
    rig = Rig(tmp_path, mode_control=True, echo=True)
    rig.strategy.decide_by = lambda it: self_consumption_wish(it, "the battery does it by itself")

    def keep(_: object) -> None:
        rig.house.set_mode(DeviceMode.MANUAL)
        rig.house.command(1500.0)

    keep(None)
    rig.clock.subscribe(keep)
    rig.start()
    rig.run(600.0)
    assert rig.service is not None
    assert rig.service.controller.stand_down is not None
    before = len(rig.battery.ledger.writes)
    rig.run(900.0)
    assert len(rig.battery.ledger.writes) - before <= 11


def test_a_link_that_is_down_while_charging_ends_the_command_as_soon_as_it_is_back(charging: Rig) -> None:
    """Nobody can tell the battery meanwhile; the command stays on record and the first look after it ends it."""
    charging.battery.read_fault, charging.battery.write_fault = ReadFault.TIMEOUT, WriteFault.TIMEOUT
    charging.run(1200.0)
    assert charging.house.setpoint_w == 900.0
    assert charging.record.may_stand()
    charging.battery.read_fault, charging.battery.write_fault = ReadFault.REFUSED, WriteFault.NONE
    assert seconds_until(is_safe, charging) <= GUARD_WITHIN_S
    assert not charging.problems


@pytest.mark.parametrize("seconds", [-366 * 86_400.0, -3600.0, -30.0, 30.0, 3600.0, 366 * 86_400.0])
def test_a_step_of_the_wall_clock_neither_ends_nor_prolongs_a_lease(charging: Rig, seconds: float) -> None:
    """The command stands on while it is verified, and ends with its lease or interval once it is not."""
    charging.clock.step_wall_clock(seconds)
    charging.run(60.0)
    assert charging.decisions[-1].setpoint == Power(900.0)
    charging.battery.read_fault = ReadFault.REFUSED
    assert seconds_until(is_safe, charging) <= OPTIONS.lease_s + POLL_S + SLACK_S
    assert not charging.problems


def test_after_a_suspend_the_old_command_is_verified_or_taken_back(charging: Rig) -> None:
    """The first look renews it where the battery shows it; where it cannot be read it ends."""
    charging.sleep(7200.0)
    charging.run(POLL_S)
    assert charging.decisions[-1].setpoint == Power(900.0)
    charging.battery.read_fault = ReadFault.REFUSED
    charging.sleep(7200.0)
    assert seconds_until(is_safe, charging) <= GUARD_WITHIN_S


def test_a_device_clock_that_goes_back_an_hour_changes_nothing(charging: Rig) -> None:
    """As in the night in which an hour occurs twice: the device's time only shows that its data moves."""
    charging.house.set_clock_skew(-3600.0)
    charging.run(300.0)
    assert {one.outcome for one in charging.decisions[-20:]} <= {Outcome.KEPT, Outcome.APPLIED}
    assert charging.decisions[-1].setpoint == Power(900.0)


def test_an_end_that_cannot_hand_back_leaves_the_command_on_record(charging: Rig) -> None:
    """The battery takes no write at SIGTERM: what stands is known to the guard, which ends it once it can."""
    charging.battery.write_fault = WriteFault.REFUSED
    assert not charging.terminate()
    assert charging.record.may_stand()
    charging.run(600.0)
    charging.battery.write_fault = WriteFault.NONE
    assert seconds_until(is_safe, charging) <= GUARD_WITHIN_S


def test_a_plain_battery_that_ignores_the_end_stays_on_record(plain: Rig) -> None:
    """It acknowledges the zeroed setpoints and goes on charging: the guard goes on, too, until the power has gone."""
    plain.battery.write_fault = WriteFault.IGNORED
    assert not plain.terminate()
    plain.run(600.0)
    assert plain.record.may_stand()
    plain.battery.write_fault = WriteFault.NONE
    assert seconds_until(lambda rig: not rig.house.setpoint_w, plain) <= GUARD_WITHIN_S
    plain.run(GUARD_WITHIN_S)
    assert not plain.record.may_stand()


def test_a_plain_battery_that_goes_on_with_a_command_before_the_last_stays_on_record(plain: Rig) -> None:
    """It takes the last command for nothing and the hand-back, too: what it still does is ours all the same."""
    plain.battery.write_fault = WriteFault.IGNORED
    plain.strategy.decide_by = lambda _: Wish(battery_power_w=-4000.0, reason="the test says so")
    plain.run(600.0)
    assert plain.house.setpoint_w == 900.0
    assert plain.record.may_stand()
    plain.battery.write_fault = WriteFault.NONE
    assert seconds_until(lambda rig: not rig.house.setpoint_w, plain) <= OPTIONS.settle_s + POLL_S
    plain.run(60.0)
    assert not plain.record.may_stand()
    assert not plain.problems


def test_what_a_killed_service_left_at_a_plain_battery_that_ignores_everything_stays_on_record(plain: Rig) -> None:
    """The next one hands back and commands anew, both in vain: what it found is no stranger's power."""
    plain.battery.write_fault = WriteFault.IGNORED
    plain.kill()
    plain.strategy.decide_by = lambda _: Wish(battery_power_w=-4000.0, reason="the test says so")
    plain.start()
    plain.run(600.0)
    assert (plain.house.setpoint_w, plain.record.may_stand()) == (900.0, True)
    assert not plain.problems


def test_a_setpoint_that_is_told_and_was_ours_before_is_taken_back(charging: Rig) -> None:
    """The battery took the last command for nothing: what it goes on with is no stranger's."""
    charging.battery.write_fault = WriteFault.IGNORED
    charging.strategy.decide_by = lambda _: Wish(battery_power_w=-3000.0, reason="the test says so")
    charging.run(60.0)
    assert charging.decisions[-1].outcome is Outcome.STOOD_DOWN
    assert (charging.house.setpoint_w, charging.record.may_stand()) == (900.0, True)
    charging.battery.write_fault = WriteFault.NONE
    assert seconds_until(is_safe, charging) <= OPTIONS.lease_s
    charging.run(60.0)
    assert not charging.record.may_stand()
    assert not charging.problems


def force_on_frozen_data(rig: Rig) -> None:
    """Let the status freeze in automatic mode, and command right after."""
    rig.strategy.decide_by = lambda situation: self_consumption_wish(situation, "content")
    rig.run(120.0)
    rig.battery.read_fault = ReadFault.FROZEN
    rig.run(5.0)
    rig.strategy.decide_by = lambda _: Wish(battery_power_w=900.0, reason="the test says so")
    rig.run(POLL_S)


def test_data_that_freezes_while_a_command_is_entered_does_not_take_it_off_the_record(charging: Rig) -> None:
    """The status goes on to tell automatic mode: nobody chose that, and the command is taken back."""
    force_on_frozen_data(charging)
    assert charging.house.mode is DeviceMode.MANUAL
    assert seconds_until(is_safe, charging) <= OPTIONS.settle_s + 2 * POLL_S
    assert not charging.problems


def test_data_that_froze_before_a_power_plant_came_does_not_take_a_command_off_the_record(charging: Rig) -> None:
    """Behind the power plant our command waits: automatic mode counts only once it must be younger than that."""
    force_on_frozen_data(charging)
    charging.house.set_vpp_power(-3000.0)
    charging.strategy.decide_by = lambda _: Wish(battery_power_w=2000.0, reason="the test says so")
    charging.run(3 * POLL_S)
    assert charging.house.mode is DeviceMode.MANUAL
    assert charging.record.may_stand()
    assert not charging.problems


def test_a_service_that_hangs_on_frozen_data_is_taken_back_in_time(charging: Rig) -> None:
    """Slow polls do not stretch how long old data renews the lease."""
    charging.battery.read_fault, charging.battery.write_fault = ReadFault.FROZEN, WriteFault.REFUSED
    charging.run(120.0)
    charging.battery.write_fault = WriteFault.NONE
    charging.hang(600.0)
    assert is_safe(charging)
    assert not charging.problems


def test_data_that_froze_before_a_service_hung_does_not_renew_the_lease_after_it(charging: Rig) -> None:
    """Two looks a hundred seconds apart are as good as five in a row: the command is as old as the data."""
    charging.battery.read_fault = ReadFault.FROZEN
    charging.run(POLL_S)
    verified_s = charging.battery.ledger.verified_s
    charging.hang(OPTIONS.max_age_s + POLL_S)
    charging.run(POLL_S)
    assert "has not moved" in charging.decisions[-1].reason
    left_s = verified_s + OPTIONS.lease_s - charging.clock.elapsed()
    assert seconds_until(is_safe, charging) <= left_s + SLACK_S
    assert not charging.problems


def test_a_read_that_hangs_over_the_end_of_a_lease_ends_the_command_at_once(charging: Rig) -> None:
    """It began in time and ended too late: the way back is not put off to the step after it."""
    assert charging.service is not None
    end_s = charging.service.controller.lease_end_s
    assert end_s is not None
    charging.battery.read_fault = ReadFault.TIMEOUT
    charging.service.next_s = end_s - 2.0
    charging.run(end_s + 4.0 - charging.clock.elapsed())
    assert charging.decisions[-1].outcome is Outcome.HANDED_BACK
    assert is_safe(charging)


def test_a_slow_read_that_is_in_doubt_ends_the_command_at_once_when_its_lease_is_over(charging: Rig) -> None:
    """The way back is not put off to the step after it, which may be a whole poll away."""
    assert charging.service is not None
    end_s = charging.service.controller.lease_end_s
    assert end_s is not None
    read, charging.battery.read_fault = charging.battery.read, ReadFault.SOC_255

    def slow() -> Measurement:
        charging.pass_time(4.0)
        return read()

    charging.battery.read = slow  # type: ignore[method-assign]
    charging.service.next_s = end_s - 2.0
    charging.run(end_s + 3.0 - charging.clock.elapsed())
    assert charging.decisions[-1].outcome is Outcome.HANDED_BACK
    assert is_safe(charging)


def test_what_waits_behind_a_power_plant_stays_on_record_until_it_is_seen_to_be_gone(charging: Rig) -> None:
    """The battery acknowledges the hand-back and ignores it: it is tried again, once a lease."""
    charging.house.set_vpp_power(-3000.0)
    charging.run(60.0)
    assert charging.decisions[-1].outcome is Outcome.STOOD_DOWN
    charging.battery.write_fault = WriteFault.IGNORED
    charging.house.set_vpp_power(None)
    charging.run(3 * OPTIONS.lease_s)
    assert charging.record.may_stand()
    assert not charging.problems
    charging.battery.write_fault = WriteFault.NONE
    charging.run(OPTIONS.lease_s + 2 * POLL_S)
    assert is_safe(charging)
    assert not charging.record.may_stand()


@pytest.mark.parametrize("fault", [WriteFault.NONE, WriteFault.REFUSED])
def test_what_lies_stored_under_a_mode_that_somebody_chose_is_taken_back(charging: Rig, fault: WriteFault) -> None:
    """Put back in manual mode, the battery would act on it; on record until it is gone, the chosen mode left alone."""
    charging.battery.write_fault = fault
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(2.0 * POLL_S)
    assert charging.decisions[-1].outcome is Outcome.STOOD_DOWN
    assert charging.house.setpoint_w == (0.0 if fault is WriteFault.NONE else 900.0)
    assert charging.record.may_stand() == (fault is WriteFault.REFUSED)
    charging.battery.write_fault = WriteFault.NONE
    charging.run(OPTIONS.lease_s + OPTIONS.max_age_s + 2.0 * POLL_S)
    assert (charging.house.setpoint_w, charging.record.may_stand()) == (0.0, False)
    assert charging.terminate()
    charging.house.set_mode(DeviceMode.MANUAL)
    charging.run(3600.0)
    assert abs(charging.house.battery_power_w) < 50.0


def test_an_end_under_a_mode_that_somebody_chose_leaves_nothing_of_ours(charging: Rig) -> None:
    """Right after the change too: the setpoint is zeroed, the mode stays."""
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(POLL_S)
    assert charging.terminate()
    assert (charging.house.mode, charging.house.setpoint_w) == (DeviceMode.OPTIMIZING, 0.0)
    assert not charging.record.may_stand()


def test_an_end_on_frozen_data_is_not_believed(charging: Rig) -> None:
    """A status that tells the mode from before the command says nothing of the hand-back that was ignored."""
    force_on_frozen_data(charging)
    charging.battery.write_fault = WriteFault.IGNORED
    assert not charging.terminate()
    assert charging.record.may_stand()
    charging.battery.write_fault = WriteFault.NONE
    assert seconds_until(is_safe, charging) <= GUARD_WITHIN_S + OPTIONS.lease_s


@pytest.mark.parametrize("guarded", [False, True])
def test_a_start_on_frozen_data_does_not_take_a_command_off_the_record(charging: Rig, *, guarded: bool) -> None:
    """What an earlier run sent it may have sent just before it died; the data may be older than that."""
    force_on_frozen_data(charging)
    charging.kill()
    charging.battery.write_fault = WriteFault.IGNORED
    charging.strategy.decide_by = lambda situation: self_consumption_wish(situation, "nothing to force")
    charging.has_guard = guarded
    charging.start()
    for _ in range(30):
        charging.run(POLL_S)
        assert charging.house.setpoint_w == 900.0
        assert charging.record.may_stand()
    charging.battery.read_fault, charging.battery.write_fault = ReadFault.NONE, WriteFault.NONE
    assert seconds_until(lambda rig: not rig.record.may_stand(), charging) <= OPTIONS.settle_s + GUARD_WITHIN_S
    assert is_safe(charging)


@pytest.mark.parametrize("fault", [ReadFault.REFUSED, ReadFault.FROZEN, ReadFault.UNBALANCED])
def test_a_hand_back_that_was_ignored_is_pursued_by_the_loop_alone(charging: Rig, fault: ReadFault) -> None:
    """Once a lease, as long as no status shows it, and though there is no guard."""
    charging.has_guard = False
    charging.battery.read_fault, charging.battery.write_fault = fault, WriteFault.IGNORED
    charging.run(300.0)
    assert charging.house.setpoint_w == 900.0
    charging.battery.write_fault = WriteFault.NONE
    assert seconds_until(is_safe, charging) <= OPTIONS.lease_s + SLOWEST_S + SLACK_S
    writes = len(charging.battery.ledger.writes)
    charging.run(3600.0)
    assert len(charging.battery.ledger.writes) - writes <= 3600.0 / OPTIONS.lease_s


def test_the_pursuit_ends_when_somebody_else_has_seen_it_done(charging: Rig) -> None:
    """The guard has taken it off the record: no mode that is chosen afterwards is written over."""
    charging.has_guard = False
    charging.battery.read_fault = ReadFault.REFUSED
    charging.run(OPTIONS.lease_s + LONGEST_WAIT_S)
    charging.record.clear()
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(3600.0)
    assert charging.house.mode is DeviceMode.OPTIMIZING


def test_the_pursuit_ends_on_data_that_lives_though_it_is_in_doubt(charging: Rig) -> None:
    """In automatic mode for all to see: days of doubt are no reason to hand it back each minute and a half."""
    charging.battery.read_fault = ReadFault.UNBALANCED
    charging.run(600.0)
    writes = len(charging.battery.ledger.writes)
    charging.run(7200.0)
    assert len(charging.battery.ledger.writes) == writes
    assert not charging.record.may_stand()


@pytest.mark.parametrize("chosen_after_s", [0.0, 30.0, OPTIONS.lease_s - POLL_S, OPTIONS.lease_s + POLL_S, 600.0])
@pytest.mark.parametrize("fault", [ReadFault.UNBALANCED, ReadFault.SOC_255])
def test_a_mode_that_is_chosen_while_the_data_is_in_doubt_is_left_alone(
    charging: Rig, fault: ReadFault, chosen_after_s: float
) -> None:
    """Before the lease of the command ends and after it: what is taken back then is the setpoint, not the mode."""
    charging.battery.read_fault = fault
    charging.run(chosen_after_s)
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(3600.0)
    assert (charging.house.mode, charging.house.setpoint_w) == (DeviceMode.OPTIMIZING, 0.0)
    charging.battery.read_fault = ReadFault.NONE
    charging.run(300.0)
    assert charging.house.mode is DeviceMode.OPTIMIZING
    assert not charging.record.may_stand()


@pytest.mark.parametrize("left_over", [False, True])
def test_a_mode_that_is_chosen_before_a_crash_is_left_alone_after_it(charging: Rig, *, left_over: bool) -> None:
    """A start after a crash is nobody's word, nor is one after an orderly end that left it alone; resume is."""
    if left_over:
        charging.kill()
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(OPTIONS.lease_s + GUARD_WITHIN_S)
    charging.kill()
    charging.start()
    charging.run(7200.0)
    assert (charging.house.mode, charging.house.setpoint_w) == (DeviceMode.OPTIMIZING, 0.0)
    assert not charging.record.may_stand()
    assert charging.decisions[-1].outcome is Outcome.STOOD_DOWN
    charging.terminate()
    charging.start()
    charging.run(60.0)
    assert charging.house.mode is DeviceMode.OPTIMIZING
    charging.resume()
    charging.run(60.0)
    assert charging.decisions[-1].setpoint == Power(900.0)


def test_a_start_after_a_crash_does_not_take_frozen_data_for_a_choice(tmp_path: Path) -> None:
    """Its data froze in the mode that the owner had it in before the first start: there a command may stand."""
    rig = Rig(tmp_path, mode_control=True, echo=True)
    rig.house.set_mode(DeviceMode.OPTIMIZING)
    rig.strategy.decide_by = lambda _: Wish(battery_power_w=900.0, reason="the test says so")
    rig.battery.read_fault = ReadFault.FROZEN
    rig.start()
    rig.run(5.0)
    assert rig.house.setpoint_w == 900.0
    rig.kill()
    rig.start()
    rig.run(600.0)
    assert is_safe(rig)
    assert not rig.problems


@pytest.mark.parametrize("mode", [DeviceMode.BACKUP, DeviceMode.TIME_OF_USE])
@pytest.mark.parametrize("end", ["terminate", "guard", "restart", "blind"])
def test_a_battery_is_left_in_the_mode_that_its_owner_wants_it_in(tmp_path: Path, mode: DeviceMode, end: str) -> None:
    """By every way back; and taken up from it again, for it is nobody's choice."""
    rig = charges(Rig(tmp_path, mode_control=True, echo=True, hand_back_mode=mode))
    if end == "terminate":
        assert rig.terminate()
    elif end == "blind":
        rig.battery.read_fault = ReadFault.REFUSED
        rig.run(OPTIONS.lease_s + LONGEST_WAIT_S)
    else:
        rig.kill()
        if end == "guard":
            rig.run(OPTIONS.lease_s + GUARD_WITHIN_S)
    if end != "restart":
        assert (rig.house.mode, rig.house.setpoint_w) == (mode, 0.0)
    rig.battery.read_fault = ReadFault.NONE
    if rig.service is None:
        rig.start()
    rig.run(OPTIONS.hold_off_s + 600.0)
    assert (rig.house.mode, rig.house.setpoint_w) == (DeviceMode.MANUAL, 900.0)
    assert not rig.problems


def test_the_guard_leaves_a_mode_alone_that_is_chosen_after_a_crash(charging: Rig) -> None:
    """The setpoint beneath it is zeroed, and off the record."""
    charging.kill()
    charging.house.set_mode(DeviceMode.OPTIMIZING)
    charging.run(OPTIONS.lease_s + GUARD_WITHIN_S)
    assert (charging.house.mode, charging.house.setpoint_w) == (DeviceMode.OPTIMIZING, 0.0)
    assert not charging.record.may_stand()


def test_a_command_that_was_held_up_before_it_was_sent_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk holds the intent up for ten minutes: the battery is another by then, and the record may be cleared."""
    rig = Rig(tmp_path, mode_control=True, echo=True)
    rig.strategy.decide_by = lambda _: Wish(battery_power_w=900.0, reason="the test says so")
    intend = CommandRecord.intend

    def held_up(record: CommandRecord, command: str, battery: ReleaseTarget | None = None) -> None:
        intend(record, command, battery)
        rig.pass_time(600.0)
        monkeypatch.undo()

    monkeypatch.setattr(CommandRecord, "intend", held_up)
    rig.start()
    rig.run(1.0)
    assert rig.decisions[0].outcome is Outcome.FAILED
    assert "held up" in (rig.decisions[0].error or "")
    assert not rig.house.setpoint_w
    rig.run(OPTIONS.max_age_s + GUARD_WITHIN_S)
    assert is_safe(rig)
    assert not rig.record.may_stand()
