"""What the way back sends, byte for byte, and what it makes of each answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from optimizer.bounded_socket import Remaining
from optimizer.clock import real_deadline
from optimizer.release import client, hand_back
from optimizer.release.hand_back import ReleaseReport, release_battery
from optimizer.release.target import ReleaseTarget
from support.canary import CANARY
from support.fake_sonnen import FakeSonnen
from support.hostile_peer import HostilePeer, Send, answer

TOKEN = CANARY
YES = Send(answer(b'{"ReturnCode":"0"}'))


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(token=TOKEN, mode="1", setpoint_w=3000) as battery:
        yield battery


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second attempt fits into the deadline."""
    monkeypatch.setattr(hand_back, "PAUSE_S", 2 * hand_back.DEADLINE_S)


def released(driver: str, port: int, *, mode_control: bool = False, token: str = TOKEN) -> ReleaseReport:
    return release_battery(
        ReleaseTarget(
            driver=driver,
            host="127.0.0.1",
            port=port,
            mode_control=mode_control,
            token=token if driver == "sonnen_v2" else "",
        )
    )


HEADERS = "User-Agent: sunshift-release\r\nAccept: application/json\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("driver", "calls"),
    [
        (
            "sonnen_v1",
            [
                ("GET /api/v1/status", "", "", ""),
                ("PUT /api/v1/setpoint/charge/0", "Content-Length: 0\r\n", "", ""),
                ("PUT /api/v1/setpoint/discharge/0", "Content-Length: 0\r\n", "", ""),
                ("GET /api/setting?EM_OperatingMode=2", "", "", ""),
                ("GET /api/v1/status", "", "", ""),
            ],
        ),
        (
            "sonnen_v2",
            [
                ("GET /api/v2/status", "", "", ""),
                ("POST /api/v2/setpoint/charge/0", "Content-Length: 0\r\n", "", ""),
                ("POST /api/v2/setpoint/discharge/0", "Content-Length: 0\r\n", "", ""),
                (
                    "PUT /api/v2/configurations",
                    "Content-Length: 18\r\n",
                    "Content-Type: application/x-www-form-urlencoded\r\n",
                    "EM_OperatingMode=2",
                ),
                ("GET /api/v2/status", "", "", ""),
            ],
        ),
    ],
)
def test_requests_byte_for_byte(driver: str, calls: list[tuple[str, str, str, str]]) -> None:
    """Each request is what it says, with the token on V2 alone."""
    token = f"Auth-Token: {TOKEN}\r\n" if driver == "sonnen_v2" else ""
    manual, automatic = ([Send(answer(b'{"OperatingMode":"%s"}' % mode))] for mode in (b"1", b"2"))
    with HostilePeer([manual, [YES], [YES], [YES], automatic]) as peer:
        report = released(driver, peer.port, mode_control=True)
    assert report.confirmed, str(report)
    assert [request.decode() for request in peer.requests] == [
        f"{call} HTTP/1.1\r\nHost: 127.0.0.1:{peer.port}\r\nAccept-Encoding: identity\r\n"
        f"{length}{HEADERS}{kind}{token}\r\n{body}"
        for call, length, kind, body in calls
    ]


@pytest.mark.parametrize(
    ("path", "reply", "step"),
    [
        ("/api/v1/status", b'{"Pac_total_W": "-99.6"}', "read back: idle at -100 W"),
        ("/api/v1/status", b'{"Pac_total_W": 100}', "read back: idle at 100 W"),
        ("/api/v1/status", b'{"Pac total_W": 7}', "read back: idle at 7 W"),
        ("/api/v1/status", b'{"OperatingMode": " 8 "}', "read back: in mode 8 (automatic)"),
        ("/api/v1/setpoint/charge/0", b"", "/api/v1/setpoint/charge/0: accepted"),
        ("/api/v1/setpoint/charge/0", b" \n", "/api/v1/setpoint/charge/0: accepted"),
        ("/api/v1/setpoint/charge/0", b"true", "/api/v1/setpoint/charge/0: accepted"),
        ("/api/v1/setpoint/charge/0", b'{"ReturnCode": 0}', "/api/v1/setpoint/charge/0: accepted"),
    ],
)
def test_answers_that_say_yes(path: str, reply: bytes, step: str, battery: FakeSonnen) -> None:
    """In every way in which units are known to say it."""
    battery.overrides[path] = (200, reply)
    report = released("sonnen_v1", battery.port)
    assert report.confirmed, str(report)
    assert step in report.steps


