"""A command is taken back where it was sent, whatever battery the configuration names by then."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from optimizer.assembly.configuration import configuration_from_tables
from optimizer.cli import main as cli
from optimizer.clock import SimulatedClock
from optimizer.errors import ConfigError
from optimizer.guard import guard
from optimizer.release.hand_back import ReleaseReport
from optimizer.release.record import CommandRecord
from optimizer.release.take_back import batteries, take_back, take_back_elsewhere
from optimizer.release.target import ReleaseTarget, battery_address
from optimizer.service.battery_claim import BatteryClaim
from optimizer.service.composition import build_daemon
from optimizer.service.leftovers import leave_token
from support.fake_sonnen import FakeSonnen
from support.service_bench import START, TOKEN, bench, tables

COMMAND = "charge 3000 W"


@dataclass(frozen=True)
class Homes:
    """The battery that was commanded, the one that is configured now, and the folders of the service."""

    commanded: FakeSonnen
    configured: FakeSonnen
    record: CommandRecord
    config: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"STATE_DIRECTORY": str(self.record.state_dir), "RUNTIME_DIRECTORY": str(self.record.runtime_dir)}


def target_at(battery: FakeSonnen, driver: str = "sonnen_v1") -> ReleaseTarget:
    return ReleaseTarget(driver=driver, host="127.0.0.1", port=battery.port, mode_control=True)


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Homes]:
    """Return a home whose configuration was pointed at another battery while a command stood."""
    with ExitStack() as running:
        commanded = running.enter_context(FakeSonnen(mode="1", setpoint_w=3000))
        configured = running.enter_context(FakeSonnen(mode="1", setpoint_w=-500))
        record = CommandRecord(tmp_path / "state", tmp_path / "run")
        record.runtime_dir.mkdir()
        record.intend(COMMAND, target_at(commanded))
        config = tmp_path / "sunshift.toml"
        config.write_text(f'[battery]\nhost = "127.0.0.1"\nport = {configured.port}\nmode_control = true\n')
        yield Homes(commanded, configured, record, config)


def run(homes: Homes, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "--config", str(homes.config), *words]
    return subprocess.run(command, env=homes.environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [("optimizer.guard",), ("optimizer.release", "--after-service")])
def test_the_battery_on_record_is_handed_back(words: tuple[str, ...], homes: Homes) -> None:
    """It, and no other: the configured one may be commanded by somebody else."""
    done = run(homes, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (homes.commanded.mode, homes.commanded.setpoint_w) == ("2", 0)
    assert homes.configured.log == []
    assert not homes.record.may_stand()


def test_the_owner_gets_both_back(homes: Homes, capsys: pytest.CaptureFixture[str]) -> None:
    """``sunshift release`` means the configured battery, too, and tells what became of each."""
    homes.config.write_text(
        homes.config.read_text()
        + f'[service]\nstate_dir = "{homes.record.state_dir}"\nruntime_dir = "{homes.record.runtime_dir}"\n'
    )
    assert cli.main(["release", "--config", str(homes.config)]) == 0
    assert (homes.commanded.mode, homes.configured.mode) == ("2", "2")
    told = capsys.readouterr().out
    addresses = [battery_address("127.0.0.1", battery.port) for battery in (homes.commanded, homes.configured)]
    assert [line for line in told.splitlines() if line.startswith("battery at")] == [
        f"battery at {address}, sonnen_v1:" for address in addresses
    ]
    assert not homes.record.may_stand()


def owns(homes: Homes, text: str) -> list[str]:
    """Configure something else in the same folders; return the words of the owner's release."""
    folders = f'[service]\nstate_dir = "{homes.record.state_dir}"\nruntime_dir = "{homes.record.runtime_dir}"\n'
    homes.config.write_text(text + folders)
    return ["release", "--config", str(homes.config)]


def test_two_ways_to_one_address_are_told_apart(homes: Homes, capsys: pytest.CaptureFixture[str]) -> None:
    """One interface refuses for want of its token: that the other one is idle does not take it off the record."""
    homes.record.intend(COMMAND, target_at(homes.commanded, "sonnen_v2"))
    words = owns(homes, f'[battery]\nhost = "127.0.0.1"\nport = {homes.commanded.port}\n')
    assert cli.main(words) == 1
    assert homes.record.may_stand()
    address = target_at(homes.commanded).address
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("battery at", "NOT", "handed"))]
    assert told == [
        f"battery at {address}, sonnen_v2:",
        "NOT CONFIRMED: look at the battery",
        f"battery at {address}, sonnen_v1:",
        "handed back, confirmed by the battery",
    ]


