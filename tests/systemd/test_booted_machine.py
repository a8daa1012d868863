"""The units on a real systemd: installed as the guide says, then killed, hung, stopped, broken and cut from power.

When the battery was back is read from the simulated battery's own log: nothing that the service says of itself counts.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.battery_process import BatteryProcess, battery_process, charging_pays, cheapest_now
from support.canary import CANARY
from support.guide import commands_under
from support.machine import Machine, wait_for, wheels_of, why_not
from support.memory_limit import short_of_memory, why_no_limit

REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "systemd" / "README.md"
WATCHDOG_S, LEASE_S, GUARD_EVERY_S = 90.0, 90.0, 30.0
IS_SECOND = "systemctl is-active sunshift-second"
LEFT_TO_IT = "another sunshift commands the battery: it is left to that one"
AS_A_PERSON = "export SUDO_EDITOR=/usr/local/bin/fill-in; cd /root/sunshift\n"
FILL_IN = "#!/bin/sh\ncase $1 in *toml) cp /root/filled-in.toml $1;; *token*) cp /root/token $1;; esac\n"

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(900),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


@pytest.fixture(scope="module")
def battery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatteryProcess]:
    with battery_process(tmp_path_factory.mktemp("battery")) as running:
        yield running


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, battery: BatteryProcess) -> Iterator[Machine]:
    """Return a machine on which a person has followed the guide line by line."""
    wheels = wheels_of(REPOSITORY / "requirements" / "runtime.txt", tmp_path_factory.mktemp("wheels"))
    one = Machine(tmp_path_factory.mktemp("machine"), shows={"/wheels": wheels})
    clone = one.disk / "root" / "sunshift"
    subprocess.run(["git", "clone", "-q", REPOSITORY, clone], check=True)
    one.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /wheels\n")
    one.write("/usr/local/bin/fill-in", FILL_IN, 0o755)
    one.write("/root/token", f"{CANARY}\n", 0o600)
    one.write("/root/filled-in.toml", charging_pays("127.0.0.1", battery.port))
    one.write("/etc/sunshift/prices.csv", cheapest_now(tmp_path_factory.mktemp("prices")).read_text())
    one.switch_on()
    try:
        for commands in commands_under(GUIDE, "Install"):
            if "token" not in commands:
                one.run(AS_A_PERSON + commands, timeout_s=300.0)
        yield one
    finally:
        one.shut_down()


@pytest.fixture
def commanding(machine: Machine, battery: BatteryProcess) -> Machine:
    """Return the machine with the service running and a forced command standing at the battery."""
    machine.run("systemctl reset-failed; systemctl start sunshift-guard.timer; systemctl restart sunshift")
    battery.wait_until_forced()
    return machine


def now() -> datetime:
    return datetime.now(UTC)


def test_following_the_guide_gives_a_running_service(machine: Machine, battery: BatteryProcess) -> None:
    """After the guide's commands the service is active, enabled with its guard, and commands the battery."""
    for line in commands_under(GUIDE, "Look at it")[0].splitlines():
        assert machine.run(line), line
    assert machine.run("systemctl is-active sunshift sunshift-guard.timer").split() == ["active", "active"]
    assert machine.run("systemctl is-enabled sunshift sunshift-guard.timer").split() == ["enabled", "enabled"]
    battery.wait_until_forced()
    status = machine.run("sudo sunshift status")
    assert "4600 W" in status or "4.6 kW" in status


def test_stopping_hands_the_battery_back(commanding: Machine, battery: BatteryProcess) -> None:
    """`systemctl stop` ends with the battery in its own mode, and nothing on record."""
    stopped = now()
    commanding.run("systemctl stop sunshift")
    assert battery.safe_after(stopped, 5.0) < 5.0
    assert commanding.run("ls /run/sunshift /var/lib/private/sunshift").find("intent.json") == -1


@pytest.mark.parametrize("attempt", range(5))
def test_a_killed_service_leaves_no_command_behind(commanding: Machine, battery: BatteryProcess, attempt: int) -> None:
    """After kill -9 systemd's own way back hands the battery back within 2 s."""
    killed = now()
    commanding.run("systemctl kill --kill-whom=main -s KILL sunshift")
    took_s = battery.safe_after(killed, 15.0)
    print(f"kill -9 to safe: {took_s:.2f} s")
    assert took_s <= 2.0


