"""The machine of all tests here: one person has followed the guide on it, and a battery of its own answers to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from support.battery_process import BatteryProcess, battery_process, charging_pays, cheapest_now
from support.canary import CANARY
from support.guide import commands_under
from support.installed_units import AS_A_PERSON, GUIDE, INSTALLED, REPOSITORY
from support.machine import Machine, wheels_of

FILL_IN = "#!/bin/sh\ncase $1 in *toml) cp /root/filled-in.toml $1;; *token*) cp /root/token $1;; esac\n"
DROP_INS = f"{INSTALLED}/sunshift.service.d"
NO_GUARD = f"{INSTALLED}/sunshift-guard.service.d"


@pytest.fixture(scope="session")
def battery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatteryProcess]:
    with battery_process(tmp_path_factory.mktemp("battery")) as running:
        yield running


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, battery: BatteryProcess) -> Iterator[Machine]:
    """Return a machine on which a person has followed the guide line by line."""
    wheels = wheels_of(REPOSITORY / "requirements" / "runtime.txt", tmp_path_factory.mktemp("wheels"))
    one = Machine(tmp_path_factory.mktemp("machine"), shows={"/wheels": wheels})
    subprocess.run(["git", "clone", "-q", REPOSITORY, one.disk / "root" / "sunshift"], check=True)
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


@pytest.fixture
def drop_in(machine: Machine) -> Iterator[Callable[[str], None]]:
    """Return what lays a drop-in over the service's unit, until the test has ended."""

    def lay(text: str) -> None:
        machine.write(f"{DROP_INS}/test.conf", text)
        machine.run("systemctl daemon-reload")

    yield lay
    machine.run("systemctl kill -s KILL sunshift", check=False)  # it may hang, without anything that would end it
    machine.run(f"rm -rf {DROP_INS}; systemctl daemon-reload; systemctl stop sunshift")


@pytest.fixture
def no_guard(machine: Machine) -> Iterator[None]:
    """Keep the guard from running, whatever starts it: a restart of the service starts its timer again at once."""
    machine.write(f"{NO_GUARD}/test.conf", "[Unit]\nConditionPathExists=!/\n")
    machine.run("systemctl daemon-reload")
    yield
    machine.run(f"rm -r {NO_GUARD}; systemctl daemon-reload")


@pytest.fixture
def configuration_to_break(machine: Machine) -> Iterator[Callable[[], None]]:
    """Return what breaks the configuration under the service, until the test has ended."""
    yield lambda: _break_configuration(machine)
    machine.run("cp /root/filled-in.toml /etc/sunshift/sunshift.toml")


def _break_configuration(machine: Machine) -> None:
    machine.run("sed -i 's/^host = .*/&\\nhots = 1/' /etc/sunshift/sunshift.toml")