@pytest.mark.parametrize("which", ["commanded", "configured"])
def test_the_owners_release_refuses_beside_a_service_in_other_folders(
    which: str, homes: Homes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called as another user it looks into other folders; what the service holds in the kernel tells all the same."""
    words = owns(homes, homes.config.read_text())
    address = target_at(getattr(homes, which)).address
    with BatteryClaim(address):
        assert cli.main(words) == 1
        assert homes.commanded.log == homes.configured.log == []
        told = capsys.readouterr().err
        assert (
            f"the service is running (it commands the battery at {address} from another runtime folder) "
            "and would command the battery again: stop it first, `systemctl stop sunshift`, which hands the battery "
            "back by itself; `sunshift release --force` goes on all the same"
        ) in told
        assert cli.main([*words, "--force"]) == 0
    assert (homes.commanded.mode, homes.configured.mode) == ("2", "2")


@pytest.mark.parametrize(
    "text", ["[battery]\ndriver = 'of a maker'\n", "[battery\nhost", '[battery]\ndriver = "simulated"\n']
)
def test_a_configuration_that_is_broken_or_simulated_does_not_keep_a_command_standing(text: str, homes: Homes) -> None:
    """The record says all that it takes."""
    homes.config.write_text(text)
    assert run(homes, "optimizer.guard").returncode == 0
    assert (homes.commanded.mode, homes.record.may_stand()) == ("2", False)


def test_a_battery_with_a_new_address_is_found_by_the_configuration(homes: Homes) -> None:
    """Nobody answers at the old one: far oftener than there are two batteries, that is what happened."""
    homes.record.intend(COMMAND, ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=9, mode_control=True))
    done = run(homes, "optimizer.guard")
    assert done.returncode == 0, done.stdout
    assert (homes.configured.mode, homes.configured.setpoint_w, homes.record.may_stand()) == ("2", 0, False)


@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (302, b""), (200, b"<!DOCTYPE html><title>Router</title>"), (200, b"[" * 40_000)]
)
def test_another_device_at_the_old_address_is_no_battery(status: int, body: bytes, homes: Homes) -> None:
    """A router, a printer: what has no such call, sends one elsewhere or answers with a page."""
    paths = ["/api/v1/status", *(f"/api/v1/setpoint/{side}/0" for side in ("charge", "discharge"))]
    homes.commanded.overrides = dict.fromkeys([*paths, "/api/setting?EM_OperatingMode=2"], (status, body))
    done = run(homes, "optimizer.guard")
    assert done.returncode == 0, done.stdout
    assert (homes.configured.mode, homes.configured.setpoint_w, homes.record.may_stand()) == ("2", 0, False)


def test_what_another_service_commands_is_left_to_that_one(homes: Homes) -> None:
    """Though nobody answers where the command was sent; it stays on record."""
    homes.record.intend(COMMAND, ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=9, mode_control=True))
    with BatteryClaim(battery_address("127.0.0.1", homes.configured.port)):
        assert run(homes, "optimizer.guard").returncode == 1
    assert homes.configured.log == []
    assert homes.record.may_stand()


def test_a_no_by_one_interface_is_not_the_battery_s_last_word(tmp_path: Path) -> None:
    """At one and the same address the other interface is tried, which is configured now."""
    record, config = CommandRecord(tmp_path / "state", tmp_path / "run"), tmp_path / "sunshift.toml"
    record.intend(COMMAND, ReleaseTarget(driver="sonnen_v2", host="192.0.2.1"))
    config.write_text('[battery]\ndriver = "sonnen_v1"\nhost = "192.0.2.1"\nmode_control = true\n')

    def release(target: ReleaseTarget, *, deadline_s: float, on_record: bool) -> ReleaseReport:
        return ReleaseReport(confirmed=target.driver == "sonnen_v1", steps=(f"{deadline_s} {on_record}",))

    assert take_back(record, config, {}, release=release).confirmed


@pytest.mark.parametrize("status", [401, 503])
def test_a_battery_that_answers_is_there(status: int, homes: Homes) -> None:
    """Though it takes nothing, for want of its token or while it restarts: it has not moved, and stays on record."""
    paths = ["/api/v1/status", *(f"/api/v1/setpoint/{side}/0" for side in ("charge", "discharge"))]
    homes.commanded.overrides = dict.fromkeys([*paths, "/api/setting?EM_OperatingMode=2"], (status, b""))
    assert run(homes, "optimizer.guard").returncode == 1
    assert homes.configured.log == []
    assert homes.record.may_stand()


def test_a_battery_that_takes_part_of_it_is_the_one(homes: Homes) -> None:
    """It is there, and not handed back: the configured one has nothing to do with it."""
    homes.commanded.overrides["/api/setting?EM_OperatingMode=2"] = (200, b"{}")
    assert run(homes, "optimizer.guard").returncode == 1
    assert homes.configured.log == []
    assert homes.record.may_stand()


def test_the_configuration_knows_more_of_the_same_battery(homes: Homes) -> None:
    """The mode to leave it in may have been changed since."""
    same = f'host = "127.0.0.1"\nport = {homes.commanded.port}\nmode_control = true\n'
    homes.config.write_text(f'[battery]\n{same}hand_back_mode = "backup"\n')
    assert run(homes, "optimizer.guard").returncode == 0
    assert homes.commanded.mode == "7"


@pytest.mark.parametrize("line", ["mode_control = ture", "mode_control = false", "mode_contrl = true", ""])
@pytest.mark.parametrize("words", [("optimizer.guard",), ("optimizer.release", "--after-service")])
def test_a_manual_mode_that_was_entered_is_left_whatever_became_of_the_line(
    line: str, words: tuple[str, ...], homes: Homes
) -> None:
    """The record knows that the mode call was used; setpoints that are zeroed leave the battery in manual mode."""
    homes.config.write_text(f'[battery]\nhost = "127.0.0.1"\nport = {homes.commanded.port}\n{line}\n')
    done = run(homes, *words)
    assert (done.returncode, homes.commanded.mode, homes.record.may_stand()) == (0, "2", False), done.stdout


@pytest.mark.parametrize(
    ("on_record", "line", "environ", "mode"),
    [
        ("backup", "hand_back_mode = backup", {}, "backup"),
        ("backup", 'hand_back_mod = "backup"', {}, "backup"),
        ("backup", 'hand_back_mode = "backpu"', {}, "backup"),
        ("backup", "hand_back_mode = 7", {}, "backup"),
        ("backup", 'hand_back_mode = "automatic"', {}, "automatic"),
        ("automatic", 'hand_back_mode = "time_of_use"', {}, "time_of_use"),
        ("backup", "", {"SUNSHIFT_BATTERY__HAND_BACK_MODE": "automatic"}, "automatic"),
        ("backup", "", {"SUNSHIFT_BATTERY__HAND_BACK_MODE": ""}, "backup"),
        ("automatic", "", {}, "automatic"),
    ],
)
def test_the_mode_to_leave_it_in_is_the_configured_one_where_one_is_named(
    on_record: str, line: str, environ: dict[str, str], mode: str, homes: Homes
) -> None:
    """A slip in the line is no choice, nor is the default that stands in for it."""
    homes.record.intend(COMMAND, replace(target_at(homes.commanded), hand_back_mode=on_record))
    homes.config.write_text(f'[battery]\nhost = "127.0.0.1"\nport = {homes.commanded.port}\n{line}\n')
    first, other = batteries(homes.record, homes.config, environ)
    assert (first, other) == (replace(target_at(homes.commanded), hand_back_mode=mode), None)


def test_a_mode_call_that_is_configured_since_is_used(homes: Homes) -> None:
    """It may have been switched on while a command of a plain battery stood."""
    homes.record.intend(COMMAND, replace(target_at(homes.configured), mode_control=False))
    assert batteries(homes.record, homes.config, {}) == (target_at(homes.configured), None)


def test_the_token_is_the_one_that_the_service_has_left(homes: Homes, tmp_path: Path) -> None:
    """The configured one is another battery's."""
    homes.record.intend(COMMAND, target_at(homes.commanded, "sonnen_v2"))
    (tmp_path / "token").write_text("of another battery")
    homes.config.write_text(f'[battery]\ndriver = "sonnen_v2"\nhost = "192.0.2.7"\ntoken_file = "{tmp_path}/token"\n')
    leave_token(homes.record.runtime_dir, SecretStr(TOKEN), target_at(homes.commanded).address)
    assert run(homes, "optimizer.guard").returncode == 0
    assert (homes.commanded.mode, homes.record.may_stand()) == ("2", False)


SOUND = {"driver": "sonnen_v1", "host": "h", "port": 1, "mode_control": True, "hand_back_mode": "automatic"}


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"battery": []},
        {"battery": {"driver": "sonnen_v1"}},
        *(
            {"battery": {**SOUND, **wrong}}
            for wrong in (
                {"driver": "x"},
                {"driver": 1},
                {"host": ""},
                {"host": None},
                {"host": ["h"]},
                {"port": 65536},
                {"port": -1},
                {"port": "80"},
                {"port": True},
                {"mode_control": 1},
                {"hand_back_mode": "manual"},
            )
        ),
    ],
    ids=str,
)
def test_a_record_that_names_no_battery_leaves_it_to_the_configuration(told: object, homes: Homes) -> None:
    """As one of an earlier version does, or one that was damaged."""
    homes.record.intent_path.write_text(json.dumps(told))
    assert homes.record.battery() is None
    found: list[ReleaseTarget] = []

    def release(target: ReleaseTarget, **_: float) -> None:
        found.append(target)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        guard(homes.record, homes.config, now_s=0.0, environ={}, release=release)  # type: ignore[arg-type]
    assert [target.port for target in found] == [homes.configured.port]


