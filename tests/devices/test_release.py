"""The way back when all else is broken: any device, any peer, any configuration, within its deadline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimizer.errors import ConfigError
from optimizer.release import __main__ as command
from optimizer.release import client, hand_back
from optimizer.release.config import target_from_config
from optimizer.release.hand_back import release_battery
from optimizer.release.target import ReleaseTarget
from support.canary import CANARY
from support.fake_sonnen import FakeSonnen
from support.hostile_peer import STATUS_LINE, Drip, Flood, Hang, HostilePeer, Reset, Send, Step, answer

TOKEN = CANARY


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(token=TOKEN, mode="1", setpoint_w=3000) as battery:
        yield battery


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_back, "PAUSE_S", 0.02)
    monkeypatch.setattr(client, "CALL_S", 5.0)


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second attempt fits into the deadline, however fast the first was; and a slow machine has time for one."""
    monkeypatch.setattr(hand_back, "PAUSE_S", 2 * hand_back.DEADLINE_S)


def target(driver: str, port: int, *, mode_control: bool = False, hand_back_mode: str = "automatic") -> ReleaseTarget:
    return ReleaseTarget(
        driver=driver,
        host="127.0.0.1",
        port=port,
        mode_control=mode_control,
        hand_back_mode=hand_back_mode,
        token=TOKEN if driver == "sonnen_v2" else "",
    )


@pytest.mark.parametrize(
    ("driver", "mode_control", "writes"),
    [
        ("sonnen_v1", False, ["PUT /api/v1/setpoint/charge/0", "PUT /api/v1/setpoint/discharge/0"]),
        (
            "sonnen_v1",
            True,
            [
                "PUT /api/v1/setpoint/charge/0",
                "PUT /api/v1/setpoint/discharge/0",
                "GET /api/setting?EM_OperatingMode=2",
            ],
        ),
        (
            "sonnen_v2",
            False,
            [
                "POST /api/v2/setpoint/charge/0",
                "POST /api/v2/setpoint/discharge/0",
                "PUT /api/v2/configurations EM_OperatingMode=2",
            ],
        ),
    ],
)
def test_hands_back_in_the_safe_order_and_confirms(
    driver: str, mode_control: bool, writes: list[str], battery: FakeSonnen
) -> None:
    """Zero both, then the mode where it can be set, read back; a second release does the same again."""
    for _ in range(2):
        battery.log.clear()
        report = release_battery(target(driver, battery.port, mode_control=mode_control))
        assert report.confirmed, str(report)
        assert battery.writes == writes
        assert battery.log[-1].endswith("/status")
    assert battery.setpoint_w == 0
    assert battery.mode == ("1" if len(writes) == 2 else "2")


@pytest.mark.parametrize(("mode", "code"), [("time_of_use", "10"), ("backup", "7")])
def test_owners_mode(mode: str, code: str, battery: FakeSonnen) -> None:
    """The battery is left in the mode its owner chose."""
    assert release_battery(target("sonnen_v2", battery.port, hand_back_mode=mode)).confirmed
    assert battery.mode == code


@pytest.mark.usefixtures("one_attempt")
def test_battery_that_goes_on_is_not_confirmed(battery: FakeSonnen) -> None:
    """A battery that acknowledges and goes on discharging is not reported as handed back."""
    going_on = json.dumps({"Pac_total_W": 2500, "OperatingMode": "1"}).encode()
    battery.overrides["/api/v1/status"] = (200, going_on)
    report = release_battery(target("sonnen_v1", battery.port))
    assert not report.confirmed
    assert "2500" in str(report)
    assert "NOT CONFIRMED" in str(report)


@pytest.mark.usefixtures("one_attempt")
def test_mode_that_does_not_change_is_not_confirmed(battery: FakeSonnen) -> None:
    """A battery that stays in manual is not reported as handed back, even when it stands idle."""
    battery.overrides["/api/setting?EM_OperatingMode=2"] = (200, b"{}")
    report = release_battery(target("sonnen_v1", battery.port, mode_control=True))
    assert not report.confirmed


@pytest.mark.usefixtures("one_attempt")
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b'{"ReturnCode":"13"}', "mode: failed: return code '13'"),
        (b'{"ReturnCode":5}', "mode: failed: return code '5'"),
        (b'{"ReturnCode":null}', "mode: failed: return code ''"),
        (b'{"EM_OperatingMode":"1"}', "mode: failed: the battery keeps mode '1'"),
        (b'{"error":"VPP has priority"}', "mode: failed: the battery refuses: 'VPP has priority'"),
        (b"false", "mode: failed: the answer is a no"),
    ],
)
@pytest.mark.parametrize("driver", ["sonnen_v1", "sonnen_v2"])
def test_refused_mode_call_is_not_believed(driver: str, reply: bytes, told: str, battery: FakeSonnen) -> None:
    """A refusal that travels in a 200 is a failed step, on both interfaces."""
    for path in ("/api/setting?EM_OperatingMode=2", "/api/v2/configurations"):
        battery.overrides[path] = (200, reply)
    report = release_battery(target(driver, battery.port, mode_control=True))
    assert told in report.steps
    assert not report.confirmed


