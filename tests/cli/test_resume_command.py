"""``sunshift resume``: the owner's word that a stand-down is over."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli import resume
from optimizer.cli.main import main
from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Decision, Outcome
from optimizer.service.lock import InstanceLock
from optimizer.service.resume_request import RESUME_NAME, ResumeRequest
from optimizer.service.status import read_status, status_path
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.server import SimulatorServer
from support.machine import wait_for
from support.service_bench import START, TOKEN, Bench, bench, house_on_real_time
from support.service_process import service, sunshift, write_config

FORCED = {"prefer_automatic": False}
QUICK = '[control]\nprefer_automatic = false\npoll_interval = "5s"\nsettling = "1s"'


def when(home: Bench, number: int, act: Callable[[], Any]) -> None:
    """Do something after the decision of a number."""
    home.daemon.on_decision.append(lambda _: act() if len(home.decisions) == number else None)


def outcomes(home: Bench) -> list[Outcome]:
    return [one.outcome for one in home.decisions]


def test_the_owners_word_ends_a_stand_down_of_the_running_service(tmp_path: Path) -> None:
    """A mode set in the app: status shows the end and the way to end it; after `resume` it commands again."""
    home = house_on_real_time()
    with SimulatorServer(home, token=TOKEN, quirks=Quirks(mode_control=True)) as battery:
        config = write_config(tmp_path, port=battery.v1_port)
        config.write_text(config.read_text().replace("[control]\nprefer_automatic = false", QUICK))
        with service(config):
            assert "nothing to end" in sunshift("resume", "--config", config).stdout
            home.set_mode(DeviceMode.BACKUP)
            wait_for(lambda: "Standing down:" in sunshift("status", "--config", config).stdout, 20.0, "the stand-down")
            told = sunshift("status", "--config", config).stdout
            assert "because somebody else changed the battery's mode to backup; `sunshift resume" in told
            status = json.loads(sunshift("status", "--config", config, "--json").stdout)
            assert status["stand_down"]["until"] > status["written_at"]
            writes = len(battery.log.writes)

            done = sunshift("resume", "--config", config)
            assert (done.returncode, done.stderr) == (0, "")
            assert "commands the battery again" in done.stdout
            assert len(battery.log.writes) > writes
            assert home.mode is DeviceMode.MANUAL
            assert json.loads(sunshift("status", "--config", config, "--json").stdout)["stand_down"] is None


def test_a_stand_down_has_an_end_that_status_tells(tmp_path: Path) -> None:
    """Half an hour from when the foreign hand was seen, and as long as its mode stays after that."""
    with bench(tmp_path, control=FORCED) as home:
        when(home, 12, lambda: home.house.set_mode(DeviceMode.BACKUP))
        told: list[dict[str, Any] | None] = []
        home.daemon.on_decision.append(lambda _: told.append(home.daemon.reporter.status("running").stand_down))
        home.run_for(timedelta(minutes=40))
        first = next(index for index, one in enumerate(told) if one is not None)
        assert told[first] == {
            "why": "somebody else changed the battery's mode to backup",
            "until": (home.decisions[first].at + timedelta(minutes=30)).isoformat(timespec="seconds"),
        }
        assert told[-1] is not None
        assert told[-1]["until"] is None


def test_another_setpoint_is_commanded_over_after_the_owners_word(tmp_path: Path) -> None:
    """The next step takes the request, tells it, and sends its own command."""
    with bench(tmp_path, driver="sonnen_v2", control=FORCED) as home:
        request = ResumeRequest(tmp_path / "run", home.clock)
        when(home, 12, lambda: home.house.command(-2345.0))
        when(home, 20, lambda: request.leave(service_pid=os.getpid(), valid_s=60.0))
        home.run_for(timedelta(minutes=5))
        assert outcomes(home)[13:20] == [Outcome.STOOD_DOWN] * 7
        assert outcomes(home)[20] is Outcome.APPLIED
        assert Outcome.STOOD_DOWN not in outcomes(home)[20:]
        assert home.daemon.reporter.status("running").resume_requests == 1
        assert not request.waits


def test_a_power_plant_keeps_its_priority(tmp_path: Path) -> None:
    """The owner's word makes sunshift try; refused again, it stands down again."""
    with bench(tmp_path, driver="sonnen_v2", control=FORCED) as home:
        request = ResumeRequest(tmp_path / "run", home.clock)
        when(home, 12, lambda: home.house.set_vpp_power(-3000.0))
        when(home, 30, lambda: request.leave(service_pid=os.getpid(), valid_s=60.0))
        home.run_for(timedelta(minutes=8))
        assert outcomes(home)[29] is Outcome.STOOD_DOWN
        assert home.daemon.reporter.status("running").resume_requests == 1
        assert outcomes(home)[-1] is Outcome.STOOD_DOWN
        assert home.daemon.counters.errors == 0


def left_over(request: ResumeRequest, clock: SimulatedClock) -> None:
    request.leave(service_pid=os.getpid() + 1, valid_s=60.0)


def too_old(request: ResumeRequest, clock: SimulatedClock) -> None:
    request.leave(service_pid=os.getpid(), valid_s=1.0)


def from_before_a_restart(request: ResumeRequest, clock: SimulatedClock) -> None:
    late = SimulatedClock(START)
    late.advance(1e6)
    ResumeRequest(request.path.parent, late).leave(service_pid=os.getpid(), valid_s=60.0)


def a_pipe(request: ResumeRequest, clock: SimulatedClock) -> None:
    os.mkfifo(request.path)


def a_pipe_that_somebody_holds(request: ResumeRequest, clock: SimulatedClock) -> None:
    os.mkfifo(request.path)
    os.open(request.path, os.O_RDWR | os.O_CLOEXEC)


