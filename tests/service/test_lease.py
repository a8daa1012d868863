"""Forced commands on record: written before they are sent, vouched for while they stand, found by who comes after."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.cli import release as cli_release
from optimizer.cli.main import main
from optimizer.clock import boot_time_s
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Power, Setpoint
from optimizer.errors import DeviceUnreachable
from optimizer.guard import guard
from optimizer.release.hand_back import ReleaseReport
from optimizer.release.record import CommandRecord, Lease
from optimizer.service.lease_files import LeaseFiles
from optimizer.service.lock import InstanceLock
from optimizer.service.status import read_status, status_path
from support.fake_sonnen import FakeSonnen
from support.service_bench import Bench, bench

LEASE_S = 90.0


@pytest.fixture
def record(tmp_path: Path) -> CommandRecord:
    return CommandRecord(tmp_path / "state", tmp_path / "run")


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(mode="1", setpoint_w=2000) as running:
        yield running


def vouch(record: CommandRecord, until_s: float) -> None:
    record.renew(Lease(command="charge 2000 W", until_s=until_s, length_s=LEASE_S))


def config(folder: Path, port: int) -> Path:
    path = folder / "sunshift.toml"
    path.write_text(f'[battery]\ndriver = "sonnen_v1"\nhost = "127.0.0.1"\nport = {port}\nmode_control = true\n')
    return path


# -- the record -----------------------------------------------------------------------------------------------------


def test_nothing_on_record_is_nothing_to_take_back(record: CommandRecord) -> None:
    """Without intent and lease nothing stands."""
    assert not record.may_stand()
    assert record.unvouched(1000.0) is None


@given(left_s=st.floats(-1e9, 1e9))
def test_a_lease_vouches_until_it_ends_and_not_before_it_began(left_s: float) -> None:
    """One with more time left than it was given for comes from before the computer started anew."""
    lease = Lease(command="charge", until_s=left_s, length_s=LEASE_S)
    assert lease.is_over(0.0) == (left_s < 0.0 or left_s > LEASE_S)


def test_an_intent_that_nobody_vouches_for_is_to_be_taken_back(record: CommandRecord) -> None:
    """After a power cut the intent is on the disk, and the folder of the lease is empty."""
    record.intend("charge 2000 W")
    assert record.unvouched(0.0) is not None
    vouch(record, until_s=50.0)
    assert record.unvouched(0.0) is None
    assert record.unvouched(50.1) == "charge 2000 W"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"until_s": NaN}', '{"command":1,"until_s":"x"}', "[" * 10_000]
)
def test_a_lease_that_cannot_be_understood_vouches_for_nothing(text: str, record: CommandRecord) -> None:
    """In doubt the battery is handed back."""
    vouch(record, until_s=50.0)
    record.lease_path.write_text(text)
    assert record.unvouched(0.0) is not None


def test_both_files_can_be_read_by_all_and_hold_no_secret(record: CommandRecord) -> None:
    """The guard may run as another user."""
    record.intend("charge 2000 W")
    vouch(record, until_s=50.0)
    for path in (record.intent_path, record.lease_path):
        assert path.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in record.state_dir.iterdir()] == ["intent.json"]


def test_clearing_is_idempotent(record: CommandRecord) -> None:
    """Also where there is nothing, not even the folders."""
    record.clear()
    record.intend("charge")
    record.clear()
    record.clear()
    assert not record.may_stand()


# -- the guard ------------------------------------------------------------------------------------------------------


def test_the_guard_leaves_a_vouched_command_alone(record: CommandRecord, battery: FakeSonnen, tmp_path: Path) -> None:
    """It does not even call the battery."""
    record.intend("charge 2000 W")
    vouch(record, until_s=50.0)
    assert guard(record, config(tmp_path, battery.port), now_s=0.0, environ={}) == (0, "")
    assert battery.log == []


def test_the_guard_takes_back_what_nobody_vouches_for(
    record: CommandRecord, battery: FakeSonnen, tmp_path: Path
) -> None:
    """The battery is handed back, confirmed, and nothing is left on record."""
    record.intend("charge 2000 W")
    vouch(record, until_s=50.0)
    code, told = guard(record, config(tmp_path, battery.port), now_s=51.0, environ={})
    assert (code, battery.mode, battery.setpoint_w) == (0, "2", 0)
    assert "charge 2000 W" in told
    assert "confirmed" in told
    assert not record.may_stand()


def test_the_guard_does_not_let_go_of_a_battery_that_does_not_confirm(
    record: CommandRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command stays on record for the next look."""
    monkeypatch.setattr("optimizer.release.hand_back.PAUSE_S", 60.0)
    with FakeSonnen(mode="1", overrides={"/api/setting?EM_OperatingMode=2": (200, b"{}")}) as stubborn:
        record.intend("charge 2000 W")
        code, told = guard(record, config(tmp_path, stubborn.port), now_s=0.0, environ={})
    assert code == 1
    assert "NOT CONFIRMED" in told
    assert record.may_stand()