@pytest.mark.parametrize("reply", [b"", b"{}", b"true", b'{"ReturnCode":"0"}', b'{"EM_OperatingMode":"8"}'])
def test_whatever_the_mode_call_answers_the_read_back_decides(reply: bytes, battery: FakeSonnen) -> None:
    """An answer that does not refuse passes; that the mode is right is seen in the status."""
    battery.overrides["/api/setting?EM_OperatingMode=2"] = (200, reply)
    battery.mode = "2"
    report = release_battery(target("sonnen_v1", battery.port, mode_control=True))
    assert report.confirmed, str(report)
    assert "mode: automatic accepted" in report.steps


def test_refused_mode_call_is_tried_again_until_it_is_taken(battery: FakeSonnen) -> None:
    """A mode that is right by chance does not end it after a refusal: the call is made again within the deadline."""
    received = b'{"ReturnCode":"0"}'
    status = json.dumps({"Pac_total_W": 0, "OperatingMode": "2"}).encode()
    attempts = [
        [[Send(answer(received))], [Send(answer(received))], [Send(answer(body))], [Send(answer(status))]]
        for body in (b'{"ReturnCode":"13"}', b'{"EM_OperatingMode":"2"}')
    ]
    look = [Send(answer(status))]
    with HostilePeer([look, *(step for attempt in attempts for step in attempt)]) as peer:
        report = release_battery(target("sonnen_v1", peer.port, mode_control=True))
    assert report.confirmed, str(report)
    assert len(peer.requests) == 9
    assert [step for step in report.steps if step.startswith("mode")] == [
        "mode: failed: return code '13'",
        "mode: automatic accepted",
    ]


@pytest.mark.usefixtures("one_attempt")
def test_every_step_is_taken_whatever_came_of_the_one_before(battery: FakeSonnen) -> None:
    """A refused zero does not keep the mode from being set, and is told in the report."""
    battery.overrides["/api/v1/setpoint/charge/0"] = (200, b'{"ReturnCode":"13"}')
    report = release_battery(target("sonnen_v1", battery.port, mode_control=True))
    assert report.confirmed
    assert battery.mode == "2"
    assert any("charge/0: failed: return code '13'" in step for step in report.steps)


def test_tries_again_while_the_battery_restarts(battery: FakeSonnen) -> None:
    """A battery that comes back within the deadline is handed back."""
    down = [[Reset()]] * 3 + [[Send(answer(b"<html>", status="502 Bad Gateway"))]] * 2
    up = [[Send(answer(b'{"ReturnCode":"0"}'))]] * 2 + [[Send(answer(b'{"Pac total_W": "-4"}'))]]
    with HostilePeer([*down, [Reset()], [Reset()], *up]) as peer:
        report = release_battery(target("sonnen_v1", peer.port), deadline_s=8)
    assert report.confirmed, str(report)
    assert len(peer.requests) == 10


@pytest.mark.parametrize(
    "script",
    [
        [Hang()],
        [Reset()],
        [],
        [Drip(answer(b'{"ReturnCode":"0"}'))],
        [Send(STATUS_LINE), Flood(b"A: b\r\n")],
        [Flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 99)],
        [Send(STATUS_LINE + b"\r\n"), Flood(b" " * 9999)],
        [Send(answer(b"<html>"))],
        [Send(answer(b"[" * 60_000))],
        [Send(answer(b'{"OperatingMode":' + b"[" * 900 + b"]" * 900 + b"}"))],
        [Send(answer(b'{"Pac_total_W":1e999,"ReturnCode":' + b"9" * 4000 + b"}"))],
        [Send(answer(b'{"Pac_total_W":' + b"9" * 4000 + b"}"))],
        [Send(answer(b"{}"))],
        [Send(answer(b"", status="302 Found", headers="Location: http://127.0.0.1:9/\r\n"))],
        [Send(answer(b"", status="401 Unauthorized"))],
        [Send(b"\x00garbage\r\n\r\n")],
    ],
)
@pytest.mark.parametrize("driver", ["sonnen_v1", "sonnen_v2"])
def test_hostile_peers_neither_stop_nor_hold_it(script: list[Step], driver: str) -> None:
    """Whatever the peer does, the release ends with a report that does not claim what it does not know."""
    with HostilePeer([script]) as peer:
        report = release_battery(target(driver, peer.port), deadline_s=0.25)
    assert not report.confirmed
    assert report.steps