def test_what_goes_on_record_comes_back(homes: Homes) -> None:
    """With all that it takes but the token."""
    told = ReleaseTarget(driver="sonnen_v2", host="fe80::1", hand_back_mode="backup", token=TOKEN)
    homes.record.intend(COMMAND, told)
    assert homes.record.battery() == ReleaseTarget(driver="sonnen_v2", host="fe80::1", port=80, hand_back_mode="backup")
    assert TOKEN not in homes.record.intent_path.read_text()
    assert "found_at" not in homes.record.intent_path.read_text()
    homes.record.intend(COMMAND, replace(told, found_at="fe80::2%eth0"))
    assert homes.record.battery() == replace(told, port=80, token="", found_at="fe80::2%eth0")
    homes.record.intent_path.write_text(json.dumps({"battery": {**SOUND, "found_at": 5}}))
    assert homes.record.battery() == ReleaseTarget(driver="sonnen_v1", host="h", port=1, mode_control=True)
    homes.record.intend(COMMAND, ReleaseTarget(driver="simulated"))
    assert homes.record.battery() == ReleaseTarget(driver="simulated")


# -- the way back by itself -------------------------------------------------------------------------------------------


@dataclass
class Releases:
    """Keeps which battery it was asked to hand back, for how long and whether on record; says what it is told to."""

    reports: list[ReleaseReport]
    asked: list[tuple[str, float, bool]] = field(default_factory=list)

    def __call__(self, target: ReleaseTarget, *, deadline_s: float, on_record: bool) -> ReleaseReport:
        self.asked.append((target.address, round(deadline_s, 3), on_record))
        return self.reports[len(self.asked) - 1]


