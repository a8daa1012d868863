"""A service with folders of its own: guard and release find what it has left there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from optimizer.cli import main as cli
from optimizer.release.claim import lease_folder_of_holder
from optimizer.release.folders import Folders, service_folders
from optimizer.release.record import CommandRecord
from optimizer.release.target import ReleaseTarget, battery_address
from optimizer.release.word import NOTHING_TO_RELEASE
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.lock import InstanceLock
from support.fake_sonnen import FakeSonnen
from support.service_bench import START, bench

COMMAND = "charge 2000 W"


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(mode="1", setpoint_w=2000) as running:
        yield running


@pytest.fixture
def record(tmp_path: Path) -> CommandRecord:
    """Return a command on record in folders of the service's own."""
    record = CommandRecord(tmp_path / "own state", tmp_path / "own run")
    record.runtime_dir.mkdir()
    record.intend(COMMAND)
    return record


@pytest.fixture
def config(tmp_path: Path, battery: FakeSonnen, record: CommandRecord) -> Path:
    """Return a configuration that names them, and is broken elsewhere."""
    path = tmp_path / "sunshift.toml"
    path.write_text(
        f'[battery]\nhost = "127.0.0.1"\nport = {battery.port}\nmode_control = true\n'
        f'[service]\nstate_dir = "{record.state_dir}"\nruntime_dir = "{record.runtime_dir}"\nlog_level =\n[site\n'
    )
    return path


def run(tmp_path: Path, config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run what a unit runs, with folders of systemd's that are others."""
    folders = {"STATE_DIRECTORY": str(tmp_path / "var"), "RUNTIME_DIRECTORY": str(tmp_path / "run")}
    command = [sys.executable, "-m", *words, "--config", str(config)]
    environ = {**os.environ, **folders}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [("optimizer.guard",), ("optimizer.release", "--after-service")])