@pytest.mark.parametrize(
    ("path", "reply", "step"),
    [
        ("/api/v1/setpoint/charge/0", b"{}", "/api/v1/setpoint/charge/0: failed: the answer is not a yes"),
        ("/api/v1/setpoint/charge/0", b"false", "/api/v1/setpoint/charge/0: failed: the answer is not a yes"),
        (
            "/api/v1/setpoint/charge/0",
            b'{"ReturnCode":"' + b"9" * 50 + b'"}',
            f"/api/v1/setpoint/charge/0: failed: return code '{'9' * 20}'",
        ),
        ("/api/v1/status", b"[]", "read back: failed: the status is not a JSON object"),
        ("/api/v1/status", b"", "read back: failed: the status is not a JSON object"),
    ],
)
def test_answers_that_are_no_yes(path: str, reply: bytes, step: str, battery: FakeSonnen) -> None:
    """What does not say that the battery is back is told, and nothing is made of it."""
    battery.overrides[path] = (200, reply)
    report = released("sonnen_v1", battery.port)
    assert step in report.steps
    assert report.confirmed == ("status" not in path and b"ReturnCode" not in reply)


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("side", ["charge", "discharge"])
def test_a_plain_battery_that_stands_idle_is_not_back_where_it_was_not_told(
    status: int, side: str, battery: FakeSonnen
) -> None:
    """A full battery does nothing under a charge command: its idleness shows nothing when the zero was refused."""
    battery.overrides[f"/api/v1/setpoint/{side}/0"] = (status, b"")
    report = released("sonnen_v1", battery.port)
    assert any(step.startswith("read back: idle") for step in report.steps)
    assert not report.confirmed
    assert "NOT CONFIRMED" in str(report)


@pytest.mark.parametrize(
    ("power", "told"),
    [
        ("100.5", "does not stand idle: its power is 100.5 W"),
        ("-2500", "does not stand idle: its power is -2500.0 W"),
        *[
            (power, "does not tell its power")
            for power in ("null", "true", "false", "[0]", '"x"', "NaN", "1e999", '"NaN"')
        ],
    ],
)
def test_a_battery_that_does_not_say_that_it_is_idle_is_not(power: str, told: str, battery: FakeSonnen) -> None:
    """Without a mode call only its power shows that it is back: what is no number shows nothing."""
    battery.overrides["/api/v1/status"] = (200, f'{{"Pac_total_W": {power}}}'.encode())
    report = released("sonnen_v1", battery.port)
    assert report.steps[-1] == f"read back: failed: the battery {told}"
    assert not report.confirmed


@pytest.mark.parametrize(
    ("reply", "step"),
    [
        (b'{"error":"%s"}' % (b"e" * 200), f"mode: failed: the battery refuses: '{'e' * 80}'"),
        (b'{"EM_OperatingMode":"%s"}' % (b"m" * 200), f"mode: failed: the battery keeps mode '{'m' * 20}'"),
        (b'{"EM_OperatingMode":true}', "mode: failed: the battery keeps mode 'True'"),
        (b'{"EM_OperatingMode":null}', "mode: failed: the battery keeps mode ''"),
        (b'{"EM_OperatingMode":8}', "mode: automatic accepted"),
    ],
)
def test_what_the_mode_call_says_is_told_in_short(reply: bytes, step: str, battery: FakeSonnen) -> None:
    """A battery with much to say does not flood the journal."""
    battery.overrides["/api/setting?EM_OperatingMode=2"] = (200, reply)
    assert step in released("sonnen_v1", battery.port, mode_control=True).steps


@pytest.mark.parametrize("status", [300, 302, 401, 500])
def test_a_status_that_is_no_success_is_told_with_what_came_along(status: int, battery: FakeSonnen) -> None:
    """Cut short and without control characters, and never taken for an answer."""
    said = '{"ReturnCode":"0"}\n' + "x" * 100
    with HostilePeer([[Send(answer(said.encode(), status=f"{status} No"))]]) as peer:
        report = released("sonnen_v1", peer.port)
    assert f"/api/v1/setpoint/charge/0: failed: HTTP status {status} {said[:80]!a}" in report.steps
    assert not report.confirmed


@pytest.mark.parametrize("said", [b"\xff", b"\xe4rger"])
def test_an_answer_that_is_no_text_is_told_as_well(said: bytes, battery: FakeSonnen) -> None:
    """What cannot be read of it is marked as such."""
    battery.overrides["/api/v1/status"] = (500, said)
    shown = ascii(said.decode(errors="replace"))
    assert released("sonnen_v1", battery.port).steps[-1] == f"read back: failed: HTTP status 500 {shown}"


def test_a_mode_that_is_none_is_told_in_short(battery: FakeSonnen) -> None:
    """As it was asked for, and as it is."""
    battery.overrides["/api/v1/status"] = (200, b'{"OperatingMode":"%s"}' % (b"m" * 200))
    report = released("sonnen_v1", battery.port, mode_control=True)
    assert report.steps[-1] == f"read back: failed: in mode '{'m' * 20}' instead of 2"
    assert not report.confirmed


def test_a_mode_in_which_no_setpoint_acts_is_told_in_short(battery: FakeSonnen) -> None:
    """Where the battery has no mode call, whatever its power is."""
    battery.overrides["/api/v1/status"] = (200, b'{"OperatingMode":"%s", "Pac_total_W": 3000}' % (b"7" * 200))
    report = released("sonnen_v1", battery.port)
    assert report.steps[-1] == f"read back: in mode {'7' * 20}, where no setpoint acts"
    assert report.confirmed


