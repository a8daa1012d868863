"""``python -m optimizer.release``: when it acts, what it tells, and that it ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.clock import boot_time_s
from optimizer.release import __main__ as command
from optimizer.release import hand_back
from optimizer.release.record import CommandRecord, Lease
from optimizer.release.target import ReleaseTarget
from optimizer.release.word import NOTHING_TO_RELEASE
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.lock import InstanceLock
from support.fake_sonnen import FakeSonnen


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(mode="1", setpoint_w=3000) as battery:
        yield battery


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandRecord:
    """Return a record with an intent in the folders that systemd gives."""
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    record.runtime_dir.mkdir()
    record.intend("charge 3000 W")
    monkeypatch.setenv("STATE_DIRECTORY", str(record.state_dir))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(record.runtime_dir))
    return record


@pytest.fixture
def config(tmp_path: Path, battery: FakeSonnen) -> str:
    path = tmp_path / "sunshift.toml"
    path.write_text(f"[battery]\nhost = '127.0.0.1'\nport = {battery.port}\nmode_control = true\n")
    return str(path)


def test_the_whole_report_is_told(
    battery: FakeSonnen, record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step with what came of it, then the verdict; the command is off the record."""
    assert command.main(["--config", config]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "/api/v1/setpoint/charge/0: accepted",
        "/api/v1/setpoint/discharge/0: accepted",
        "mode: automatic accepted",
        "read back: in mode 2 (automatic)",
        "handed back, confirmed by the battery",
    ]
    assert not record.may_stand()