BACK = ReleaseReport(confirmed=True, steps=("back",))
NOT_BACK = ReleaseReport(confirmed=False, steps=("not back",))
GONE = ReleaseReport(confirmed=False, steps=("nobody there",), answered=False)


@pytest.mark.parametrize("second", [BACK, NOT_BACK, GONE])
def test_the_configured_battery_has_the_rest_of_the_time(second: ReleaseReport, homes: Homes) -> None:
    """Where nobody answers at the one on record; the report says what was done where, and what came of the second."""
    addresses = [target_at(battery).address for battery in (homes.commanded, homes.configured)]
    releases = Releases([GONE, second])
    report = take_back(homes.record, homes.config, {}, release=releases)
    assert releases.asked == [(addresses[0], 4.0, True), (addresses[1], 6.0, True)]
    assert report.steps == (
        f"battery at {addresses[0]}:",
        "nobody there",
        f"battery at {addresses[1]}:",
        *second.steps,
    )
    assert (report.confirmed, report.answered) == (second.confirmed, second.answered)


def test_a_battery_on_record_that_is_back_is_the_only_one(homes: Homes) -> None:
    """What is configured by now has nothing to do with it."""
    releases = Releases([BACK])
    assert take_back(homes.record, homes.config, {}, release=releases) is BACK
    assert len(releases.asked) == 1


def test_a_battery_on_record_that_answers_has_the_rest_of_the_time(homes: Homes) -> None:
    """It is there, and what is configured by now has nothing to do with it."""
    releases = Releases([NOT_BACK, BACK])
    assert take_back(homes.record, homes.config, {}, release=releases).confirmed
    address = target_at(homes.commanded).address
    assert releases.asked == [(address, 4.0, True), (address, 6.0, True)]