@pytest.mark.parametrize(("grid_w", "balances"), [("100", True), ("-100", True), ("100.5", False), ("-101", False)])
def test_a_battery_that_leaves_the_grid_alone_balances_the_house(
    grid_w: str, *, balances: bool, battery: FakeSonnen
) -> None:
    """To a hundred watts: so it is back in self-consumption where it does not tell its mode."""
    status = f'{{"Pac_total_W": 700, "GridFeedIn_W": {grid_w}}}'
    battery.overrides["/api/v1/status"] = (200, status.encode())
    assert released("sonnen_v1", battery.port, mode_control=True).confirmed is balances
    assert not released("sonnen_v1", battery.port).confirmed


def test_a_status_may_take_longer_than_what_is_sent(battery: FakeSonnen, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the first look: it comes before all else, and may not cost the time of that."""
    longest_s: list[float] = []

    def deadline(seconds: float) -> Remaining:
        longest_s.append(seconds)
        return real_deadline(seconds)

    monkeypatch.setattr(client, "real_deadline", deadline)
    assert released("sonnen_v1", battery.port).confirmed
    assert longest_s == [2.0, 2.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [200, 201, 299])
def test_every_status_of_success_is_one(status: int) -> None:
    """V2 answers a setpoint with 201."""
    with HostilePeer([[Send(answer(b"true", status=f"{status} Yes"))]]) as peer:
        report = released("sonnen_v2", peer.port)
    assert "/api/v2/setpoint/charge/0: accepted" in report.steps


@pytest.mark.parametrize(("token", "told"), [("8-letter", "***"), ("7-lette", "7-lette")])
def test_a_token_is_blotted_out_of_what_a_peer_echoes(token: str, told: str) -> None:
    """A very short one is not: it would take innocent text with it."""
    with HostilePeer([[Send(answer(token.encode(), status="401 No"))]]) as peer:
        report = released("sonnen_v2", peer.port, token=token)
    assert f"read back: failed: HTTP status 401 '{told}'" in report.steps


def test_an_error_is_told_in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kind and its words, up to a line."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(f"no way {TOKEN} " + "x" * 300)

    monkeypatch.setattr(client, "connect", refuse)
    report = released("sonnen_v2", 80)
    assert f"read back: failed: {('OSError: no way *** ' + 'x' * 300)[:200]}" in report.steps


def test_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the battery's name that is looked up, and its port that is called."""
    asked: list[tuple[object, ...]] = []

    def unknown(host: str, port: int, **_: object) -> list[object]:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for driver, port in (("sonnen_v1", 8080), ("sonnen_v2", 80)):
        report = release_battery(ReleaseTarget(driver=driver, host="battery.test", token=TOKEN))
        assert "the name 'battery.test' could not be resolved" in str(report)
        assert set(asked) == {("battery.test", port)}
        asked.clear()


@pytest.mark.parametrize("hangs", [False, True])
def test_a_name_that_is_not_known_any_more_is_called_at_its_last_address(
    hangs: bool, battery: FakeSonnen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server may be away, or hang, while the battery is there."""
    over, really = threading.Event(), socket.getaddrinfo

    def lost(host: str, *where: int, **how: int) -> object:
        if host == "battery.test" and hangs and not how["flags"]:
            over.wait(20)
        if host == "battery.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return really(host, *where, **how)

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    named = ReleaseTarget(driver="sonnen_v1", host="battery.test", port=battery.port, mode_control=True)
    assert release_battery(replace(named, found_at="127.0.0.1")).confirmed
    assert (battery.mode, battery.setpoint_w) == ("2", 0)
    over.set()


@pytest.mark.parametrize(("beyond", "step"), [(0, "read back: idle at 0 W"), (1, "read back: failed: JSONDecodeError")])
def test_of_a_long_answer_64_kib_are_read(beyond: int, step: str) -> None:
    """A sound status is under 2 KiB; what is cut off at the end is no JSON any more."""
    long = b'{"Pac_total_W":0}'.rjust(64 * 1024 + beyond)
    with HostilePeer([[YES], [YES], [Send(answer(long))]]) as peer:
        report = released("sonnen_v1", peer.port)
    assert report.steps[-1].startswith(step)


@pytest.mark.parametrize(
    ("status", "there"), [(302, False), (399, False), (400, True), (401, True), (404, False), (405, True), (500, True)]
)
def test_whoever_sends_elsewhere_or_knows_no_such_call_is_no_battery(status: int, there: bool) -> None:
    """Any other no is a battery's."""
    with FakeSonnen(mode="1") as battery:
        paths = ["/api/v1/status", "/api/v1/setpoint/charge/0", "/api/v1/setpoint/discharge/0"]
        battery.overrides = dict.fromkeys(paths, (status, b"no"))
        assert released("sonnen_v1", battery.port).answered is there
