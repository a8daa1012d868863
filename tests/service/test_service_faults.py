"""What the service does when the battery, the strategy, a listener or an earlier run misbehaves."""

import logging
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Power
from optimizer.errors import LockedError
from optimizer.history.store import HistoryStore, history_path
from optimizer.release.claim import is_held
from optimizer.release.record import CommandRecord
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.release.word import needs_release
from optimizer.service.leftovers import leave_word
from optimizer.service.lock import InstanceLock
from optimizer.service.notify import Notifier
from optimizer.service.status import read_status, status_path
from optimizer.simulator.fault import Fault, FaultKind, Target
from optimizer.simulator.firmware import Firmware
from support.service_bench import START, TOKEN, Bench, bench


class Told(Notifier):
    """Remembers what systemd would have been told."""

    def __init__(self) -> None:
        super().__init__(watchdog_s=90.0)
        self.messages: list[str] = []

    def _send(self, message: str) -> None:
        self.messages.append(message)


def listen(home: Bench) -> Told:
    told = Told()
    home.daemon._notifier = told
    return told


@pytest.fixture
def nobody_listens() -> Iterator[int]:
    """Return a port on which nothing answers, held for the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_battery_that_is_away_at_start_does_not_keep_the_service_from_starting(
    tmp_path: Path, nobody_listens: int
) -> None:
    """READY comes within half a minute, the watchdog is fed, the fault is shown, and tries grow rarer."""
    with bench(tmp_path, battery={"port": nobody_listens}) as home:
        told = listen(home)
        home.run_for(timedelta(minutes=16))

        assert told.messages.count("READY=1") == 1
        assert told.messages.count("WATCHDOG=1") == len(home.decisions)
        assert {decision.outcome for decision in home.decisions} == {Outcome.FAILED}
        waits = [later.at - earlier.at for earlier, later in zip(home.decisions, home.decisions[1:], strict=False)]
        assert min(waits) >= timedelta(seconds=10)
        assert timedelta(seconds=30) <= max(waits) <= timedelta(seconds=33)
        status = read_status(status_path(tmp_path / "run"))
        assert status is not None
        assert str(nobody_listens) in status.faults["device"]
        assert "has not been read yet" in status.faults["plan"]
        assert not home.daemon.handed_back


def test_a_battery_that_is_away_is_not_waited_for_longer_than_systemd_waits(
    tmp_path: Path, nobody_listens: int
) -> None:
    """With the slowest poll READY comes after the first look: the second is later than systemd would wait."""
    slow = {"poll_interval": "60s", "lease": "180s", "max_measurement_age": "145s"}
    with bench(tmp_path, battery={"port": nobody_listens}, control=slow) as home:
        told = listen(home)
        ready: list[bool] = []
        home.daemon.on_decision.append(lambda _: ready.append("READY=1" in told.messages))
        home.run_for(timedelta(minutes=3))
        assert ready[1:]
        assert all(ready[1:])


def test_a_battery_that_dies_midway_is_waited_for_and_taken_up_again(tmp_path: Path) -> None:
    """While it restarts at night every step fails without an error of ours; afterwards a plan is made at once."""
    with bench(tmp_path) as home:
        gone_at = home.clock.now() + timedelta(minutes=31)

        def restart(decision: Decision) -> None:
            if decision.at >= gone_at and not home.daemon.counters.failures:
                home.house.restart(refusing_s=180.0, bad_gateway_s=120.0)

        home.daemon.on_decision.append(restart)
        home.run_for(timedelta(minutes=44))

        failed = [decision for decision in home.decisions if decision.outcome is Outcome.FAILED]
        assert failed
        back = next(one for one in home.decisions if one.at > failed[-1].at)
        assert back.measurement is not None
        assert any(back.at <= plan.made_at <= back.at + timedelta(seconds=1) for plan in home.plans)
        assert home.daemon.counters.errors == 0
        assert home.daemon.handed_back


def test_a_command_left_standing_by_an_earlier_run_is_taken_back_first(tmp_path: Path) -> None:
    """A battery found in manual mode is handed back before the first decision, and the log says so."""
    with bench(tmp_path, mode=DeviceMode.MANUAL) as home:
        home.house.command(3000.0)
        home.run_for(timedelta(minutes=2))
        first = home.decisions[0]
        assert first.outcome is Outcome.HANDED_BACK
        assert "found in manual mode at start" in first.reason


def test_a_defect_in_the_step_is_survived_counted_and_hands_the_battery_back(tmp_path: Path) -> None:
    """Steps that raise are counted; three in a row hand the battery back and do not feed the watchdog."""
    with bench(tmp_path) as home:
        told = listen(home)

        def broken() -> Decision:
            raise ZeroDivisionError

        home.daemon._loop._step = broken
        home.run_for(timedelta(minutes=2))

        counters = home.daemon.counters
        assert counters.errors == counters.polls > 3
        assert counters.hand_backs >= counters.errors - 2
        assert "WATCHDOG=1" not in told.messages
        assert home.house.mode is DeviceMode.AUTOMATIC


def test_a_listener_that_raises_does_not_end_control(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What an observer raises is logged and goes no further."""
    with bench(tmp_path) as home:

        def broken(decision: Decision) -> None:
            msg = f"cannot show {decision.outcome}"
            raise RuntimeError(msg)

        home.daemon.on_decision.insert(0, broken)
        home.run_for(timedelta(minutes=1))
        assert len(home.decisions) == home.daemon.counters.polls > 3
        assert "a listener failed" in caplog.text