def test_a_configured_battery_that_is_claimed_is_not_handed_back(homes: Homes) -> None:
    """Another service commands it: what is told is that nobody answers at the one on record."""
    with BatteryClaim(target_at(homes.configured).address):
        assert take_back(homes.record, homes.config, {}, release=Releases([GONE])) is GONE


@pytest.mark.parametrize("stands", [True, False])
def test_the_configured_battery_alone_has_all_of_the_time(stands: bool, homes: Homes) -> None:
    """It is told whether a command is on record there; without a record one may be."""
    homes.record.clear()
    if stands:
        homes.record.intend(COMMAND)
    for record, on_record in ((homes.record, stands), (None, True)):
        releases = Releases([GONE])
        assert take_back(record, homes.config, {}, release=releases) is GONE
        assert releases.asked == [(target_at(homes.configured).address, 10.0, on_record)]


def test_the_environment_comes_before_the_file_here_as_well(homes: Homes) -> None:
    """It may have moved the configured battery."""
    releases = Releases([BACK])
    take_back(None, homes.config, {"SUNSHIFT_BATTERY__PORT": "9"}, release=releases)
    assert releases.asked == [("127.0.0.1:9", 10.0, True)]


def test_a_record_of_anothers_is_taken_back_where_it_says(homes: Homes) -> None:
    """With the token that lies beside it, and only where nobody commands that battery."""
    asked: list[tuple[ReleaseTarget, float, bool]] = []

    def release(target: ReleaseTarget, *, deadline_s: float, on_record: bool) -> ReleaseReport:
        asked.append((target, deadline_s, on_record))
        return GONE

    left = target_at(homes.commanded)
    leave_token(homes.record.runtime_dir, SecretStr(TOKEN), left.address)
    with BatteryClaim(left.address):
        assert take_back_elsewhere(homes.record, release=release) is None
    assert take_back_elsewhere(homes.record, release=release) is GONE
    homes.record.intend(COMMAND)
    assert take_back_elsewhere(homes.record, release=release) is None
    assert asked == [(replace(left, token=TOKEN), 10.0, True)]


def test_without_a_configuration_the_record_has_to_say_where(homes: Homes) -> None:
    """With the token that lies beside it; a record that says nothing leaves the problem to be told."""
    missing = homes.config.with_name("none.toml")
    leave_token(homes.record.runtime_dir, SecretStr(TOKEN), target_at(homes.commanded).address)
    told = replace(target_at(homes.commanded), token=TOKEN)
    assert batteries(homes.record, missing, {}) == (told, None)
    homes.record.intend(COMMAND)
    for record in (homes.record, None):
        with pytest.raises(ConfigError, match="no such file"):
            batteries(record, missing, {})


@pytest.mark.parametrize("line", ["driver = sonnen_v2", 'driver = "sonnen_v3"', 'driver = "sonnen_v1"'])
def test_after_a_power_cut_the_configured_token_serves_the_same_host(line: str, homes: Homes) -> None:
    """Though its driver cannot be read: none is left in a runtime folder that was emptied. Another host gets none."""
    homes.record.intend(COMMAND, target_at(homes.commanded, "sonnen_v2"))
    homes.config.with_name("token").write_text(TOKEN)
    for host, token in (("127.0.0.1", TOKEN), ("127.0.0.2", "")):
        homes.config.write_text(f'[battery]\n{line}\nhost = "{host}"\ntoken_file = "token"\n')
        first, _ = batteries(homes.record, homes.config, {})
        assert (first.driver, first.token) == ("sonnen_v2", token)


def test_another_way_to_a_battery_is_another(homes: Homes) -> None:
    """Its address may have passed to another make."""
    homes.record.intend(COMMAND, target_at(homes.configured, "sonnen_v2"))
    first, other = batteries(homes.record, homes.config, {})
    assert (first.driver, other) == ("sonnen_v2", target_at(homes.configured))
    homes.record.intend(COMMAND, target_at(homes.configured))
    assert batteries(homes.record, homes.config, {}) == (target_at(homes.configured), None)


def test_the_last_address_of_a_battery_that_is_known_by_name_is_the_records(homes: Homes) -> None:
    """The configuration says what it is called, and the record where it was found."""
    named = ReleaseTarget(driver="sonnen_v1", host="battery.test", port=8080, mode_control=True, found_at="10.0.0.7")
    homes.record.intend(COMMAND, named)
    homes.config.write_text('[battery]\nhost = "Battery.test"\nmode_control = true\n')
    assert batteries(homes.record, homes.config, {}) == (replace(named, host="Battery.test"), None)


