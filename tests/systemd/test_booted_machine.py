"""The units on a real systemd: installed as the guide says, then killed, hung, stopped, broken and cut from power.

When the battery was back is read from the simulated battery's own log: nothing that the service says of itself counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator

import pytest

from support.battery_process import BatteryProcess, charging_pays
from support.canary import CANARY
from support.guide import commands_under
from support.installed_units import (
    AS_A_PERSON,
    GUIDE,
    INSTALLED,
    REPOSITORY,
    has_failed,
    install_another,
    now,
    ran_at,
    said,
    shown,
)
from support.machine import Machine, wait_for, why_not
from support.memory_limit import short_of_memory, why_no_limit

WATCHDOG_S, LEASE_S, LEASE_ENDS_WITHIN_S = 90.0, 90.0, 30.0
STARTS = 6
"""So many within ten minutes, and no more (`StartLimitBurst=`)."""
LEFT_TO_IT = "another sunshift commands the battery: it is left to that one"

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(900),
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


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


def test_a_hung_service_is_ended_and_the_battery_handed_back(
    commanding: Machine, battery: BatteryProcess, no_guard: None
) -> None:
    """A service that stands still is found by the watchdog, without the guard."""
    hung = now()
    commanding.run("systemctl kill --kill-whom=main -s STOP sunshift")
    took_s = battery.safe_after(hung, WATCHDOG_S + 40.0)
    print(f"hang to safe: {took_s:.2f} s")
    assert took_s <= WATCHDOG_S + 5.0
    assert "Watchdog timeout" in said(commanding, "sunshift", hung)
    assert ran_at(commanding, "sunshift-guard") < hung


def test_the_guard_alone_hands_the_battery_back(
    commanding: Machine, battery: BatteryProcess, drop_in: Callable[[str], None]
) -> None:
    """With no watchdog and no way back in the unit the guard alone acts within the lease and half a minute."""
    drop_in("[Unit]\nOnFailure=\n[Service]\nWatchdogSec=0\nExecStopPost=\nRestart=no\n")
    commanding.run("systemctl restart sunshift")
    battery.wait_until_forced()
    hung = now()
    commanding.run("systemctl kill --kill-whom=main -s STOP sunshift")
    took_s = battery.safe_after(hung, LEASE_S + LEASE_ENDS_WITHIN_S + 30.0)
    print(f"guard alone to safe: {took_s:.2f} s")
    assert took_s <= LEASE_S + LEASE_ENDS_WITHIN_S
    wait_for(lambda: "handing the battery back" in said(commanding, "sunshift-guard", hung), 15.0, "the guard's word")


def test_on_failure_alone_hands_the_battery_back(
    commanding: Machine,
    battery: BatteryProcess,
    drop_in: Callable[[str], None],
    no_guard: None,
    configuration_to_break: Callable[[], None],
) -> None:
    """With no guard and no `ExecStopPost=`, killed under a configuration that no start can use."""
    drop_in("[Service]\nExecStopPost=\n")
    assert shown(commanding, "sunshift", "ExecStopPost") == ""
    configuration_to_break()
    assert battery.is_forced()
    killed = now()
    commanding.run("systemctl kill --kill-whom=main -s KILL sunshift")
    took_s = battery.safe_after(killed, 40.0)
    print(f"kill -9 to safe, OnFailure= alone: {took_s:.2f} s")
    wait_for(lambda: has_failed(commanding), 15.0, "the end")
    assert shown(commanding, "sunshift", "ExecMainStatus") == "78"
    assert ran_at(commanding, "sunshift-guard") < killed
    assert battery.hand_backs_since(killed, until=ran_at(commanding, "sunshift-failure")) == []


def test_a_service_that_dies_again_and_again_ends_for_good_with_the_battery_handed_back(
    commanding: Machine, battery: BatteryProcess
) -> None:
    """After the sixth kill -9 within ten minutes systemd starts it no more, and `OnFailure=` hands back once more."""
    for _ in range(STARTS - 1):
        before = shown(commanding, "sunshift", "MainPID")
        commanding.run("systemctl kill --kill-whom=main -s KILL sunshift")
        wait_for(lambda before=before: is_active_as_another_than(before, commanding), 40.0, "the next start")
    battery.wait_until_forced()
    killed = now()
    commanding.run("systemctl kill --kill-whom=main -s KILL sunshift")
    assert battery.safe_after(killed, 15.0) <= 2.0
    wait_for(lambda: has_failed(commanding), 30.0, "systemd to give up")
    assert "Start request repeated too quickly" in said(commanding, "sunshift", killed)
    confirmed = "handed back, confirmed by the battery"
    wait_for(lambda: confirmed in said(commanding, "sunshift-failure", killed), 30.0, "the failure unit")
    assert battery.hand_backs_since(ran_at(commanding, "sunshift-failure"))
    assert has_failed(commanding)
    assert not battery.is_forced()


def is_active_as_another_than(pid: str, machine: Machine) -> bool:
    """Return whether the service is ready, in another process than that."""
    running = shown(machine, "sunshift", "MainPID")
    return running not in {pid, "0"} and shown(machine, "sunshift", "ActiveState") == "active"


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
    commanding: Machine, battery: BatteryProcess, configuration_to_break: Callable[[], None]
) -> None:
    """A configuration broken under a running service: the restart ends with 78, is not repeated, and nothing stands."""
    configuration_to_break()
    broken = now()
    commanding.run("systemctl restart sunshift", check=False)
    battery.safe_after(broken, 15.0)
    wait_for(lambda: has_failed(commanding), 15.0, "the end")
    assert shown(commanding, "sunshift", "ExecMainStatus") == "78"
    assert "did you mean" in said(commanding, "sunshift", broken)


@pytest.mark.parametrize("folder", ["sunshift", "sunshift-second"])
def test_a_second_unit_that_is_refused_leaves_the_battery_to_the_first(
    commanding: Machine, battery: BatteryProcess, folder: str
) -> None:
    """Neither its `ExecStopPost=` nor its `OnFailure=` writes: in the first one's folders, or in folders of its own."""
    install_another(commanding, "sunshift-second", folder=folder)
    try:
        began = now()
        commanding.run("systemctl daemon-reload; systemctl reset-failed; systemctl start sunshift-second", check=False)
        wait_for(lambda: has_failed(commanding, "sunshift-second"), 120.0, "the second to give up")
        wait_for(lambda: LEFT_TO_IT in said(commanding, "sunshift-second-failure", began), 20.0, "its OnFailure=")
        assert shown(commanding, "sunshift-second", "ExecMainStatus") == "69"
        assert LEFT_TO_IT in said(commanding, "sunshift-second", began)
        assert commanding.run("systemctl is-active sunshift").split() == ["active"]
        battery.wait_for_a_request()
        assert battery.hand_backs_since(began) == []
    finally:
        commanding.run("systemctl stop sunshift-second; rm /etc/systemd/system/sunshift-second*", check=False)
        commanding.run("systemctl daemon-reload", check=False)


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
    """A look of the guard that finds nothing to do leaves no word: neither its own, nor systemd's of start and end."""
    machine.run("systemctl reset-failed; systemctl start sunshift-guard.timer sunshift")
    machine.run("systemctl start sunshift-guard")  # what stood from before is off the record
    began = now()
    wait_for(lambda: ran_at(machine, "sunshift-guard") > began, 30.0, "the timer")
    machine.run("systemctl start sunshift-guard")
    assert shown(machine, "sunshift-guard", "Result") == "success"
    whole = machine.run(f"journalctl -q --since=@{began.timestamp():.6f} --no-pager -o cat")
    assert [line for line in whole.splitlines() if "guard" in line] == []