def test_a_second_instance_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    """Who finds the runtime folder held ends with the holder's name and sends nothing to the battery."""
    with bench(tmp_path) as home:
        with (
            InstanceLock(tmp_path / "run", battery="the same one", since=home.clock.now()),
            pytest.raises(LockedError, match="the same one"),
        ):
            home.run_for(timedelta(minutes=1))
        assert home.server.log.entries == ()


FORCED = {"prefer_automatic": False}


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_status_that_says_no_is_told_once_and_asked_for_once_a_step(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On everything for eight minutes: one line says so, one that it is over, and no step asks twice."""
    caplog.set_level(logging.INFO, "sunshift")
    no = a_fault(FaultKind.HTTP_STATUS, 5.0, 13.0, status=status)
    with bench(tmp_path, faults=(no,), control={"poll_interval": "20s"}) as home:
        asked: list[int] = []
        home.daemon.on_decision.append(lambda _: asked.append(len(home.server.log.entries)))
        home.run_for(timedelta(minutes=15))
        failing = [number for number, one in enumerate(home.decisions) if one.outcome is Outcome.FAILED]
        assert len(failing) > 14
        assert failing == list(range(failing[0], failing[-1] + 1))
        assert {asked[number] - asked[number - 1] for number in failing} == {1}
        assert len([line for line in caplog.messages if line.startswith("failed")]) == 1
        assert home.daemon.counters.errors == 0
        assert home.decisions[-1].outcome in {Outcome.APPLIED, Outcome.KEPT}


def a_fault(kind: FaultKind, minutes: float, until: float | None = None, **parameters: object) -> Fault:
    end = None if until is None else START + timedelta(minutes=until)
    return Fault(name=str(kind), kind=kind, start=START + timedelta(minutes=minutes), end=end, parameters=parameters)


def in_doubt(home: Bench, what: str) -> list[Decision]:
    return [one for one in home.decisions if "no command may rest" in one.reason and what in one.reason]


def doubted(home: Bench, what: str) -> list[timedelta]:
    """Return when commands were held back for it, from the start of the service."""
    return [one.at - START for one in in_doubt(home, what)]


def test_a_state_of_charge_that_nothing_explains_carries_no_command(tmp_path: Path) -> None:
    """Two answers tell 97 %: the command that stands is kept and nothing new is decided on them."""
    with bench(tmp_path, faults=(a_fault(FaultKind.VALUE, 20.0, 20.3, key="USOC", value=97),), control=FORCED) as home:
        home.run_for(timedelta(minutes=25))
        doubts = in_doubt(home, "the state of charge went from")
        assert [(one.outcome, type(one.setpoint)) for one in doubts] == [(Outcome.KEPT, Power)] * 2
        assert Outcome.HANDED_BACK not in {one.outcome for one in home.decisions[:-1]}


def test_a_battery_that_corrects_its_state_of_charge_is_believed_before_its_command_ends(tmp_path: Path) -> None:
    """From one answer to the next it tells 75 % and stays there: half a minute later that is how full it is."""
    with bench(tmp_path, faults=(a_fault(FaultKind.VALUE, 20.0, key="USOC", value=75),), control=FORCED) as home:
        home.run_for(timedelta(minutes=25))
        assert timedelta(minutes=20) <= max(doubted(home, "went from")) < timedelta(minutes=20, seconds=40)
        assert {one.outcome for one in home.decisions[:-1]} == {Outcome.APPLIED, Outcome.KEPT}
        last = home.decisions[-2].measurement
        assert last is not None
        assert last.soc == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("driver", "mode_control", "says"),
    [
        ("sonnen_v1", True, "the battery does not follow; battery care seems to charge it: told to idle"),
        ("sonnen_v1", False, "the battery does not follow; battery care seems to charge it: told to idle"),
        ("sonnen_v2", True, "battery care, it seems, set charge 4600 W"),
    ],
)
def test_battery_care_is_given_way_to_and_called_by_its_name(
    tmp_path: Path, driver: str, *, mode_control: bool, says: str
) -> None:
    """No discharge is commanded from its first status on; it charges on, and once it is over the battery is ours."""
    mode = DeviceMode.AUTOMATIC if mode_control else DeviceMode.MANUAL
    unit = Firmware.Y2025
    with bench(tmp_path, driver=driver, mode_control=mode_control, mode=mode, firmware=unit, control=FORCED) as home:

        def care(decision: Decision) -> None:
            at = decision.at - START
            if at == timedelta(minutes=10):
                home.house.set_battery_care(True)
            if at == timedelta(minutes=30):
                home.house.set_battery_care(False)

        home.daemon.on_decision.append(care)
        home.run_for(timedelta(minutes=45))
        cared = [one for one in home.decisions if one.measurement and one.measurement.discharge_allowed is False]
        assert all(one.outcome is Outcome.STOOD_DOWN or one.setpoint in {None, Power(0.0)} for one in cared)
        left = [one for one in cared if one.outcome is Outcome.STOOD_DOWN]
        assert left[0].at - cared[0].at <= timedelta(minutes=1)
        assert all(says in one.reason and one.measurement and one.measurement.battery_power_w > 1000.0 for one in left)
        assert home.decisions[-2].outcome in {Outcome.APPLIED, Outcome.KEPT}
        assert home.daemon.handed_back


def test_a_battery_without_a_clock_whose_data_freeze_is_handed_back(tmp_path: Path) -> None:
    """After five minutes nothing rests on them, and the lease ends what stands; once they move it is taken up again."""
    frozen = a_fault(FaultKind.FROZEN_STATUS, 20.0, 40.0)
    with bench(tmp_path, missing_keys=("Timestamp",), faults=(frozen,), control=FORCED) as home:
        home.run_for(timedelta(minutes=45))
        doubts = doubted(home, "it tells no time")
        assert timedelta(minutes=25) < min(doubts) < timedelta(minutes=25, seconds=25)
        assert timedelta(minutes=39) < max(doubts) < timedelta(minutes=40)
        ended = [one.at - START for one in home.decisions if one.outcome is Outcome.HANDED_BACK]
        assert len(ended) == 1
        assert ended[0] <= min(doubts) + timedelta(seconds=100)
        assert home.decisions[-2].outcome in {Outcome.APPLIED, Outcome.KEPT}


def test_a_battery_without_a_clock_that_lives_is_not_called_frozen(tmp_path: Path) -> None:
    """Three hours of the simulated home at night, in the battery's own mode: what moves is the house."""
    with bench(tmp_path, missing_keys=("Timestamp",)) as home:
        home.run_for(timedelta(hours=3))
        assert all(one.measurement is None or one.measurement.device_time is None for one in home.decisions)
        assert doubted(home, "") == []


@pytest.mark.parametrize("replan", ["15min", "6h"])
def test_what_is_commanded_after_a_hold_off_rests_on_another_plan(replan: str, tmp_path: Path) -> None:
    """However rarely one is made otherwise: no plan is given up for twice."""
    deaf = a_fault(FaultKind.NOT_FOLLOWED, 4.0, 120.0)
    planning = {"replan": replan, "horizon": "12h", "scenarios": 1}
    with bench(tmp_path, faults=(deaf,), control={**FORCED, "poll_interval": "20s"}, planning=planning) as home:
        home.run_for(timedelta(minutes=45))
        given_up = [number for number, one in enumerate(home.decisions[:-1]) if one.outcome is Outcome.HANDED_BACK]
        assert given_up
        again = next(one for one in home.decisions[given_up[0] :] if one.outcome is Outcome.APPLIED)
        assert again.plan_made_at is not None
        assert again.plan_made_at >= home.decisions[given_up[0]].at


def test_doubt_while_the_battery_is_left_alone_asks_for_no_plan(tmp_path: Path) -> None:
    """A meter that lies at every second look makes no plan a look: one as the hold-off begins, one as it ends."""
    deaf = a_fault(FaultKind.NOT_FOLLOWED, 4.0, 120.0)
    lies = [
        a_fault(FaultKind.VALUE, third / 3, (third + 1) / 3, key="Consumption_W", value=9000)
        for third in range(24, 84, 2)
    ]
    planning = {"replan": "6h", "horizon": "12h", "scenarios": 1}
    control = {**FORCED, "poll_interval": "20s"}
    with bench(tmp_path, faults=(deaf, *lies), control=control, planning=planning) as home:
        home.run_for(timedelta(minutes=45))
        assert len(doubted(home, "")) >= 20
        # One at the start, besides.
        assert 3 <= len(home.plans) <= 4


def test_a_wall_clock_that_is_set_back_does_not_stop_the_jobs(tmp_path: Path) -> None:
    """After the clock was set back by a day the jobs go on at the new time."""
    with bench(tmp_path) as home:

        def set_back(decision: Decision) -> None:
            if len(home.decisions) == 60:
                home.clock.step_wall_clock(-86_400.0)

        home.daemon.on_decision.append(set_back)
        stop = threading.Event()
        end = START - timedelta(days=1) + timedelta(minutes=40)
        home.daemon.on_decision.append(lambda one: stop.set() if end <= one.at < START - timedelta(hours=1) else None)
        home.daemon.run(stop)
        assert any(plan.made_at < START for plan in home.plans)


def test_an_answer_that_is_lost_after_the_effect_leaves_nothing_off_the_record(tmp_path: Path) -> None:
    """What may have been taken counts as standing; it is sent again, and handed back at the end."""
    lost = Fault(
        name="lost", kind=FaultKind.ANSWER_LOST, on=Target.WRITES,
        start=START + timedelta(minutes=1), end=START + timedelta(minutes=3),
    )  # fmt: skip
    with bench(tmp_path, control=FORCED, faults=(lost,)) as home:
        record, seen = CommandRecord(tmp_path / "state", tmp_path / "run"), []

        def look(decision: Decision) -> None:
            stands = home.house.mode is DeviceMode.MANUAL
            seen.append((decision.outcome, stands, record.may_stand()))

        home.daemon.on_decision.append(look)
        home.run_for(timedelta(minutes=6))
        assert (Outcome.FAILED, True, True) in seen
        assert all(recorded for _, stands, recorded in seen if stands)
        assert seen[-2][0] in (Outcome.APPLIED, Outcome.KEPT)
        assert home.daemon.counters.errors == 0
        assert home.daemon.handed_back


def test_a_boot_without_a_clock_is_no_reason_to_wait(tmp_path: Path) -> None:
    """From 1970 on control goes on; once the clock is set plans are made for the right day."""
    with bench(tmp_path) as home:
        home.clock.step_wall_clock(-(START - datetime(1970, 1, 1, 0, 1, tzinfo=UTC)).total_seconds())
        stop = threading.Event()

        def set_right(_: Decision) -> None:
            if len(home.decisions) == 60:
                home.clock.step_wall_clock((START + timedelta(hours=1) - home.clock.now()).total_seconds())
            if len(home.decisions) == 150:
                stop.set()

        home.daemon.on_decision.append(set_right)
        home.daemon.run(stop)
        assert home.daemon.counters.errors == 0
        assert {one.outcome for one in home.decisions} <= {Outcome.APPLIED, Outcome.KEPT, Outcome.HANDED_BACK}
        assert (home.plans[0].made_at.year, home.plans[-1].made_at.year) == (1970, 2026)
        assert home.daemon.handed_back


def test_the_release_after_the_service_knows_whether_there_is_anything_to_release(tmp_path: Path) -> None:
    """While a command may stand there is no word of the contrary; after a clean end there is, and in observe mode."""
    run = tmp_path / "run"
    assert needs_release(run)
    during: list[bool] = []
    with bench(tmp_path) as home:
        home.daemon.on_decision.append(lambda decision: during.append(needs_release(run)))
        home.run_for(timedelta(minutes=1))
    assert all(during)
    assert during
    assert not needs_release(run)
    with bench(tmp_path, observe=True) as home:
        home.daemon.on_decision.append(lambda decision: during.append(needs_release(run)))
        home.run_for(timedelta(minutes=1))
    assert during[-1] is False
    with bench(tmp_path, driver="sonnen_v2") as home:
        home.daemon.on_decision.append(lambda decision: home.server.stop())
        home.run_for(timedelta(minutes=1))
    token = tmp_path / "run" / TOKEN_FILE_NAME
    assert (token.stat().st_mode & 0o777, token.read_text().split()[0]) == (0o600, TOKEN)
    assert needs_release(run)


def test_a_state_folder_that_vanishes_is_a_fault_until_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Status and journal say so, control and planning go on, and in the end every measurement is in the file."""
    caplog.set_level(logging.INFO, "sunshift.service")
    with bench(tmp_path) as home:
        folder, faults = home.configuration.settings.service.state_dir, []

        def vanish(decision: Decision) -> None:
            faults.append(home.daemon.reporter.faults().get("history"))
            if len(home.decisions) == 60:
                shutil.rmtree(folder)
            if len(home.decisions) == 150:
                folder.mkdir()

        home.daemon.on_decision.append(vanish)
        home.run_for(timedelta(minutes=40))
        assert faults[59] is None
        assert "is gone; put the folder back" in (faults[120] or "")
        assert faults[-1] is None
        assert len([line for line in caplog.messages if "put the folder back" in line]) == 1
        assert any("the job flush works again" in line for line in caplog.messages)
        gone_from, back_at = home.decisions[60].at, home.decisions[149].at
        assert any(gone_from < plan.made_at < back_at for plan in home.plans)
        assert {one.outcome for one in home.decisions[60:150]} <= {Outcome.APPLIED, Outcome.KEPT}
        with HistoryStore(history_path(folder), clock=home.clock) as store:
            kept = {one.at for one in store.measurements(START, home.clock.now())}
        assert {one.at for one in home.decisions if one.measurement} <= kept


def test_a_runtime_folder_that_vanishes_again_and_again_is_told_once_and_control_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every status that cannot be written fails in the same way: one line, not one a poll."""
    with bench(tmp_path) as home:
        folder = home.configuration.settings.service.runtime_dir

        def vanish(_: Decision) -> None:
            shutil.rmtree(folder, ignore_errors=True)

        home.daemon.on_decision.append(vanish)
        home.run_for(timedelta(minutes=5))
        for what in ("status cannot be written", "the lock taken again"):
            assert len([line for line in caplog.messages if what in line]) == 1
        assert home.daemon.handed_back


def test_a_runtime_folder_that_vanishes_is_made_anew_with_lock_status_and_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After the next step a second instance is kept away again, and the release finds what it needs."""
    folder = tmp_path / "run"
    with bench(tmp_path, driver="sonnen_v2") as home:
        after: list[bool] = []

        def vanish(_: Decision) -> None:
            if len(home.decisions) == 10:
                shutil.rmtree(folder)
            if len(home.decisions) == 12:
                after.extend([is_held(folder), status_path(folder).exists(), (folder / TOKEN_FILE_NAME).exists()])
                after.append(needs_release(folder))

        home.daemon.on_decision.append(vanish)
        home.run_for(timedelta(minutes=5))
        assert after == [True] * 4
        assert "was removed while the service runs; made anew, and the lock taken again" in caplog.text
        assert home.daemon.handed_back


def test_a_lock_that_cannot_be_taken_again_is_a_fault_until_it_can(tmp_path: Path) -> None:
    """Where the folder cannot be made the status tells that nothing keeps a second service away."""
    folder = tmp_path / "run"
    with bench(tmp_path) as home:
        faults: list[str | None] = []

        def block(_: Decision) -> None:
            faults.append(home.daemon.reporter.faults().get("lock"))
            if len(home.decisions) == 10:
                shutil.rmtree(folder)
                folder.touch()
            if len(home.decisions) == 15:
                folder.unlink()

        home.daemon.on_decision.append(block)
        home.run_for(timedelta(minutes=5))
        assert faults[9] is None
        assert "nothing keeps a second service away" in (faults[12] or "")
        assert faults[-1] is None
        assert home.daemon.counters.errors == 0


@contextmanager
def place_taken(home: Bench, folder: Path, *, observes: bool = False) -> Iterator[list[int]]:
    """Have another one take the runtime folder after ten decisions; yield how often had been written by then."""
    written: list[int] = []
    with ExitStack() as other:

        def oust(_: Decision) -> None:
            if len(home.decisions) == 10:
                shutil.rmtree(folder)
                other.enter_context(InstanceLock(folder, battery="the other's", since=home.clock.now()))
                (folder / TOKEN_FILE_NAME).write_text("the other's")
                leave_word(folder, standing=not observes)
                written.append(len(writes(home)))

        home.daemon.on_decision.append(oust)
        yield written


def writes(home: Bench) -> list[object]:
    return [entry for entry in home.server.log.entries if entry.is_write]


def test_a_service_whose_place_was_taken_hands_the_battery_back(tmp_path: Path) -> None:
    """Whoever has its folder may only observe: it holds the battery's name, so that nobody else commands.

    What lies in the folder is the other one's from then on: status, word and token.
    """
    folder = tmp_path / "run"
    with bench(tmp_path) as home, place_taken(home, folder) as written:
        home.run_for(timedelta(minutes=5))
        assert len(home.decisions) == 11
        assert (home.daemon.displaced, home.daemon.left_to_another) == (True, False)
        assert home.daemon.handed_back
        assert len(writes(home)) > written[0] + 1
        assert (home.house.mode, home.house.setpoint_w) == (DeviceMode.AUTOMATIC, 0.0)
        status = read_status(status_path(folder))
        assert status is not None
        assert status.state == "running"
        assert (folder / TOKEN_FILE_NAME).read_text() == "the other's"
        assert needs_release(folder)


def test_a_service_whose_place_was_taken_and_that_cannot_hand_back_leaves_its_command_on_record(tmp_path: Path) -> None:
    """That nothing stands is the other one's word: release and guard believe the record."""
    folder = tmp_path / "run"
    control = {"prefer_automatic": False}
    with bench(tmp_path, control=control) as home, place_taken(home, folder, observes=True):
        home.daemon.on_decision.append(lambda _: home.server.stop() if len(home.decisions) == 10 else None)
        home.run_for(timedelta(minutes=5))
        assert (home.daemon.displaced, home.daemon.handed_back) == (True, False)
        assert CommandRecord(tmp_path / "state", folder).may_stand()


def test_a_service_whose_place_was_taken_and_that_holds_no_name_leaves_the_battery_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that command would fight: where no name tells who does, the one that lost its folder touches nothing more."""
    monkeypatch.setattr("optimizer.service.battery_claim.claim_name", lambda address: "\0" + "too long" * 20)
    folder = tmp_path / "run"
    with bench(tmp_path) as home, place_taken(home, folder) as written:
        home.run_for(timedelta(minutes=5))
        assert len(home.decisions) == 11
        assert home.daemon.left_to_another
        assert not home.daemon.handed_back
        assert len(writes(home)) <= written[0] + 1
        assert needs_release(folder)


def test_a_plan_that_another_planner_stood_in_for_shows_in_the_status(tmp_path: Path) -> None:
    """Crossed prices ask for a search too long to begin: who reads the status sees who planned instead, and why."""
    crossed = {"import": {"kind": "fixed", "price_per_kwh": 0.10}, "export": {"kind": "fixed", "price_per_kwh": 0.30}}
    with bench(tmp_path, tariff=crossed) as home:
        home.run_for(timedelta(minutes=1))
        status = read_status(status_path(tmp_path / "run"))
        assert status is not None
        assert status.plan is not None
        assert any("the recursion stands in for the linear program" in flag for flag in status.plan["flags"])


def test_plans_that_are_rejected_are_told_once_and_the_house_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the journal when it begins; for as long as it lasts the status and every decision say why."""
    monkeypatch.setattr("optimizer.control.replanning.why_worse_than_nothing", lambda plan: "the plan costs too much")
    with bench(tmp_path, planning={"replan": "15min", "horizon": "12h", "scenarios": 1}) as home:
        home.run_for(timedelta(hours=1))
        told = [one for one in caplog.records if one.getMessage() == "plan rejected: the plan costs too much"]
        assert len(told) == 1
        assert home.plans == []
        status = read_status(status_path(tmp_path / "run"))
        assert status is not None
        replan = next(job for job in status.jobs if job["name"] == "replan")
        assert (replan["failures"], replan["last_result"]) == (0, "plan rejected: the plan costs too much")
        assert "the plan costs too much" in home.decisions[-1].reason