def test_the_service_puts_on_record_where_it_found_a_battery_that_is_known_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From there guard and release take it back while the name server is away."""
    really = socket.getaddrinfo

    def resolve(host: str, *where: int, **how: int) -> object:
        return really("127.0.0.1" if host == "battery.test" and not how["flags"] else host, *where, **how)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    record, found = CommandRecord(tmp_path / "state", tmp_path / "run"), set[str]()
    with bench(tmp_path, battery={"host": "battery.test"}, control={"prefer_automatic": False}) as home:
        home.daemon.on_decision.append(lambda _: found.add(there.found_at if (there := record.battery()) else ""))
        home.run_for(timedelta(minutes=5))
    assert "127.0.0.1" in found


# -- the service ------------------------------------------------------------------------------------------------------


def test_a_start_ends_first_what_was_commanded_elsewhere(homes: Homes, tmp_path: Path) -> None:
    """Before it commands its own battery; from then on that one is on record."""
    with bench(tmp_path, control={"prefer_automatic": False}) as home:
        named: list[str | None] = []
        home.daemon.on_decision.append(lambda _: named.append(_address_on(homes.record)))
        home.run_for(timedelta(minutes=5))
    assert (homes.commanded.mode, homes.commanded.setpoint_w) == ("2", 0)
    assert named[-1] == battery_address("127.0.0.1", home.server.v1_port)
    assert not homes.record.may_stand()


def test_a_battery_that_nobody_answers_for_does_not_keep_the_service_from_starting(
    homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Far oftener than there are two batteries one has got a new address: it is told, and the new one handed back."""
    monkeypatch.setattr("optimizer.release.hand_back.PAUSE_S", 20.0)  # one attempt
    homes.record.intend(COMMAND, ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=9, mode_control=True))
    with bench(tmp_path) as home:
        home.run_for(timedelta(minutes=2))
        assert home.decisions[0].reason == "an earlier run left a command on record"
    assert any("127.0.0.1:9" in message and "look at it" in message for message in caplog.messages)


def test_a_start_leaves_alone_what_another_service_commands_by_now(
    homes: Homes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One writer a battery."""
    with BatteryClaim(battery_address("127.0.0.1", homes.commanded.port)), bench(tmp_path) as home:
        home.run_for(timedelta(minutes=2))
    assert homes.commanded.log == []
    assert any("it is left alone" in message for message in caplog.messages)


def start_without_the_mode_call(homes: Homes, tmp_path: Path) -> None:
    """Run a service that is told now that the battery it commanded before has no mode call."""
    told = tables(tmp_path, driver="sonnen_v1", port=homes.commanded.port, mode_control=False)
    clock, stop = SimulatedClock(START), threading.Event()
    clock.subscribe(lambda now: stop.set() if now >= START + timedelta(minutes=1) else None)
    build_daemon(configuration_from_tables(told), clock=clock).run(stop)


def test_a_start_leaves_a_manual_mode_that_an_earlier_run_entered(homes: Homes, tmp_path: Path) -> None:
    """With the mode call that the record knows of, though the configuration says by now that there is none."""
    start_without_the_mode_call(homes, tmp_path)
    assert (homes.commanded.mode, homes.commanded.setpoint_w, homes.record.may_stand()) == ("2", 0, False)


def test_a_manual_mode_that_cannot_be_left_is_told(
    homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not keep the service from starting, which goes on with the setpoints alone."""
    monkeypatch.setattr("optimizer.release.hand_back.PAUSE_S", 20.0)  # one attempt
    homes.commanded.mode_call = False
    start_without_the_mode_call(homes, tmp_path)
    assert (homes.commanded.mode, homes.commanded.setpoint_w) == ("1", 0)
    assert any("into manual mode, which could not be left" in message for message in caplog.messages)


def test_an_observer_commands_no_battery_at_all(homes: Homes, tmp_path: Path) -> None:
    """Nor is the record touched: guard and ``sunshift release`` need it."""
    with bench(tmp_path, observe=True) as home:
        home.run_for(timedelta(minutes=2))
    assert homes.commanded.log == []
    assert homes.record.battery() == target_at(homes.commanded)


def _address_on(record: CommandRecord) -> str | None:
    battery = record.battery()
    return None if battery is None else battery.address
