"""One writer to a battery, whatever runtime folders there are."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.clock import SimulatedClock
from optimizer.domain.decision import Outcome
from optimizer.errors import LockedError
from optimizer.release.claim import claim_name, holder_of, is_claimed, is_claimed_by_ours
from optimizer.release.target import battery_address
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.composition import build_daemon
from optimizer.service.release_guard import refuse_while_commanded
from support.service_bench import START, bench, tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names in the kernel are Linux's")


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("192.168.1.20", 8080, "192.168.1.20"),
        ("192.168.1.20", 80, "192.168.1.20"),
        ("Sonnen.local.", 8080, "sonnen.local"),
        ("192.168.1.20", 18080, "192.168.1.20:18080"),
        ("127.0.0.1", 8080, "127.0.0.1:8080"),
        ("localhost", 80, "localhost:80"),
        ("[::1]", 80, "[::1]:80"),
    ],
)
def test_both_interfaces_of_a_battery_are_one(host: str, port: int, address: str) -> None:
    """API V1 and V2 of one device share a claim; forwarded ports and simulators on this machine do not."""
    assert battery_address(host, port) == address


def test_the_name_of_a_battery_is_for_ever() -> None:
    """Two versions of the service on one machine keep each other out as well; unix(7) allows 107 letters."""
    assert claim_name("192.168.1.20") == "\0sunshift/battery/552354592821b7e6b76f87d10c0cb4ff"


def test_whether_a_battery_is_claimed_can_be_asked(tmp_path: Path) -> None:
    """Without taking anything; another one, and after the end, it is not."""
    with BatteryClaim(str(tmp_path)):
        assert is_claimed(str(tmp_path))
        assert not is_claimed(f"{tmp_path}-another")
    assert not is_claimed(str(tmp_path))


@pytest.mark.timeout(5)
def test_asking_ends_however_many_have_asked_before(tmp_path: Path) -> None:
    """The holder answers nobody: the guard must not wait for it, and is told for a day who it is."""
    with BatteryClaim(str(tmp_path)):
        assert all(is_claimed_by_ours(str(tmp_path)) for _ in range(100))
        assert holder_of(str(tmp_path)) == (os.getpid(), os.getuid())
    assert not is_claimed(str(tmp_path))
    assert holder_of(str(tmp_path)) is None


@pytest.mark.timeout(5)
def test_a_full_queue_is_somebody_but_nobody_to_be_believed(tmp_path: Path) -> None:
    """Who would disturb a service is kept from it; a command is left standing only for whom the kernel names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as name:
        name.bind(claim_name(str(tmp_path)))
        name.listen(0)
        assert is_claimed_by_ours(str(tmp_path))
        assert all(is_claimed(str(tmp_path)) for _ in range(5))
        assert not is_claimed_by_ours(str(tmp_path))