@pytest.mark.skipif(why_no_limit() is not None, reason=why_no_limit() or "")
def test_a_service_that_runs_out_of_memory_leaves_no_command_behind(
    commanding: Machine, battery: BatteryProcess
) -> None:
    """The kernel kills what finds no more memory; systemd's own way back hands the battery back within 2 s."""
    told = commanding.run("systemctl show sunshift -p MainPID --value")
    with short_of_memory(commanding.pid_on_the_host(int(told))) as starving:
        starving.killed_after(60.0)
        killed = now()
        took_s = battery.safe_after(killed, 15.0)
    print(f"out of memory to safe: {took_s:.2f} s")
    assert took_s <= 2.0


def test_a_hung_service_is_ended_and_the_battery_handed_back(commanding: Machine, battery: BatteryProcess) -> None:
    """A service that stands still is found by the watchdog, or by the guard, whoever is first."""
    hung = now()
    commanding.run("systemctl kill --kill-whom=main -s STOP sunshift")
    took_s = battery.safe_after(hung, WATCHDOG_S + 40.0)
    print(f"hang to safe: {took_s:.2f} s")
    assert took_s <= WATCHDOG_S + 5.0


def test_the_guard_alone_hands_the_battery_back(commanding: Machine, battery: BatteryProcess) -> None:
    """With no watchdog and no way back in the unit the guard alone acts within the lease and half a minute."""
    commanding.write(
        "/etc/systemd/system/sunshift.service.d/bare.conf",
        "[Unit]\nOnFailure=\n[Service]\nWatchdogSec=0\nExecStopPost=\nRestart=no\n",
    )
    commanding.run("systemctl daemon-reload; systemctl restart sunshift")
    try:
        battery.wait_until_forced()
        hung = now()
        commanding.run("systemctl kill --kill-whom=main -s STOP sunshift")
        took_s = battery.safe_after(hung, LEASE_S + GUARD_EVERY_S + 30.0)
        print(f"guard alone to safe: {took_s:.2f} s")
        assert took_s <= LEASE_S + GUARD_EVERY_S + 5.0
        assert "handing the battery back" in commanding.run("journalctl -u sunshift-guard --no-pager -o cat")
    finally:
        commanding.run("systemctl kill -s KILL sunshift; rm -r /etc/systemd/system/sunshift.service.d", check=False)
        commanding.run("systemctl daemon-reload; systemctl stop sunshift", check=False)


def test_the_owner_ends_a_stand_down_as_the_guide_says(commanding: Machine, battery: BatteryProcess) -> None:
    """A mode set in the app: status tells until when it is respected, root asks, and the service commands again."""
    battery.ask("/api/setting?EM_OperatingMode=7")
    status = "sudo sunshift status"
    wait_for(lambda: "Standing down: until" in commanding.run(status), 40.0, "the stand-down")
    assert not battery.is_forced()
    told = commanding.run("umask 077; sudo sunshift resume --config /etc/sunshift/sunshift.toml")
    assert "commands the battery again" in told
    battery.wait_until_forced(5.0)


@pytest.fixture
def over_v2(machine: Machine, battery: BatteryProcess) -> Iterator[Machine]:
    """Return the machine with V2 configured and its token given as the guide's third step says."""
    machine.write("/etc/sunshift/sunshift.toml", charging_pays("127.0.0.1", battery.v2_port, driver="sonnen_v2"))
    [token] = [commands for commands in commands_under(GUIDE, "Install") if "token" in commands]
    machine.run(AS_A_PERSON + token)
    units = "/etc/systemd/system/sunshift*.service"
    machine.run(f"sed -i 's/^#LoadCredential=/LoadCredential=/' {units}; systemctl daemon-reload")
    machine.run("systemctl reset-failed; systemctl restart sunshift")
    battery.wait_until_forced()
    yield machine
    machine.run("systemctl stop sunshift; cp /root/filled-in.toml /etc/sunshift/sunshift.toml; rm /etc/sunshift/token")
    machine.run(f"sed -i 's/^LoadCredential=/#LoadCredential=/' {units}; systemctl daemon-reload")


def test_a_killed_service_of_a_battery_with_a_token_leaves_no_command_behind(
    over_v2: Machine, battery: BatteryProcess
) -> None:
    """The credential is gone when `ExecStopPost=` runs: the way back has what the service left for it."""
    killed = now()
    over_v2.run("systemctl kill --kill-whom=main -s KILL sunshift")
    took_s = battery.safe_after(killed, 15.0)
    print(f"kill -9 to safe over V2: {took_s:.2f} s")
    assert took_s <= 2.0
    battery.wait_until_forced()
    stopped = now()
    over_v2.run("systemctl stop sunshift")
    assert battery.safe_after(stopped, 5.0) < 5.0
    assert CANARY not in over_v2.run("journalctl --no-pager -o cat")