def a_link(request: ResumeRequest, clock: SimulatedClock) -> None:
    request.leave(service_pid=os.getpid(), valid_s=60.0)
    request.path.rename(request.path.with_name("elsewhere"))
    request.path.symlink_to("elsewhere")


def a_folder(request: ResumeRequest, clock: SimulatedClock) -> None:
    request.path.mkdir()


def text(said: str) -> Callable[[ResumeRequest, SimulatedClock], None]:
    return lambda request, _: request.path.write_text(said) and None


NO_REQUESTS = [
    left_over, too_old, from_before_a_restart, a_pipe, a_pipe_that_somebody_holds, a_link, a_folder,
    text(""), text("{"), text("[1]"), text("[" * 4000),
    text('{"pid": true, "until_s": NaN, "valid_s": Infinity}'), text(f'{{"pid": {os.getpid()}, "until_s": "1"}}'),
]  # fmt: skip


@pytest.mark.parametrize("leave", NO_REQUESTS)
def test_what_is_no_request_of_now_ends_nothing(
    leave: Callable[[ResumeRequest, SimulatedClock], None], tmp_path: Path
) -> None:
    """An old one, one for another run, or something else of that name is not obeyed, nor does it hold control up."""
    with bench(tmp_path, control=FORCED) as home:
        request = ResumeRequest(tmp_path / "run", home.clock)
        when(home, 12, lambda: home.house.set_mode(DeviceMode.BACKUP))
        when(home, 20, lambda: leave(request, home.clock))
        home.run_for(timedelta(minutes=6))
        assert set(outcomes(home)[13:]) == {Outcome.STOOD_DOWN}
        assert home.daemon.counters.errors == 0
        assert request.waits is (leave is a_folder)


@pytest.mark.parametrize("leave", [a_folder, a_pipe_that_somebody_holds])
def test_what_lies_there_for_ever_costs_nothing(
    leave: Callable[[ResumeRequest, SimulatedClock], None], tmp_path: Path
) -> None:
    """Looked at with each step, it takes no descriptor away from the requests to the battery."""
    clock = SimulatedClock(START)
    request = ResumeRequest(tmp_path, clock)
    leave(request, clock)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert not any(request.take() for _ in range(10))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_without_a_service_there_is_nobody_to_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is an error that says where it looked, and nothing is left behind for a later start."""
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "run"\n')
    assert main(["resume", "--config", str(config)]) == 1
    assert f"not running (looked in {tmp_path / 'run'})" in capsys.readouterr().err
    with bench(tmp_path) as home:
        home.run_for(timedelta(minutes=1))
    assert main(["resume", "--config", str(config)]) == 1
    assert not (tmp_path / "run" / RESUME_NAME).exists()


def held_while_standing_down(tmp_path: Path, *, observe: bool = False) -> Path:
    """Return the configuration of a service that told last that it stands down."""
    told: list[str] = []

    def keep(_: Decision) -> None:
        told.append(status_path(tmp_path / "run").read_text() if told else "first")

    with bench(tmp_path, control=FORCED, observe=observe) as home:
        when(home, 12, lambda: home.house.set_mode(DeviceMode.BACKUP))
        home.daemon.on_decision.append(keep)
        home.run_for(timedelta(minutes=5))
    status_path(tmp_path / "run").write_text(told[-1])
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "run"\n')
    return config


def test_an_observer_has_nothing_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stands down for nobody; that is said, and nothing is left behind."""
    config = held_while_standing_down(tmp_path, observe=True)
    with InstanceLock(tmp_path / "run", battery="x", since=START):
        assert main(["resume", "--config", str(config)]) == 1
    assert "only observes" in capsys.readouterr().err
    assert not (tmp_path / "run" / RESUME_NAME).exists()


def test_a_service_that_does_not_answer_is_told_and_the_request_withdrawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hanging service finds no request left when it goes on."""
    config = held_while_standing_down(tmp_path)
    monkeypatch.setattr(resume, "real_deadline", lambda _: iter([1.0, 1.0, 0.0]).__next__)
    with InstanceLock(tmp_path / "run", battery="x", since=START):
        assert main(["resume", "--config", str(config)]) == 1
    assert "has not taken the request within" in capsys.readouterr().err
    assert not (tmp_path / "run" / RESUME_NAME).exists()


def test_a_service_that_cannot_write_its_status_may_have_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was taken is not called unheard: what came of it is in the journal."""
    config = held_while_standing_down(tmp_path)
    monkeypatch.setattr(resume, "real_deadline", lambda _: iter([1.0, 1.0, 0.0]).__next__)
    monkeypatch.setattr(ResumeRequest, "waits", False)
    with InstanceLock(tmp_path / "run", battery="x", since=START):
        assert main(["resume", "--config", str(config)]) == 1
    assert "has taken the request, and its status does not tell" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "status"])
def test_a_mistyped_configuration_is_told(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not that nothing runs: the service may, in a folder that the right file names."""
    assert main([command, "--config", str(tmp_path / "sunshfit.toml")]) == 78
    assert "sunshfit.toml: 1 problem\n  no such file" in capsys.readouterr().err


def test_who_may_not_write_to_the_folder_is_told_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is the service's own: root may, another user may not."""
    config = held_while_standing_down(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(ResumeRequest, "leave", refuse)
    with InstanceLock(tmp_path / "run", battery="x", since=START):
        assert main(["resume", "--config", str(config)]) == 1
    assert "sudo sunshift resume" in capsys.readouterr().err
    status = read_status(status_path(tmp_path / "run"))
    assert status is not None
    assert status.stand_down is not None