def test_what_is_not_confirmed_stays_on_record(
    battery: FakeSonnen, record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The guard goes on trying; the last line says where to look."""
    monkeypatch.setattr(hand_back, "PAUSE_S", 60.0)
    battery.overrides["/api/setting?EM_OperatingMode=2"] = (200, b"{}")
    assert command.main(["--config", config]) == 1
    told = capsys.readouterr().out
    assert told.endswith("\nread back: failed: in mode '1' instead of 2\nNOT CONFIRMED: look at the battery\n")
    assert record.may_stand()


def test_after_a_service_that_left_nothing_there_is_nothing_to_do(
    battery: FakeSonnen, record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only where asked to look: by hand the battery is released whatever the service said."""
    assert command.main(["--config", config, "--after-service"]) == 0
    assert battery.mode == "2"
    battery.log.clear()
    capsys.readouterr()
    (record.runtime_dir / NOTHING_TO_RELEASE).touch()
    assert not record.may_stand()
    assert command.main(["--config", config, "--after-service"]) == 0
    assert capsys.readouterr().out == "the service has commanded nothing, or handed the battery back itself\n"
    assert battery.log == []
    assert command.main(["--config", config]) == 0
    assert battery.log


def test_a_command_on_record_is_taken_back_whatever_the_word_in_the_folder(
    battery: FakeSonnen, record: CommandRecord, config: str
) -> None:
    """It may be another service's word, which was given the folder after it was removed."""
    assert record.may_stand()
    (record.runtime_dir / NOTHING_TO_RELEASE).touch()
    assert command.main(["--config", config, "--after-service"]) == 0
    assert (battery.mode, battery.setpoint_w) == ("2", 0)
    assert not record.may_stand()


THEIRS = Lease(command="charge 900 W", until_s=boot_time_s() + 600.0, length_s=900.0, battery="192.0.2.8")


def test_the_lease_of_a_neighbour_stays(battery: FakeSonnen, record: CommandRecord, config: str) -> None:
    """A service for another battery was given the runtime folder."""
    target = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    record.intend("charge 3000 W", target)
    record.renew(THEIRS)
    assert command.main(["--config", config]) == 0
    assert (record.intent_path.exists(), record.lease_path.exists()) == (False, True)


def test_the_lease_of_a_neighbour_stays_in_systemds_folders_as_well(
    battery: FakeSonnen, own: CommandRecord, record: CommandRecord
) -> None:
    """What an earlier configuration left there goes, and no more."""
    own.clear()
    target = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    record.intend("charge 3000 W", target)
    record.renew(THEIRS)
    assert command.main(["--config", str(own.state_dir.parent.with_suffix(".toml"))]) == 0
    assert (battery.mode, record.intent_path.exists(), record.lease_path.exists()) == ("2", False, True)


def test_a_record_in_systemds_folders_that_names_no_battery_hinders_nothing(
    own: CommandRecord, record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell what it is about: the battery of the configuration is tried."""
    monkeypatch.setattr(hand_back, "PAUSE_S", 60.0)
    own.clear()
    assert record.may_stand()
    assert command.main(["--config", str(own.state_dir.parent.with_suffix(".toml"))]) == 1
    assert record.may_stand()


OBSERVES = ["[control]\nobserve = true\n", "[control\n[ control ]\nobserve = true\nstep = \n"]


@pytest.mark.parametrize("text", OBSERVES)
def test_who_only_observes_writes_nothing_after_a_failed_start_either(
    text: str, battery: FakeSonnen, record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever else commands the battery goes on; a broken file says it as well as a sound one."""
    record.clear()
    path = Path(config)
    path.write_text(path.read_text() + text)
    for words in ((), ("--after-service",)):
        assert command.main(["--config", config, *words]) == 0
        told = "the service only observes, and no command is on record: the battery is left as it is\n"
        assert capsys.readouterr().out == told
    assert battery.log == []


def test_a_command_on_record_is_taken_back_though_the_service_only_observes_now(
    battery: FakeSonnen, record: CommandRecord, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ours, and stands; the environment counts as everywhere."""
    monkeypatch.setenv("SUNSHIFT_CONTROL__OBSERVE", "true")
    assert command.main(["--config", config]) == 0
    assert battery.mode == "2"
    assert not record.may_stand()


@pytest.fixture
def own(battery: FakeSonnen, record: CommandRecord, tmp_path: Path) -> CommandRecord:
    """Return a record in folders of the service's own, of another battery than the one configured now."""
    own = CommandRecord(tmp_path / "own" / "state", tmp_path / "own" / "run")
    own.runtime_dir.mkdir(parents=True)
    own.intend("charge 900 W", ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port))
    folders = f'[service]\nstate_dir = "{own.state_dir}"\nruntime_dir = "{own.runtime_dir}"\n'
    (tmp_path / "own.toml").write_text(f'[battery]\nhost = "127.0.0.1"\nport = 9\n{folders}')
    return own


@pytest.mark.parametrize("moved", [True, False])
def test_the_battery_on_record_is_found_in_either_place(
    moved: bool, battery: FakeSonnen, record: CommandRecord, own: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In folders of the service's own, else in systemd's; that record is cleared, and no other."""
    monkeypatch.setattr(hand_back, "PAUSE_S", 60.0)
    if moved:
        record.intend("charge 900 W", own.battery())
        own.clear()
    else:
        record.intend("charge 900 W", ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=9))
    assert command.main(["--config", str(own.state_dir.parent.with_suffix(".toml"))]) == 0
    assert battery.setpoint_w == 0
    assert (record.may_stand(), own.may_stand()) == (not moved, False)


def test_a_battery_that_somebody_commands_by_now_is_left_to_them(
    battery: FakeSonnen, record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service that this runs after is gone: it is another's. What is on record stays for the guard."""
    address = f"127.0.0.1:{battery.port}"
    with BatteryClaim(address):
        assert command.main(["--config", config]) == 0
    told = f"another sunshift commands the battery at {address}: it is left to that one\n"
    assert capsys.readouterr().out == told
    assert battery.log == []
    assert record.may_stand()


def test_the_battery_on_record_is_the_one_that_may_be_commanded_by_now(battery: FakeSonnen, own: CommandRecord) -> None:
    """Whatever the configuration names."""
    commanded = own.battery()
    assert commanded is not None
    with BatteryClaim(commanded.address):
        assert command.main(["--config", str(own.state_dir.parent.with_suffix(".toml"))]) == 0
    assert battery.log == []
    assert own.may_stand()


def test_the_word_that_nothing_stands_counts_in_folders_of_the_services_own(
    battery: FakeSonnen, own: CommandRecord
) -> None:
    """Not in systemd's, where this service never wrote it."""
    own.clear()
    (own.runtime_dir / NOTHING_TO_RELEASE).touch()
    assert command.main(["--config", str(own.state_dir.parent.with_suffix(".toml")), "--after-service"]) == 0
    assert battery.log == []


@pytest.mark.parametrize("folders", ["none", "read-only"])
def test_a_record_that_cannot_be_cleared_costs_nothing(
    folders: str, battery: FakeSonnen, record: CommandRecord, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The battery is back all the same, and a lease in the runtime folder says that nothing stands."""
    if folders == "none":
        monkeypatch.delenv("STATE_DIRECTORY")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    assert command.main(["--config", config]) == 0
    assert battery.mode == "2"
    assert record.intent_path.exists()
    assert record.may_stand() == (folders == "none")


def test_the_process_ends_whatever_hangs(
    battery: FakeSonnen, config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm is set past the deadline and taken back at the end, also at an end by a wrong configuration."""
    alarms: list[int] = []
    monkeypatch.setattr(signal, "alarm", alarms.append)
    assert command.main(["--config", config]) == 0
    assert command.main(["--config", str(tmp_path / "none.toml")]) == 78
    assert alarms == [12, 0, 12, 0]


def test_an_unusable_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the code that systemd knows for it."""
    assert command.main(["--config", str(tmp_path / "none.toml")]) == 78
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"{tmp_path / 'none.toml'}: 1 problem\n  no such file")
    assert told.err.endswith("--config\n")


def test_the_usage_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for, and what each word means."""
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "usage: python -m optimizer.release [-h] --config FILE [--after-service]"
    assert "Hand the battery back." in lines
    assert "--config FILE the service's configuration" in lines
    assert "--after-service only if the service left anything standing" in lines
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("variable", "words"), [("EXIT_STATUS", ["--after-service"]), ("MONITOR_EXIT_STATUS", []), ("EXIT_STATUS", [])]
)
def test_after_a_service_that_was_refused_nothing_is_sent(
    variable: str, words: list[str], battery: FakeSonnen, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one commands the battery: by its unit's ExecStopPost= and by OnFailure= alike."""
    monkeypatch.setenv(variable, "69")
    assert command.main(["--config", config, *words]) == 0
    assert (battery.mode, battery.setpoint_w) == ("1", 3000)


def test_after_a_service_that_was_refused_the_record_stays(
    record: CommandRecord, config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that both use it is the other one's."""
    monkeypatch.setenv("EXIT_STATUS", "69")
    assert command.main(["--config", config, "--after-service"]) == 0
    assert capsys.readouterr().out == "another sunshift commands the battery: it is left to that one\n"
    assert record.may_stand()


@pytest.mark.parametrize("holds", ["battery", "state folder", "runtime folder"])
def test_after_a_service_that_was_refused_what_nobody_looks_after_is_taken_back(
    holds: str, battery: FakeSonnen, record: CommandRecord, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the runtime folder may command another battery, or only observe: that looks after nothing of ours."""
    monkeypatch.setenv("EXIT_STATUS", "69")
    target = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    record.intend("charge 3000 W", target)
    folder = record.state_dir if holds == "state folder" else record.runtime_dir
    lock = InstanceLock(folder, battery="another", since=datetime(2026, 5, 4, tzinfo=UTC))
    with BatteryClaim(target.address) if holds == "battery" else lock:
        assert command.main(["--config", config, "--after-service"]) == 0
    left = holds != "runtime folder"
    assert (battery.mode, battery.setpoint_w) == (("1", 3000) if left else ("2", 0))
    assert record.may_stand() == left


@pytest.mark.parametrize("said", ["0", "1", "78", "KILL", "ABRT", "", "6", "690"])
def test_after_any_other_end_the_battery_is_released(
    said: str, battery: FakeSonnen, record: CommandRecord, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In doubt it is."""
    monkeypatch.setenv("EXIT_STATUS", said)
    assert command.main(["--config", config, "--after-service"]) == 0
    assert battery.mode == "2"
