"""Whole days of the service against the simulated battery over HTTP, on simulated time."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Outcome
from optimizer.release.claim import is_held
from optimizer.service.status import read_status, status_path
from support.service_bench import START, bench

MINUTELY = {
    "poll_interval": "60s",
    "max_measurement_age": "150s",
    "reassert": "2min",
    "lease": "3min",
}
HALF_HOURLY = {"replan": "30min", "horizon": "12h", "scenarios": 1}
BATTERIES = [
    pytest.param("sonnen_v1", True, DeviceMode.AUTOMATIC, 24, id="v1-with-mode"),
    pytest.param("sonnen_v1", False, DeviceMode.MANUAL, 8, id="v1-plain"),
    pytest.param("sonnen_v2", True, DeviceMode.AUTOMATIC, 8, id="v2"),
]


@pytest.mark.parametrize(("driver", "mode_control", "mode", "hours"), BATTERIES)
def test_a_healthy_day(tmp_path: Path, driver: str, mode_control: bool, mode: DeviceMode, hours: int) -> None:
    """A day passes without failures: polled, planned, commanded, recorded, told, and handed back at the end."""
    length = timedelta(hours=hours)
    with bench(
        tmp_path, driver=driver, mode_control=mode_control, mode=mode, control=MINUTELY, planning=HALF_HOURLY
    ) as home:
        home.run_for(length)

        counters = home.daemon.counters
        assert (counters.polls, counters.failures, counters.errors) == (60 * hours, 0, 0)
        assert counters.setpoints >= 1
        assert home.daemon.handed_back
        assert home.house.setpoint_w == 0
        assert home.house.mode is mode
        # One every half hour, and one as soon as the battery was first read.
        assert len(home.plans) == 2 * hours + 1
        assert all(decision.plan_made_at is not None for decision in home.decisions[5:])

        with home.daemon.history as history:
            kept = history.decisions(START, START + length + timedelta(minutes=1))
            measured = history.means(START, START + length, timedelta(minutes=15))
        assert len(kept) == len(home.decisions) + 1
        assert kept[-1].outcome is Outcome.HANDED_BACK
        assert not np.isnan(measured.consumption_w).any()

        status = read_status(status_path(tmp_path / "run"))
        assert status is not None
        assert status.state == "stopped"
        assert status.faults == {}
        assert status.counters["polls"] == 60 * hours
        assert status.plan is not None
        assert {job["name"] for job in status.jobs} >= {"tariff", "replan", "flush"}
        assert not any(job["failures"] for job in status.jobs)
        assert not is_held(tmp_path / "run")


def test_a_plan_is_trusted_until_the_next_is_due(tmp_path: Path) -> None:
    """Whoever plans rarely is not left without a plan in between."""
    with bench(tmp_path, control=MINUTELY, planning={**HALF_HOURLY, "replan": "3h"}) as home:
        home.run_for(timedelta(hours=7))

        assert all(decision.plan_made_at is not None for decision in home.decisions[5:])
        assert len(home.plans) <= 4


def test_observing_sends_nothing_but_status_requests(tmp_path: Path) -> None:
    """In observe mode the battery is read and never written to, its own manual mode included."""
    with bench(tmp_path, mode=DeviceMode.MANUAL, observe=True, control=MINUTELY, planning=HALF_HOURLY) as home:
        home.run_for(timedelta(hours=2))

        assert len(home.plans) >= 4
        assert {decision.outcome for decision in home.decisions} == {Outcome.OBSERVED}
        requests = {(entry.method, entry.path) for entry in home.server.log.entries}
        assert requests == {("GET", "/api/v1/status")}
        assert home.house.mode is DeviceMode.MANUAL


def test_a_second_day_goes_on_from_the_history_of_the_first(tmp_path: Path) -> None:
    """A service that is started anew finds what the last one measured."""
    with bench(tmp_path, control=MINUTELY) as home:
        home.run_for(timedelta(hours=1))
    with bench(tmp_path, control=MINUTELY) as again, again.daemon.history as history:
        latest = history.latest_measurement()
    assert latest is not None
    assert latest.at >= START + timedelta(minutes=58)