def test_what_a_unit_runs_finds_them(
    words: tuple[str, ...], battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """Also in a file that is broken elsewhere."""
    done = run(tmp_path, config, *words)
    assert (done.returncode, battery.mode, record.may_stand()) == (0, "2", False), done.stdout + done.stderr


def test_the_word_that_nothing_stands_is_looked_for_there(
    battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """One that an earlier service left in systemd's folder says nothing of this one."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / NOTHING_TO_RELEASE).touch()
    assert run(tmp_path, config, "optimizer.release", "--after-service").returncode == 0
    assert battery.mode == "2"
    assert not record.may_stand()
    battery.mode = "1"
    (record.runtime_dir / NOTHING_TO_RELEASE).touch()
    assert "handed the battery back itself" in run(tmp_path, config, "optimizer.release", "--after-service").stdout
    assert battery.mode == "1"


def test_what_stands_on_record_in_systemds_is_taken_back_as_well(
    battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """The configuration was given folders of its own while a command stood."""
    record.clear()
    before = CommandRecord(tmp_path / "var", tmp_path / "run")
    there = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    for words in (("optimizer.guard",), ("optimizer.release", "--after-service")):
        battery.mode = "1"
        before.intend(COMMAND, there)
        done = run(tmp_path, config, *words)
        assert (done.returncode, battery.mode, before.may_stand()) == (0, "2", False), done.stdout + done.stderr


def test_what_a_neighbour_commands_is_left_to_it(
    battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """A second unit with folders of its own is killed: what stands on record in systemd's is a living service's."""
    record.clear()
    neighbours = CommandRecord(tmp_path / "var", tmp_path / "run")
    with FakeSonnen(mode="1", setpoint_w=3000) as theirs:
        there = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=theirs.port, mode_control=True)
        neighbours.intend(COMMAND, there)
        with BatteryClaim(there.address):
            assert run(tmp_path, config, "optimizer.guard").returncode == 0
            assert run(tmp_path, config, "optimizer.release", "--after-service").returncode == 0
        assert theirs.log == []
    assert neighbours.may_stand()
    assert battery.mode == "2"


def test_a_record_elsewhere_that_names_no_battery_is_nobodys_business(
    battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """The configured battery has nothing to do with it."""
    record.clear()
    CommandRecord(tmp_path / "var", tmp_path / "run").intend(COMMAND)
    assert run(tmp_path, config, "optimizer.guard").returncode == 0
    assert battery.log == []


def test_a_shared_state_folder_is_a_living_services(
    battery: FakeSonnen, record: CommandRecord, config: Path, tmp_path: Path
) -> None:
    """Its lease lies in a runtime folder that this guard does not know; a service of one's own holds both."""
    with InstanceLock(record.state_dir, battery="theirs", since=START):
        assert run(tmp_path, config, "optimizer.guard").returncode == 0
        assert battery.log == []
        with InstanceLock(record.runtime_dir, battery="ours", since=START):
            assert run(tmp_path, config, "optimizer.guard").returncode == 0
    assert battery.mode == "2"


def test_a_service_says_in_its_state_folder_where_its_lease_is(tmp_path: Path) -> None:
    """For a guard whose file names another runtime folder by now."""
    told: set[Path | None] = set()
    with bench(tmp_path) as home:
        home.daemon.on_decision.append(lambda _: told.add(lease_folder_of_holder(tmp_path / "state")))
        home.run_for(timedelta(seconds=30))
    assert told == {tmp_path / "run"}


def test_after_the_service_nobodys_living_command_is_ended(battery: FakeSonnen, config: Path, tmp_path: Path) -> None:
    """One's own service is gone: whoever commands the battery now is another."""
    with BatteryClaim(battery_address("127.0.0.1", battery.port)):
        done = run(tmp_path, config, "optimizer.release", "--after-service")
    assert (done.returncode, battery.log) == (0, [])
    assert "it is left to that one" in done.stdout


def test_the_owners_release_refuses_beside_a_service_in_them(
    battery: FakeSonnen, record: CommandRecord, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken file does not make it look elsewhere."""
    with InstanceLock(record.runtime_dir, battery="this one", since=START):
        assert cli.main(["release", "--config", str(config)]) == 1
    assert "the service is running" in capsys.readouterr().err
    assert battery.log == []
    assert cli.main(["release", "--config", str(config)]) == 0
    assert not record.may_stand()


@pytest.mark.parametrize("named", ["a:b", "x" * 300])
def test_a_folder_of_any_name_is_a_folder(named: str, tmp_path: Path) -> None:
    """A colon separates systemd's folders, not those of a configuration; what cannot be is told later."""
    config = tmp_path / "sunshift.toml"
    config.write_text(f'[service]\nstate_dir = "{named}/state"\nruntime_dir = "{named}/run"\n')
    folders, *_ = service_folders(config, {})
    assert folders == Folders(state_dir=tmp_path / named / "state", runtime_dir=tmp_path / named / "run")


def test_a_folder_that_cannot_be_looked_into_is_told(battery: FakeSonnen, config: Path, tmp_path: Path) -> None:
    """A guard that sees nothing must not seem to watch; the release after the service acts in doubt."""
    config.write_text(config.read_text().replace("own run", "x" * 300))
    done = run(tmp_path, config, "optimizer.guard")
    assert done.returncode == 1
    assert "cannot be looked into (File name too long): nobody watches over a command on record there" in done.stdout
    assert battery.log == []
    assert run(tmp_path, config, "optimizer.release", "--after-service").returncode == 0
    assert battery.mode == "2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[service]\n",
        "[service]\nstate_dir = 5\nruntime_dir = []\n",
        '[service]\nstate_dir = "~nosuchuser/x"\n',
        '[service]\nruntime_dir = "/a\\u0000b"\n',
    ],
)
def test_folders_that_are_none_are_systemds(text: str, tmp_path: Path) -> None:
    """The service never ran with them."""
    config = tmp_path / "sunshift.toml"
    config.write_text(text)
    folders = service_folders(config, {"STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r"})
    assert folders == (Folders(state_dir=Path("/s"), runtime_dir=Path("/r")),)


def test_the_environment_alone_may_name_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, and where none is given the environment is that of the process."""
    for name, folder in {"STATE_DIR": "/own/s", "RUNTIME_DIR": "run"}.items():
        monkeypatch.setenv(f"SUNSHIFT_SERVICE__{name}", folder)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/r")
    own, systemds = service_folders(None)
    assert own == Folders(state_dir=Path("/own/s"), runtime_dir=Path.cwd() / "run")
    assert systemds == Folders(runtime_dir=Path("/r"))


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever mistypes it must not be told that nothing stands."""
    assert cli.main(["release", "--config", str(tmp_path / "none.toml")]) == 78
    assert "no such file" in capsys.readouterr().err