def test_a_broken_configuration_ends_for_good_with_the_battery_handed_back(
    commanding: Machine, battery: BatteryProcess
) -> None:
    """A configuration broken under a running service: the restart ends with 78, is not repeated, and nothing stands."""
    commanding.run("sed -i 's/^host = .*/&\\nhots = 1/' /etc/sunshift/sunshift.toml")
    try:
        broken = now()
        commanding.run("systemctl restart sunshift", check=False)
        battery.safe_after(broken, 15.0)
        wait_for(lambda: "failed" in commanding.run("systemctl is-active sunshift", check=False), 15.0, "the end")
        assert "ExecMainStatus=78" in commanding.run("systemctl show sunshift -p ExecMainStatus")
        assert "did you mean" in commanding.run("journalctl -u sunshift --no-pager -o cat -n 30")
    finally:
        commanding.run("cp /root/filled-in.toml /etc/sunshift/sunshift.toml")


@pytest.mark.parametrize("folder", ["sunshift", "sunshift-second"])
def test_a_second_unit_that_is_refused_leaves_the_battery_to_the_first(
    commanding: Machine, battery: BatteryProcess, folder: str
) -> None:
    """Neither its `ExecStopPost=` nor its `OnFailure=` writes: in the first one's folders, or in folders of its own."""
    install_a_second(commanding, folder)
    try:
        began = now()
        commanding.run("systemctl daemon-reload; systemctl reset-failed; systemctl start sunshift-second", check=False)
        wait_for(lambda: commanding.run(IS_SECOND, check=False).split() == ["failed"], 120.0, "the second to give up")
        wait_for(lambda: LEFT_TO_IT in said(commanding, "sunshift-second-failure", began), 20.0, "its OnFailure=")
        assert "ExecMainStatus=69" in commanding.run("systemctl show sunshift-second -p ExecMainStatus")
        assert LEFT_TO_IT in said(commanding, "sunshift-second", began)
        assert commanding.run("systemctl is-active sunshift").split() == ["active"]
        battery.wait_for_a_request()
        assert battery.hand_backs_since(began) == []
    finally:
        commanding.run("systemctl stop sunshift-second; rm /etc/systemd/system/sunshift-second*", check=False)
        commanding.run("systemctl daemon-reload", check=False)


def install_a_second(machine: Machine, folder: str) -> None:
    """Write two more units, for the same configuration: a service, and what hands back when it has failed."""
    for name in ("sunshift", "sunshift-failure"):
        text = (REPOSITORY / "systemd" / f"{name}.service").read_text()
        for key in ("StateDirectory", "RuntimeDirectory", "User"):
            text = text.replace(f"{key}=sunshift\n", f"{key}={folder}\n")
        text = text.replace("OnFailure=sunshift-failure", "OnFailure=sunshift-second-failure")
        text = text.replace("Wants=sunshift-guard.timer\n", "")
        machine.write(f"/etc/systemd/system/{name.replace('sunshift', 'sunshift-second')}.service", text)


def said(machine: Machine, unit: str, since: datetime) -> str:
    return machine.run(f"journalctl -u {unit} --since=@{int(since.timestamp())} --no-pager -o cat", check=False)


def test_a_power_cut_is_mended_by_the_next_boot(commanding: Machine, battery: BatteryProcess) -> None:
    """Power cut while a command stands: the next boot hands the battery back before anything else."""
    commanding.cut_power()
    assert battery.is_forced(), "nobody was there to hand it back"
    booted = now()
    commanding.switch_on()
    took_s = battery.safe_after(booted, 60.0)
    print(f"switched on to safe: {took_s:.2f} s")


def test_a_power_cut_is_mended_even_where_the_service_cannot_start(
    commanding: Machine, battery: BatteryProcess
) -> None:
    """Power cut, and the service is gone afterwards: the guard finds the intent on the disk."""
    commanding.run("systemctl disable sunshift")
    commanding.cut_power()
    booted = now()
    commanding.switch_on()
    took_s = battery.safe_after(booted, 120.0)
    print(f"switched on to safe, guard alone: {took_s:.2f} s")
    commanding.run("systemctl enable --now sunshift")


def test_a_reboot_hands_back_before_going_down(commanding: Machine, battery: BatteryProcess) -> None:
    """An orderly shutdown ends with the battery handed back."""
    down = now()
    commanding.shut_down()
    assert battery.safe_after(down, 5.0) < 30.0
    commanding.switch_on()
    battery.wait_until_forced(120.0)


def test_the_journal_stays_small(machine: Machine) -> None:
    """The guard's looks leave nothing in the journal unless it acted."""
    looks = machine.run("journalctl -u sunshift-guard --no-pager -o cat").splitlines()
    assert all("handing the battery back" in one or ":" in one or "confirmed" in one for one in looks), looks