@pytest.fixture
def older(machine: Machine) -> Machine:
    """Return the machine with an older version installed and running, and a newer one in the clone."""
    clone = machine.disk / "root" / "sunshift"
    described = clone / "pyproject.toml"
    newer = described.read_text()
    described.write_text(re.sub(r"^version = .*", 'version = "0.0.1"', newer, flags=re.MULTILINE))
    for commands in commands_under(GUIDE, "Install"):
        if "pip install" in commands:
            machine.run(AS_A_PERSON + commands, timeout_s=300.0)
    described.write_text(newer)
    machine.run(f"echo '# older' | tee -a {INSTALLED}/sunshift*.service {INSTALLED}/sunshift*.timer")
    machine.run("systemctl daemon-reload; systemctl reset-failed; systemctl restart sunshift sunshift-guard.timer")
    return machine


def test_the_guides_update_brings_the_newer_version_and_keeps_the_history(
    older: Machine, battery: BatteryProcess
) -> None:
    """The commands as they stand there: program and units are the clone's, and service and guard run again."""
    assert "sunshift 0.0.1" in older.run("sudo sunshift --version")
    battery.wait_until_forced()
    kept = measurements(older)
    began = now()
    for commands in commands_under(GUIDE, "Update"):
        older.run(AS_A_PERSON + commands, timeout_s=300.0)
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert f"sunshift {version}" in older.run("sudo sunshift --version")
    assert "# older" not in older.run(f"cat {INSTALLED}/sunshift*")
    assert older.run("systemctl is-active sunshift sunshift-guard.timer").split() == ["active", "active"]
    assert shown(older, "sunshift", "NeedDaemonReload") == "no"
    assert ran_at(older, "sunshift") > began
    assert measurements(older) > kept > 1
    battery.wait_until_forced()


def measurements(machine: Machine) -> int:
    """Return how many readings the history keeps."""
    told = machine.run("sudo sunshift history show --database /var/lib/sunshift/history.sqlite3")
    found = re.search(r"measurements +([\d,]+)", told)
    assert found is not None, told
    return int(found[1].replace(",", ""))