@pytest.mark.usefixtures("one_attempt")
@pytest.mark.parametrize(
    "echo", [answer(TOKEN.encode(), status="401 No"), answer(TOKEN.encode()), TOKEN.encode() + b"\r\n\r\n"]
)
def test_token_is_not_shown(echo: bytes) -> None:
    """A peer that echoes the token does not bring it into the report, and the target's repr does not hold it."""
    with HostilePeer([[Send(echo)]]) as peer:
        report = release_battery(target("sonnen_v2", peer.port))
    assert f"Auth-Token: {TOKEN}\r\n".encode() in peer.requests[0]
    assert TOKEN not in f"{report}{target('sonnen_v2', 1)!r}"


@pytest.mark.usefixtures("one_attempt")
def test_nobody_there() -> None:
    """A battery that is gone is reported, not raised."""
    report = release_battery(target("sonnen_v1", 1))
    assert not report.confirmed
    assert "connection refused" in str(report)


def test_simulated_battery_needs_none() -> None:
    """A battery in the service's own process is gone with it."""
    assert release_battery(ReleaseTarget(driver="simulated")).confirmed


def config(folder: Path, text: str) -> Path:
    path = folder / "sunshift.toml"
    path.write_text(text, encoding="utf-8")
    return path


FULL = """
[battery]
driver = "sonnen_v1"
host = "192.168.33.185"
port = 8081
mode_control = true
hand_back_mode = "time_of_use"
max_charge_w = "nonsense"
"""


def test_target_from_a_sound_file(tmp_path: Path) -> None:
    """Driver, address, mode call and the owner's mode are taken from the file, nothing else is looked at."""
    found = target_from_config(config(tmp_path, FULL), {})
    assert found == ReleaseTarget(
        driver="sonnen_v1", host="192.168.33.185", port=8081, mode_control=True, hand_back_mode="time_of_use"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[site\n" + FULL,
        FULL + "broken = = 1\n[tariff.import\nx",
        FULL + "[battery]\n",
        "[tariff]\nhost = 'elsewhere'\n" + FULL + "[grid]\nhost = 'elsewhere'\n?",
        FULL + "\n\x00\ud800".encode("utf-8", "replace").decode(),
    ],
)
def test_target_from_a_broken_file(text: str, tmp_path: Path) -> None:
    """Errors elsewhere in the file, even of syntax, do not keep the battery from being found."""
    found = target_from_config(config(tmp_path, text), {})
    assert (found.host, found.port, found.mode_control) == ("192.168.33.185", 8081, True)


def test_environment_comes_before_the_file(tmp_path: Path) -> None:
    """The environment overrides the file, in any case, and is enough by itself."""
    environ = {"SUNSHIFT_BATTERY__HOST": "10.0.0.9", "sunshift_battery__mode_control": "false"}
    found = target_from_config(config(tmp_path, FULL), environ)
    assert (found.host, found.mode_control, found.port) == ("10.0.0.9", False, 8081)
    alone = target_from_config(tmp_path / "none.toml", environ)
    assert (alone.driver, alone.host, alone.port) == ("sonnen_v1", "10.0.0.9", 8080)


def test_the_whole_table_from_the_environment_counts(tmp_path: Path) -> None:
    """``SUNSHIFT_BATTERY`` as JSON comes before the file and after single variables, as it does for the service."""
    environ = {"SUNSHIFT_BATTERY": '{"host": "10.0.0.9", "port": 1234}', "SUNSHIFT_BATTERY__PORT": "4321"}
    found = target_from_config(config(tmp_path, FULL), environ)
    assert (found.host, found.port, found.mode_control) == ("10.0.0.9", 4321, True)
    broken = target_from_config(config(tmp_path, FULL), {"SUNSHIFT_BATTERY": "{"})
    assert broken.host == "192.168.33.185"


def test_a_port_of_thousands_of_digits_is_a_problem_like_others(tmp_path: Path) -> None:
    """A port too long for a number is told as no port."""
    with pytest.raises(ConfigError, match="is not a port"):
        target_from_config(config(tmp_path, FULL), {"SUNSHIFT_BATTERY__PORT": "9" * 5000})


