"""Service and battery on two computers, and what may happen between them; the battery's own log is the judge.

Every scenario is played in a network of its own and all at once, because they spend their time waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.machine import wait_for
from support.network import NameServer, Weather, cable, ip, name_server_of, namespace, why_not
from support.two_hosts import BATTERY, CALL_S, LEASE_S, SLOWEST_LOOK_S, TwoHosts, now, two_hosts

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(300),
]

Scenario = Callable[[TwoHosts], None]
UNSEEN_S = 2 * CALL_S
"""What had left before a fault may still arrive so much later [s]."""


def unplugged_while_charging(hosts: TwoHosts) -> None:
    hosts.start()
    hosts.lan.unplug()
    down = now()
    wait_for(lambda: "device" in hosts.status()["faults"], 60.0, "the service to notice")
    time.sleep(LEASE_S + CALL_S)
    assert hosts.asked_since(down) == []
    assert hosts.battery.is_forced(), "nobody could tell it otherwise"
    assert hosts.record.may_stand()
    hosts.lan.plug()
    commands_again(hosts)
    ends_well(hosts)


def silent_while_charging(hosts: TwoHosts) -> None:
    hosts.start()
    made_at = hosts.status()["plan"]["made_at"]
    hosts.lan.weather = Weather(loss=1.0)
    wait_for(lambda: hosts.status()["counters"]["failures"] >= 3, 90.0, "three looks in vain")
    assert hosts.record.may_stand()
    hosts.lan.weather = Weather()
    commands_again(hosts)
    wait_for(lambda: hosts.status()["plan"]["made_at"] > made_at, 20.0, "a plan made anew")
    ends_well(hosts)


def killed_in_a_partition(hosts: TwoHosts) -> None:
    hosts.start()
    hosts.lan.weather = Weather(loss=1.0)
    hosts.kill()
    time.sleep(LEASE_S)
    assert hosts.guard() == 1
    assert hosts.battery.is_forced(), "nobody could tell it otherwise"
    assert hosts.record.may_stand()
    hosts.lan.weather = Weather()
    back = now()
    assert hosts.guard() == 0
    hosts.battery.safe_after(back, 1.0)
    assert not hosts.record.may_stand()


def on_a_bad_cable(hosts: TwoHosts) -> None:
    hosts.start()
    hosts.lan.weather = Weather(loss=0.15, delay_s=0.05, jitter_s=0.15, twice=0.05)
    began = now()
    time.sleep(45.0)
    counters = hosts.status()["counters"]
    assert counters["errors"] == 0
    assert counters["failures"] < counters["polls"] / 2
    assert len([one for one in hosts.asked_since(began) if one["method"] == "PUT"]) >= 2, "it renews its command"
    assert all(abs(one["setpoint_w"] or 0.0) <= 4600.0 for one in hosts.battery.requests())
    hosts.lan.weather = Weather()
    commands_again(hosts)
    ends_well(hosts)


def without_the_internet(hosts: TwoHosts) -> None:
    with (
        namespace("router") as router,
        cable("wan", (hosts.home, "10.88.0.2/24"), (router, "10.88.0.1/24")) as wan,
        name_server_of(hosts.home, "10.88.0.1"),
    ):
        ip("-n", hosts.home, "route", "add", "default", "via", "10.88.0.1")
        names = NameServer(router, at="10.88.0.1", tells=BATTERY)
        hosts.start("battery.example")
        assert names.questions > 0
        names.close()
        wan.unplug()
        ip("-n", hosts.home, "route", "del", "default")
        gone, before = now(), hosts.status()["counters"]["failures"]
        time.sleep(40.0)
        assert len([one for one in hosts.asked_since(gone) if one["path"] == "/api/v1/status"]) >= 4
        assert hosts.status()["counters"]["failures"] == before
        assert hosts.battery.is_forced()
        ends_well(hosts)


def commands_again(hosts: TwoHosts) -> None:
    """See to it that, with the link back, the next look comes in time and takes the command up again."""
    back = now()

    def renewed() -> bool:
        return any(one["method"] == "PUT" for one in hosts.asked_since(back))

    wait_for(renewed, SLOWEST_LOOK_S + UNSEEN_S + 15.0, "a command")
    wait_for(lambda: hosts.battery.is_forced() and not hosts.status()["faults"], 30.0, "order")


def ends_well(hosts: TwoHosts) -> None:
    """See to it that a stop hands the battery back, and that nothing unforeseen has happened on the way."""
    stopped = now()
    assert hosts.stop() == 0, hosts.log()
    hosts.battery.safe_after(stopped, 1.0)
    assert not hosts.record.may_stand()
    assert "Traceback" not in hosts.log()


SCENARIOS: tuple[Scenario, ...] = (
    unplugged_while_charging,
    silent_while_charging,
    killed_in_a_partition,
    on_a_bad_cable,
    without_the_internet,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Scenario], None]]:
    """Play every scenario at once; yield what raises whatever one of them came to."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)

    def play(scenario: Scenario, folder: Path) -> None:
        with two_hosts(str(SCENARIOS.index(scenario)), folder) as hosts:
            scenario(hosts)

    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        running = {one: pool.submit(play, one, tmp_path_factory.mktemp(one.__name__)) for one in SCENARIOS}
        yield lambda scenario: running[scenario].result()


def test_a_link_that_goes_down_while_charging(played: Callable[[Scenario], None]) -> None:
    """The command stands on and stays on record, since nobody can tell the battery; once plugged in it is renewed."""
    played(unplugged_while_charging)


def test_a_partition_that_ends(played: Callable[[Scenario], None]) -> None:
    """A network that swallows everything is survived too; afterwards a plan is made anew and commanded."""
    played(silent_while_charging)


def test_a_service_that_dies_in_a_partition_is_cleared_up_after_by_the_guard(
    played: Callable[[Scenario], None],
) -> None:
    """The guard fails, says so, keeps the record, and hands the battery back when it can be reached."""
    played(killed_in_a_partition)


def test_a_cable_that_loses_delays_and_doubles(played: Callable[[Scenario], None]) -> None:
    """Control goes on over a bad radio link: commands are renewed, and a look that fails is no more than that."""
    played(on_a_bad_cable)


def test_the_internet_is_gone_and_the_battery_is_there(played: Callable[[Scenario], None]) -> None:
    """Without a route and with a dead name server the battery is polled and commanded on, by its last address."""
    played(without_the_internet)
