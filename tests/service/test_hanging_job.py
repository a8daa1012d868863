"""A planning job that never comes back, on a thread of the real scheduler, beside the whole service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from optimizer.clock import WallClock
from optimizer.control.plan_board import LEAST_TRUST
from optimizer.control.replanning import PlanningDesk, Replanned
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement
from optimizer.release.record import CommandRecord
from optimizer.release.word import needs_release
from optimizer.service.scheduler_runner import ApschedulerRunner
from support.machine import wait_for
from support.service_bench import Bench, bench

PATIENCE_S = 60.0
LENGTH = timedelta(hours=1, minutes=30)
CONTROL = {"prefer_automatic": False, "poll_interval": "20s"}


class HangingDesk:
    """Lets the first plan through and holds every other until the test is over."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.hangs, self.over = threading.Event(), threading.Event()

        def replan(desk: PlanningDesk, now: datetime, measurement: Measurement) -> Replanned:
            self._hold()
            return really(desk, now, measurement)

        really, self._first = PlanningDesk.replan, True
        patch.setattr(PlanningDesk, "replan", replan)

    def _hold(self) -> None:
        first, self._first = self._first, False
        if not first:
            self.hangs.set()
            self.over.wait()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDesk]:
    desk = HangingDesk(monkeypatch)
    yield desk
    desk.over.set()


@pytest.fixture
def home(tmp_path: Path, desk: HangingDesk) -> Iterator[Bench]:
    """Return a home whose jobs run as in life, and whose second plan hangs from the second look on."""
    with bench(tmp_path, control=CONTROL, runner=ApschedulerRunner(WallClock())) as home:

        def hold(_: Decision) -> None:
            if len(home.decisions) == 1:
                wait_for(lambda: bool(home.plans), PATIENCE_S, "the first plan")
            if len(home.decisions) == 2:
                home.daemon._runner.trigger("replan")
                assert desk.hangs.wait(PATIENCE_S)

        home.daemon.on_decision.append(hold)
        yield home


def test_a_planning_job_that_hangs_keeps_nobody_from_control(home: Bench, desk: HangingDesk, tmp_path: Path) -> None:
    """Steps go on by the plan that is there, then without one, and the end hands back though the job hangs still."""
    service = threading.Thread(target=home.run_for, args=(LENGTH,))
    service.start()
    wait_for(lambda: home.daemon.handed_back and not needs_release(tmp_path / "run"), PATIENCE_S, "the hand-back")
    assert desk.hangs.is_set()
    assert service.is_alive()
    assert (home.house.mode, home.house.setpoint_w) == (DeviceMode.AUTOMATIC, 0.0)
    assert not CommandRecord(tmp_path / "state", tmp_path / "run").may_stand()

    [plan] = home.plans
    first = home.decisions[0].at
    assert [one.at for one in home.decisions] == [first + number * timedelta(seconds=20) for number in range(270)]
    assert {one.outcome for one in home.decisions} <= {Outcome.APPLIED, Outcome.KEPT}
    by_plan = [one for one in home.decisions[1:] if one.plan_made_at == plan.made_at]
    without = [one for one in home.decisions[1:] if one.plan_made_at is None]
    assert by_plan + without == home.decisions[1:]
    assert by_plan[-1].at == plan.made_at + LEAST_TRUST
    assert all("is too old" in one.reason and "self-consumption" in one.reason for one in without)

    desk.over.set()
    service.join(PATIENCE_S)
    assert not service.is_alive()