def test_every_problem_at_once(tmp_path: Path) -> None:
    """Where the battery cannot be known, everything that is missing is told."""
    text = "[battery]\ndriver = 'sonen'\nport = 'x'\nhand_back_mode = 'manual'\n"
    with pytest.raises(ConfigError) as caught:
        target_from_config(config(tmp_path, text), {})
    assert [problem.path for problem in caught.value.problems] == [
        "battery.driver",
        "battery.host",
        "battery.port",
        "battery.hand_back_mode",
    ]


def test_a_file_that_cannot_be_read_is_told_as_that(tmp_path: Path) -> None:
    """Not the address is what is missing then, but the file."""
    for place, why in ((tmp_path / "none.toml", "no such file"), (tmp_path, "cannot be read \\(Is a directory\\)")):
        with pytest.raises(ConfigError, match=f"{place.name}: 1 problem\n  {why}"):
            target_from_config(place, {})


V2 = "[battery]\ndriver = 'sonnen_v2'\nhost = '10.0.0.1'\n"


def test_every_place_without_a_token_is_told_with_its_reason(tmp_path: Path) -> None:
    """Gone, unreadable, empty or not text: each place says what is wrong with it, and never what it holds."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"secret\xff")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    for name, why in (
        ("gone", "cannot be read (No such file or directory)"),
        (".", "cannot be read (Is a directory)"),
        ("empty", "is empty"),
        ("binary", "holds more than plain text"),
    ):
        with pytest.raises(ConfigError) as caught:
            target_from_config(config(tmp_path, V2 + f"token_file = '{name}'\n"), credentials)
        (problem,) = caught.value.problems
        assert problem.path == "battery.token_file"
        assert problem.message.startswith(f"{tmp_path / name} {why}; {tmp_path / 'sunshift-token'} cannot be read")
    with pytest.raises(ConfigError, match="is missing: name the file that holds the token"):
        target_from_config(config(tmp_path, V2), {})


def test_token_from_file_credential_or_what_the_service_left(tmp_path: Path) -> None:
    """The token comes from the configured file, else from systemd's credentials, else from the runtime folder."""
    credentials, runtime = tmp_path / "credentials", tmp_path / "runtime"
    for folder in (credentials, runtime):
        folder.mkdir()
        (folder / "sunshift-token").write_text(f"{folder.name}-token\n")
    (tmp_path / "token").write_text(" file-token\n")
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "RUNTIME_DIRECTORY": f"{runtime}:/nowhere"}
    found = target_from_config(config(tmp_path, V2 + "token_file = 'token'\n"), environ)
    assert (found.token, found.port) == ("file-token", 80)
    assert target_from_config(config(tmp_path, V2 + "token_file = 'gone'\n"), environ).token == "credentials-token"
    nobody = V2 + "token_file = '~nosuchuser/token'\n"
    assert target_from_config(config(tmp_path, nobody), environ).token == "credentials-token"
    del environ["CREDENTIALS_DIRECTORY"]
    assert target_from_config(config(tmp_path, V2), environ).token == "runtime-token"
    host = target_from_config(config(tmp_path, V2), environ).host
    (runtime / "sunshift-token").write_text(f"its-own-token {host}\n")
    assert target_from_config(config(tmp_path, V2), environ).token == "its-own-token"
    (runtime / "sunshift-token").write_text("a-token-of 10.9.9.9\n")
    with pytest.raises(ConfigError, match="is of another battery"):
        target_from_config(config(tmp_path, V2), environ)
    with pytest.raises(ConfigError, match="token_file"):
        target_from_config(config(tmp_path, V2), {})


def run_as_command(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "optimizer.release", "--config", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_as_a_command(battery: FakeSonnen, tmp_path: Path) -> None:
    """As systemd runs it: exit code 0 when the battery confirms, 78 when the configuration names none."""
    text = f"[battery]\nhost = '127.0.0.1'\nport = {battery.port}\nmode_control = true\n"
    done = run_as_command(config(tmp_path, text))
    assert (done.returncode, done.stderr) == (0, "")
    assert "confirmed by the battery" in done.stdout
    assert battery.mode == "2"
    done = run_as_command(config(tmp_path, ""))
    assert done.returncode == 78
    assert "battery.host" in done.stderr


def test_not_confirmed_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that the battery does not confirm is a failure for systemd to see."""
    monkeypatch.setattr(command, "take_back", lambda *_: hand_back.ReleaseReport(confirmed=False, steps=("tried",)))
    assert command.main(["--config", str(config(tmp_path, FULL))]) == 1


def test_needs_the_standard_library_only() -> None:
    """It starts where not one installed package can be imported."""
    root = Path(hand_back.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import optimizer.release, requests"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'requests'" in done.stderr, done.stderr
