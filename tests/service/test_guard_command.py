"""The guard as a command: where it finds the record, what it tells and how it ends."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from optimizer.clock import WallClock, boot_time_s
from optimizer.guard import guard, main
from optimizer.release.claim import LOCK_NAME
from optimizer.release.hand_back import ReleaseReport
from optimizer.release.record import CommandRecord, Lease
from optimizer.release.target import ReleaseTarget
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.leftovers import leave_token
from optimizer.service.lock import InstanceLock
from support.canary import CANARY
from support.fake_sonnen import FakeSonnen
from support.service_bench import START

CONFIRMED = ReleaseReport(confirmed=True, steps=("mode: automatic accepted",))


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandRecord:
    """Return a record with an intent, and no folders of systemd's."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    record.intend("charge 2000 W")
    return record


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(mode="1", setpoint_w=2000) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, battery: FakeSonnen) -> Path:
    path = tmp_path / "sunshift.toml"
    path.write_text(f'[battery]\nhost = "127.0.0.1"\nport = {battery.port}\nmode_control = true\n')
    return path


def by_hand(record: CommandRecord) -> list[str]:
    return ["--state-dir", str(record.state_dir), "--runtime-dir", str(record.runtime_dir)]


def test_the_folders_may_be_told(
    record: CommandRecord,
    battery: FakeSonnen,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They come before systemd's; what was done is told in the end."""
    monkeypatch.setenv("STATE_DIRECTORY", "/elsewhere")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/elsewhere")
    assert main(["--config", str(config), *by_hand(record)]) == 0
    assert (battery.mode, record.may_stand()) == ("2", False)
    told = capsys.readouterr().out
    assert told.startswith("nobody vouches for a command of unknown power any more: handing the battery back\n")
    assert told.endswith("handed back, confirmed by the battery\n")


def test_the_battery_on_record_comes_before_the_configured_one(record: CommandRecord, config: Path) -> None:
    """Of which the environment may say more than the file."""
    asked: list[str] = []

    def released(target: ReleaseTarget, **_: float) -> ReleaseReport:
        asked.append(target.address)
        return CONFIRMED

    for battery in (None, ReleaseTarget(driver="sonnen_v1", host="10.0.0.1")):
        record.intend("charge 2000 W", battery)
        environ = {"SUNSHIFT_BATTERY__HOST": "10.0.0.9", "SUNSHIFT_BATTERY__PORT": "81"}
        assert guard(record, config, now_s=0.0, environ=environ, release=released)[0] == 0
    assert asked == ["10.0.0.9:81", "10.0.0.1"]


def test_a_record_of_anothers_is_acted_on_for_the_battery_that_it_names_alone(
    record: CommandRecord, config: Path
) -> None:
    """One that names none has nothing to do with the configured battery."""
    asked: list[str] = []

    def released(target: ReleaseTarget, **_: float) -> ReleaseReport:
        asked.append(target.address)
        return CONFIRMED

    assert guard(record, config, now_s=0.0, environ={}, own=False, release=released) == (0, "")
    assert (asked, record.may_stand()) == ([], True)
    record.intend("charge 2000 W", ReleaseTarget(driver="sonnen_v1", host="10.0.0.1"))
    assert guard(record, config, now_s=0.0, environ={}, own=False, release=released)[0] == 0
    assert (asked, record.may_stand()) == (["10.0.0.1"], False)


def test_of_several_records_the_first_is_the_services_own(
    record: CommandRecord, battery: FakeSonnen, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in systemd's folders, of a battery that is not named, is another's then."""
    own = CommandRecord(tmp_path / "own" / "state", tmp_path / "own" / "run")
    folders = f'[service]\nstate_dir = "{own.state_dir}"\nruntime_dir = "{own.runtime_dir}"\n'
    config.write_text(config.read_text() + folders)
    monkeypatch.setenv("STATE_DIRECTORY", str(record.state_dir))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(record.runtime_dir))
    assert main(["--config", str(config)]) == 0
    assert battery.log == []
    own.intend("charge 2000 W")
    assert main(["--config", str(config)]) == 0
    assert (battery.mode, own.may_stand(), record.may_stand()) == ("2", False, True)


def test_a_living_service_that_shares_the_state_folder_vouches_for_what_stands_there(
    record: CommandRecord, config: Path
) -> None:
    """Its lease lies in a runtime folder of its own; a service that holds both folders is the one watched over."""
    released = functools.partial(guard, record, config, now_s=0.0, environ={}, release=lambda _, **__: CONFIRMED)
    with InstanceLock(record.state_dir, battery="theirs", since=START):
        assert released() == (0, "")
        assert record.may_stand()
        with InstanceLock(record.runtime_dir, battery="ours", since=START):
            assert released()[0] == 0
    assert not record.may_stand()


def test_a_state_folder_whose_lock_may_not_be_looked_at_is_no_neighbours(
    record: CommandRecord, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In doubt the battery is handed back."""
    really_open = os.open

    def refuse(path: Path, *rest: int) -> int:
        if path == record.state_dir / LOCK_NAME:
            raise PermissionError
        return really_open(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert guard(record, config, now_s=0.0, environ={}, release=lambda _, **__: CONFIRMED)[0] == 0
    assert not record.may_stand()


def test_a_record_that_cannot_be_looked_into_is_told_and_nothing_sent(tmp_path: Path, config: Path) -> None:
    """The guard may run as a user who is not let in: systemd shows it as failed."""
    folder = tmp_path / ("x" * 300)
    code, told = guard(CommandRecord(folder, tmp_path), config, now_s=0.0, environ={}, release=pytest.fail)
    assert code == 1
    assert told == (
        f"{folder}: cannot be looked into (File name too long): "
        "nobody watches over a command on record there; let the guard's user look into it"
    )


@pytest.mark.parametrize("vouched_for_s", [-1.0, 90.0])
def test_what_is_commanded_while_the_guard_hands_back_stays_on_record(
    record: CommandRecord, config: Path, vouched_for_s: float
) -> None:
    """A service that was only slow goes on meanwhile: should it die then, the next look knows of its command."""

    def slow(_: ReleaseTarget, **__: float) -> ReleaseReport:
        until_s = boot_time_s() + vouched_for_s
        record.renew(Lease(command="charge 900 W", until_s=until_s, length_s=90.0))
        return CONFIRMED

    code, told = guard(record, config, now_s=boot_time_s(), environ={}, release=slow)
    assert code == 0
    assert told.endswith("commanded again meanwhile, and stays on record")
    assert record.may_stand()
    assert guard(record, config, now_s=boot_time_s() + 100.0, environ={}, release=lambda _, **__: CONFIRMED)[0] == 0
    assert not record.may_stand()


def test_systemds_folders_serve_where_none_or_one_is_told(
    record: CommandRecord, battery: FakeSonnen, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a record is none."""
    monkeypatch.setenv("STATE_DIRECTORY", str(record.state_dir))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(record.runtime_dir))
    for told in ([], ["--state-dir", str(tmp_path / "elsewhere")], ["--runtime-dir", str(tmp_path / "elsewhere")]):
        record.intend("charge 2000 W")
        assert main(["--config", str(config), *told]) == 0
        assert not record.may_stand()


@pytest.mark.usefixtures("record")
@pytest.mark.parametrize("told", [[], ["--state-dir", "/tmp"], ["--runtime-dir", "/tmp"]])
def test_without_folders_the_usage_is_told(told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A guard that looks nowhere must not seem to watch."""
    with pytest.raises(SystemExit) as ended:
        main(["--config", "any.toml", *told])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: python -m optimizer.guard ")
    assert "error: give both --state-dir and --runtime-dir" in said


def test_a_vouched_command_is_passed_over_in_silence(
    record: CommandRecord, battery: FakeSonnen, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the boot-time clock; twice a minute there is nothing to tell."""
    record.renew(Lease(command="charge 2000 W", until_s=boot_time_s() + 60.0, length_s=90.0))
    assert main(["--config", str(config), *by_hand(record)]) == 0
    assert (battery.log, capsys.readouterr()) == ([], ("", ""))


def test_a_lease_that_ran_out_in_suspend_is_over(
    record: CommandRecord, battery: FakeSonnen, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard and service read the clock that counts the time in which the computer slept."""
    boot_s = [5000.0]
    monkeypatch.setattr(time, "clock_gettime", lambda which: boot_s[0] if which == time.CLOCK_BOOTTIME else 5000.0)
    record.renew(Lease(command="charge 2000 W", until_s=WallClock().elapsed() + 60.0, length_s=90.0))
    for asleep_s, mode in ((0.0, "1"), (59.0, "1"), (2.0, "2")):
        boot_s[0] += asleep_s
        assert main(["--config", str(config), *by_hand(record)]) == 0
        assert (battery.mode, record.may_stand()) == (mode, mode == "1")


def test_an_unusable_configuration_is_told(
    record: CommandRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the code that systemd knows for it, and what is wrong."""
    assert main(["--config", str(tmp_path / "none.toml"), *by_hand(record)]) == 78
    told = capsys.readouterr()
    assert "none.toml: 1 problem" in told.err
    assert told.err.endswith("--config\n")
    assert (told.out, record.may_stand()) == ("", True)


def test_the_usage_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for, and what each word means; a configuration is needed."""
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "usage: python -m optimizer.guard [-h] --config FILE [--state-dir DIR] [--runtime-dir DIR]"
    assert "The guard: hands the battery back when a command stands that nobody vouches for any more." in lines
    assert "--config FILE the service's configuration" in lines
    assert "--state-dir DIR default: the service's" in lines
    assert "--runtime-dir DIR default: the service's" in lines
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2


def test_the_battery_of_the_configuration_is_handed_back(record: CommandRecord, config: Path) -> None:
    """It, and no other."""
    found: list[ReleaseTarget] = []
    guard(record, config, now_s=0.0, environ={}, release=lambda target, **_: (found.append(target), CONFIRMED)[1])
    assert [target.mode_control for target in found] == [True]


def test_a_record_that_cannot_be_cleared_is_told(
    record: CommandRecord, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The battery is back: a failure for systemd to show, and said in the runtime folder where that takes it."""

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    code, told = guard(record, config, now_s=0.0, environ={}, release=lambda _, **__: CONFIRMED)
    assert code == 1
    assert told.endswith(
        "confirmed by the battery\nand cannot write that down ([Errno 30] Read-only file system): "
        "until the next boot a lease says so instead"
    )
    assert guard(record, config, now_s=0.0, environ={}, release=lambda _, **__: CONFIRMED) == (0, "")
    monkeypatch.setattr(CommandRecord, "vouch_for_nothing", read_only)
    record.lease_path.write_text("")
    _, told = guard(record, config, now_s=0.0, environ={}, release=lambda _, **__: CONFIRMED)
    assert told.endswith("Read-only file system): it will be handed back again")


def test_the_guard_clears_no_neighbours_lease(record: CommandRecord, config: Path, battery: FakeSonnen) -> None:
    """A service for another battery was given the runtime folder."""
    record.intend("charge 2000 W", ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port))
    theirs = Lease(command="charge 900 W", until_s=boot_time_s() + 60.0, length_s=90.0, battery="192.0.2.8")
    record.renew(theirs)
    code, _ = guard(record, config, now_s=boot_time_s(), environ={}, release=lambda _, **__: CONFIRMED)
    assert (code, record.intent_path.exists(), record.lease_path.exists()) == (0, False, True)


@pytest.mark.parametrize("told", ["file", "environment"])
def test_folders_that_the_service_is_given_are_the_guards_as_well(
    told: str, record: CommandRecord, battery: FakeSonnen, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks in systemd's finds nothing there: it would watch over nothing, and say nothing."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.setenv(name, "/nonexistent")
    if told == "file":
        config.write_text(config.read_text() + '[service]\nstate_dir = "state"\nruntime_dir = "run"\n')
    else:
        monkeypatch.setenv("SUNSHIFT_SERVICE__STATE_DIR", str(record.state_dir))
        monkeypatch.setenv("SUNSHIFT_SERVICE__RUNTIME_DIR", str(record.runtime_dir))
    assert main(["--config", str(config)]) == 0
    assert (battery.mode, record.may_stand()) == ("2", False)


def test_the_folders_are_found_in_a_file_that_is_broken(
    record: CommandRecord, battery: FakeSonnen, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line, as the battery is."""
    monkeypatch.setenv("STATE_DIRECTORY", "/nonexistent")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(record.runtime_dir))
    config.write_text(config.read_text() + '[ service ]\nstate_dir = "state"\nlog_level =\n[site\n')
    assert main(["--config", str(config)]) == 0
    assert (battery.mode, record.may_stand()) == ("2", False)


# -- whose lease it is ------------------------------------------------------------------------------------------------


def look(record: CommandRecord, config: Path, now_s: float) -> bool:
    """Let the guard look; return whether it has handed the battery back."""
    guard(record, config, now_s=now_s, environ={}, release=lambda _, **__: CONFIRMED)
    return not record.may_stand()


@pytest.mark.parametrize("became", ["edited", "removed", "removed and made anew"])
def test_a_service_that_hangs_is_watched_over_by_the_lease_that_it_writes(
    became: str, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """Its runtime folder was changed in the file without a restart, or removed: its own lock is no neighbour's."""
    record.renew(Lease(command="charge 2000 W", until_s=100.0, length_s=90.0))
    seen = CommandRecord(record.state_dir, tmp_path / "other") if became == "edited" else record
    with InstanceLock(record.state_dir, battery="ours", since=START, lease_dir=record.runtime_dir):
        assert not look(seen, config, 50.0)
        if became != "edited":
            shutil.rmtree(record.runtime_dir)
        if became == "removed and made anew":
            record.runtime_dir.mkdir()
        assert look(seen, config, 101.0)


def test_a_neighbour_that_says_where_its_lease_is_is_left_alone_as_long_as_that_holds(
    record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """Also where this one has a lease of an earlier day: it says nothing of what stands there."""
    record.renew(Lease(command="charge 900 W", until_s=10.0, length_s=90.0))
    neighbours = CommandRecord(record.state_dir, tmp_path / "theirs")
    neighbours.renew(Lease(command="charge 2000 W", until_s=100.0, length_s=90.0))
    with InstanceLock(record.state_dir, battery="theirs", since=START, lease_dir=neighbours.runtime_dir):
        assert not look(record, config, 50.0)
        assert neighbours.has_a_lease()
        guard(record, config, now_s=101.0, environ={}, release=lambda _, **__: CONFIRMED)
    assert not neighbours.may_stand()


def test_the_token_of_a_service_that_hangs_lies_beside_its_lease(record: CommandRecord, tmp_path: Path) -> None:
    """Not in the folder that the file names by now."""
    there = ReleaseTarget(driver="sonnen_v2", host="10.0.0.1")
    record.intend("charge 2000 W", there)
    record.runtime_dir.mkdir()
    leave_token(record.runtime_dir, SecretStr(CANARY), there.address)
    seen, found = CommandRecord(record.state_dir, tmp_path / "other"), list[str]()
    with InstanceLock(record.state_dir, battery="ours", since=START, lease_dir=record.runtime_dir):
        guard(
            seen,
            tmp_path / "none.toml",
            now_s=0.0,
            environ={},
            release=lambda target, **_: (found.append(target.token), CONFIRMED)[1],
        )
    assert found == [CANARY]


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "5", '"runtime_dir"', '{"pid": 1}', '{"runtime_dir": 5}', '{"runtime_dir": ""}',
             '{"runtime_dir": "run"}', "[" * 40_000],
)  # fmt: skip
def test_a_holder_that_does_not_say_where_its_lease_is_is_a_neighbour(
    said: str, record: CommandRecord, config: Path
) -> None:
    """A service of an earlier version, or one whose disk is full."""
    with InstanceLock(record.state_dir, battery="theirs", since=START) as lock:
        lock.path.write_text(said)
        assert not look(record, config, 0.0)


def test_what_was_left_of_a_holder_that_is_gone_says_nothing(
    record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """A kill leaves its words in the file; nobody holds it any more."""
    (record.state_dir / LOCK_NAME).write_text(json.dumps({"runtime_dir": str(tmp_path / "theirs")}))
    CommandRecord(record.state_dir, tmp_path / "theirs").renew(Lease(command="x", until_s=100.0, length_s=90.0))
    assert look(record, config, 50.0)


def elsewhere(record: CommandRecord) -> ReleaseTarget:
    """Return a battery whose name in the kernel nobody else on this machine uses: not another run of these tests."""
    return ReleaseTarget(driver="sonnen_v1", host=f"{record.state_dir}.invalid")


@pytest.mark.parametrize("held", ["state_dir", "runtime_dir", None])
def test_a_battery_that_another_service_has_taken_up_is_left_to_it(
    held: str | None, record: CommandRecord, config: Path
) -> None:
    """A service with other folders commands it, and knows what it found there; one that holds these is watched over."""
    there = elsewhere(record)
    record.intend("charge 2000 W", there)
    with ExitStack() as holding:
        holding.enter_context(BatteryClaim(there.address))
        if held is not None:
            folder, lease_dir = getattr(record, held), record.runtime_dir
            holding.enter_context(InstanceLock(folder, battery="ours", since=START, lease_dir=lease_dir))
        assert look(record, config, 0.0) is (held is not None)
    assert look(record, config, 0.0)


def test_a_battery_whose_name_a_stranger_holds_is_handed_back_all_the_same(
    record: CommandRecord, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any user of the computer may hold any name: taken after a crash it must not keep our command standing."""
    there = elsewhere(record)
    record.intend("charge 2000 W", there)
    monkeypatch.setattr(socket.socket, "getsockopt", lambda *_: struct.pack("iII", 7, os.geteuid() + 1, 5))
    with BatteryClaim(there.address):
        assert look(record, config, 0.0)