HOLD_AS_USER = (
    "import os, sys; from optimizer.service.battery_claim import BatteryClaim; os.setuid(int(sys.argv[2])); "
    "claim = BatteryClaim(sys.argv[1]); claim.acquire(); print('held', flush=True); sys.stdin.read()"
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_name_that_another_user_holds_is_nobodys_word(tmp_path: Path) -> None:
    """Any user may hold any name: it keeps a service from starting, and no command standing."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_AS_USER, str(tmp_path), "65534"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert holder_of(str(tmp_path)) == (process.pid, 65534)
        assert (is_claimed(str(tmp_path)), is_claimed_by_ours(str(tmp_path))) == (True, False)
        process.kill()


@pytest.mark.parametrize(("holder", "asker", "believed"), [(0, 1000, True), (1000, 1000, True), (1000, 0, False)])
def test_whose_word_is_believed(
    holder: int, asker: int, believed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's, and that of the user who asks."""
    monkeypatch.setattr(socket.socket, "getsockopt", lambda *_: struct.pack("iII", 7, holder, 5))
    monkeypatch.setattr(os, "geteuid", lambda: asker)
    with BatteryClaim(str(tmp_path)):
        assert holder_of(str(tmp_path)) == (7, holder)
        assert is_claimed_by_ours(str(tmp_path)) is believed


def test_a_battery_is_claimed_once(tmp_path: Path) -> None:
    """The refusal names the process and the ways out; another battery is free; an end gives it up."""
    mine, another = str(tmp_path), f"{tmp_path}-another"
    refusal = rf"commands the battery at .*\(pid {os.getpid()}\).*--observe"
    with (
        BatteryClaim(mine),
        BatteryClaim(another),
        BatteryClaim(None),
        BatteryClaim(None),
        pytest.raises(LockedError, match=refusal),
    ):
        BatteryClaim(mine).acquire()
    with BatteryClaim(mine):
        pass


def test_a_refusal_says_all_there_is_to_know(tmp_path: Path) -> None:
    """Which battery, which process, and both ways out; giving up twice does no harm."""
    claim = BatteryClaim(str(tmp_path))
    claim.acquire()
    with pytest.raises(LockedError) as caught:
        BatteryClaim(str(tmp_path)).acquire()
    assert str(caught.value) == (
        f"another sunshift commands the battery at {tmp_path} (pid {os.getpid()}), from another runtime folder: "
        "stop it first, or run this one with --observe"
    )
    claim.release()
    claim.release()


def test_a_command_of_the_cli_is_refused_for_whichever_battery_is_commanded(tmp_path: Path) -> None:
    """From whatever folders; the text says which battery, and what goes on all the same."""
    free, taken = f"{tmp_path}-free", str(tmp_path)
    refuse_while_commanded([free, taken], what="sunshift release")
    with BatteryClaim(taken), pytest.raises(LockedError) as caught:
        refuse_while_commanded([free, taken], what="sunshift release")
    assert str(caught.value) == (
        f"the service is running (it commands the battery at {taken} from another runtime folder) and would command "
        "the battery again: stop it first, `systemctl stop sunshift`, which hands the battery back by itself; "
        "`sunshift release --force` goes on all the same"
    )


@pytest.mark.parametrize("answers", ["nothing", "too little"])
def test_a_holder_that_cannot_be_told_is_left_out(
    answers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the battery is held is certain all the same."""
    claim = BatteryClaim(str(tmp_path))
    if answers == "nothing":
        monkeypatch.setattr(socket.socket, "listen", lambda *_: None)
    else:
        monkeypatch.setattr(socket.socket, "getsockopt", lambda *_: b"")
    with (
        claim,
        pytest.raises(LockedError, match=f"^another sunshift commands the battery at {tmp_path}, from another "),
    ):
        BatteryClaim(str(tmp_path)).acquire()


def test_however_many_ask_each_is_refused(tmp_path: Path) -> None:
    """The holder answers none of them: who asks last does not wait for it."""
    with BatteryClaim(str(tmp_path)):
        for _ in range(3):
            with pytest.raises(LockedError, match="commands the battery"):
                BatteryClaim(str(tmp_path)).acquire()


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    """However a process dies, its battery is free at once."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_AS_USER, str(tmp_path), str(os.getuid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=f"pid {process.pid}"):
            BatteryClaim(str(tmp_path)).acquire()
        process.kill()
    with BatteryClaim(str(tmp_path)):
        pass


def test_a_system_without_such_names_is_told_and_keeps_nobody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A sandbox that forbids it costs the claim, not the control."""

    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with BatteryClaim(str(tmp_path)):
        assert caplog.messages == [
            f"nothing keeps a second service from commanding {tmp_path}: Operation not permitted"
        ]


def test_a_second_service_with_a_folder_of_its_own_is_refused(tmp_path: Path) -> None:
    """Two configurations for one battery: the second ends before it sends anything; one that observes may run."""
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
    with bench(tmp_path / "one") as home:
        port = home.configuration.settings.battery.port
        second = configuration_from_tables(tables(tmp_path / "two", driver="sonnen_v1", port=port, mode_control=True))
        with BatteryClaim(battery_address("127.0.0.1", port)):
            with pytest.raises(LockedError, match="from another runtime folder"):
                build_daemon(second, clock=SimulatedClock(START)).run(threading.Event())
            assert home.server.log.entries == ()
        watching: list[Outcome] = []
        with bench(tmp_path / "three", observe=True, battery={"port": port}) as observer:
            observer.daemon.on_decision.append(lambda one: watching.append(one.outcome))
            with BatteryClaim(battery_address("127.0.0.1", port)):
                observer.run_for(timedelta(minutes=1))
        assert set(watching) == {Outcome.OBSERVED}


def test_a_name_that_cannot_be_one_is_nobodys() -> None:
    """A record may hold any text."""
    assert holder_of("\ud800") is None