def run_guard(tmp_path: Path, path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "optimizer.guard", "--config", str(path)],
        env={**os.environ, **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_guard_as_systemd_starts_it(record: CommandRecord, battery: FakeSonnen, tmp_path: Path) -> None:
    """Silent while a command is vouched for; after its lease it hands back and says so; wrong usage is told."""
    folders = {"STATE_DIRECTORY": str(record.state_dir), "RUNTIME_DIRECTORY": str(record.runtime_dir)}
    path = config(tmp_path, battery.port)
    record.intend("charge 2000 W")
    vouch(record, until_s=boot_time_s() + 60.0)
    done = run_guard(tmp_path, path, **folders)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    vouch(record, until_s=boot_time_s() - 1.0)
    done = run_guard(tmp_path, path, **folders)
    assert (done.returncode, battery.mode, record.may_stand()) == (0, "2", False), done.stderr
    assert run_guard(tmp_path, path, STATE_DIRECTORY="", RUNTIME_DIRECTORY="").returncode == 2
    record.intend("charge 2000 W")
    assert run_guard(tmp_path, tmp_path / "none.toml", **folders).returncode == 78


# -- the service ----------------------------------------------------------------------------------------------------


def record_of(home: Bench) -> CommandRecord:
    service = home.configuration.settings.service
    return CommandRecord(service.state_dir, service.runtime_dir)


def left_by_an_earlier_run(folder: Path) -> None:
    CommandRecord(folder / "state", folder / "run").intend("charge 2000 W")


def test_a_command_is_on_record_before_it_is_sent(tmp_path: Path) -> None:
    """At the first request that forces the battery the intent is on the disk already; at the end nothing is."""
    with bench(tmp_path, control={"prefer_automatic": False}) as home:
        record, found = record_of(home), []
        write = home.daemon._device.apply

        def apply(setpoint: Setpoint, *, not_after_s: float) -> None:
            if isinstance(setpoint, Power):
                found.append((record.intent_path.exists(), record.unvouched(home.clock.elapsed())))
            write(setpoint, not_after_s=not_after_s)

        home.daemon._device.apply = apply  # type: ignore[method-assign]
        home.run_for(timedelta(minutes=10))
        assert len(found) > 5
        assert set(found) == {(True, None)}
        assert home.daemon.handed_back
        assert not record.may_stand()


def test_the_lease_runs_from_the_last_read_back(tmp_path: Path) -> None:
    """While it is read back it never has less than the time of a few looks left; once unreadable it is not renewed."""
    with bench(tmp_path, control={"prefer_automatic": False}) as home:
        path, left = record_of(home).lease_path, []
        home.daemon.on_decision.append(
            lambda _: left.append(json.loads(path.read_text())["until_s"] - home.clock.elapsed())
        )
        home.run_for(timedelta(minutes=5))
        assert LEASE_S - 5.0 < min(left[3:]) <= max(left) <= LEASE_S


def test_no_command_outlives_its_lease_by_a_growing_wait(tmp_path: Path) -> None:
    """Looks at a battery that fails grow rarer, but the end of the lease is not slept through."""
    with bench(tmp_path, control={"prefer_automatic": False}) as home:
        device, gone_s, tries = home.daemon._device, [], []
        release = device.release

        def fail_from(decision: Decision) -> None:
            if decision.at >= home.clock.now() - timedelta(seconds=1) and len(home.decisions) == 20:
                gone_s.append(home.clock.elapsed())
                device.read = unreadable  # type: ignore[method-assign]

        def unreadable() -> None:
            raise DeviceUnreachable("gone")

        def released() -> None:
            tries.append(home.clock.elapsed())
            release()

        device.release = released  # type: ignore[method-assign]
        home.daemon.on_decision.append(fail_from)
        home.run_for(timedelta(minutes=8))
        assert 0.0 < tries[0] - gone_s[0] <= LEASE_S + 1.0


def test_a_record_that_cannot_be_written_is_a_fault_and_control_goes_on(tmp_path: Path) -> None:
    """Storage never stops control: the command is sent, and status says that the guard may not know of it."""
    with bench(tmp_path, control={"prefer_automatic": False}) as home:
        for blocked in (record_of(home).lease_path, record_of(home).spare_lease_path):
            blocked.mkdir(parents=True)
            (blocked / "in the way").touch()
        told: list[dict[str, str]] = []
        home.daemon.on_decision.append(lambda _: told.append(home.daemon.reporter.faults()))
        home.run_for(timedelta(minutes=5))
        assert any(decision.outcome is Outcome.APPLIED for decision in home.decisions)
        assert "guard" in told[-1]["lease"]
        status = read_status(status_path(tmp_path / "run"))
        assert status is not None


@pytest.mark.parametrize("mode", [DeviceMode.AUTOMATIC, DeviceMode.MANUAL])
def test_what_an_earlier_run_left_on_record_is_taken_back_first(mode: DeviceMode, tmp_path: Path) -> None:
    """Whatever the mode says: the first thing sent is the way back, and only then the record is clear."""
    left_by_an_earlier_run(tmp_path)
    with bench(tmp_path, mode=mode) as home:
        home.run_for(timedelta(minutes=2))
        assert home.decisions[0].outcome is Outcome.HANDED_BACK
        assert not record_of(home).may_stand()


def test_what_is_on_record_is_taken_back_though_the_battery_cannot_be_read(tmp_path: Path) -> None:
    """A battery that answers no status may still take a command; it is believed once a status shows it."""
    left_by_an_earlier_run(tmp_path)
    with bench(tmp_path, mode=DeviceMode.MANUAL) as home:
        device = home.daemon._device
        read = device.read

        def unreadable() -> None:
            if len(home.decisions) < 4:
                raise DeviceUnreachable("no status")
            return read()  # type: ignore[return-value]

        device.read = unreadable  # type: ignore[method-assign, assignment]
        on_record: list[bool] = []
        home.daemon.on_decision.append(lambda _: on_record.append(record_of(home).may_stand()))
        home.run_for(timedelta(minutes=4))
        assert home.decisions[0].outcome is Outcome.HANDED_BACK
        assert home.house.mode is DeviceMode.AUTOMATIC
        assert on_record[:4] == [True] * 4
        assert not record_of(home).may_stand()


def test_an_observer_leaves_the_record_as_it_is(tmp_path: Path) -> None:
    """It commands nothing and takes nothing back: that is for the guard, or for the next run that controls."""
    left_by_an_earlier_run(tmp_path)
    with bench(tmp_path, observe=True) as home:
        home.run_for(timedelta(minutes=2))
        assert record_of(home).may_stand()


def test_an_intent_that_the_guard_has_cleared_is_written_again(record: CommandRecord) -> None:
    """A slow service commands again after the guard handed back: a power cut must still find the intent."""
    files = LeaseFiles(record)
    files.hold("charge 1000 W", until_s=100.0, length_s=90.0)
    record.clear()
    files.hold("charge 1000 W", until_s=110.0, length_s=90.0)
    assert record.intent_path.exists()
    assert record.lease_path.exists()


@pytest.mark.parametrize("confirms", [True, False])
def test_a_release_by_hand_clears_the_record_once_it_is_confirmed(
    confirms: bool, record: CommandRecord, battery: FakeSonnen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the guard would hand back again, some seconds later, what somebody may have taken in hand since."""
    path = config(tmp_path, battery.port)
    folders = {"STATE": record.state_dir, "RUNTIME": record.runtime_dir}
    for name, folder in folders.items():
        monkeypatch.setenv(f"SUNSHIFT_SERVICE__{name}_DIR", str(folder))
    record.intend("charge 1000 W")
    vouch(record, 1e9)
    monkeypatch.setattr(
        cli_release, "release_battery", lambda _target, **_: ReleaseReport(confirmed=confirms, steps=("tried",))
    )
    assert main(["release", "--config", str(path)]) == (0 if confirms else 1)
    assert record.may_stand() is not confirms
    record.intend("charge 1000 W")
    with InstanceLock(record.runtime_dir, battery="x", since=datetime(2026, 1, 1, tzinfo=UTC)):
        main(["release", "--force", "--config", str(path)])
    assert record.may_stand()
