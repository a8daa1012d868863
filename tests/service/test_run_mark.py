"""The mark by which a start knows that the run before did not end well."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Power
from optimizer.service.run_mark import RUN_MARK_NAME, RunMark
from support.service_bench import START, bench


def test_it_is_there_from_the_start_to_a_good_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Readable by the service alone, in a folder that need not be there yet; ending twice is no error."""
    mark = RunMark(tmp_path / "deep" / "state")
    assert not mark.found
    mark.set()
    mark.set()
    assert mark.found
    assert (tmp_path / "deep" / "state" / RUN_MARK_NAME).stat().st_mode & 0o777 == 0o600
    mark.clear()
    mark.clear()
    assert not mark.found
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("outcome", "setpoint", "marks"),
    [
        (Outcome.APPLIED, Power(900.0), True),
        (Outcome.HANDED_BACK, None, True),
        (Outcome.FAILED, Power(900.0), True),
        (Outcome.FAILED, None, False),
        (Outcome.KEPT, Power(900.0), False),
        (Outcome.OBSERVED, None, False),
        (Outcome.STOOD_DOWN, None, False),
    ],
)
def test_it_is_set_once_the_battery_may_have_been_touched(
    outcome: Outcome, setpoint: Power | None, *, marks: bool, tmp_path: Path
) -> None:
    """Before that a crash changes nothing; what failed may have worked."""
    mark = RunMark(tmp_path)
    mark.note(Decision(at=START, strategy="x", outcome=outcome, reason="", setpoint=setpoint))
    assert mark.found is marks


def test_an_end_that_leaves_a_choice_leaves_the_mark(tmp_path: Path) -> None:
    """A restart by itself is nobody's word, nor is one after an end that failed; a good end takes it back."""
    mark = RunMark(tmp_path)
    mark.at_end(handed_back=True, leaves_a_choice=True)
    assert not mark.found, "what was never touched was left to nobody"
    mark.set()
    for handed_back, leaves_a_choice, found in ((True, True, True), (False, False, True), (True, False, False)):
        mark.at_end(handed_back=handed_back, leaves_a_choice=leaves_a_choice)
        assert mark.found is found


def test_the_mark_is_written_once_and_again_after_it_was_taken_back(tmp_path: Path) -> None:
    """A card is not worn by it; what somebody else removes is not put back."""
    mark = RunMark(tmp_path)
    mark.set()
    (tmp_path / RUN_MARK_NAME).unlink()
    mark.set()
    assert not mark.found
    mark.clear()
    mark.set()
    assert mark.found


def test_a_folder_that_cannot_be_looked_into_holds_no_mark(tmp_path: Path) -> None:
    """It could not have been written there."""
    assert not RunMark(tmp_path / ("x" * 300)).found


def test_a_disk_that_takes_none_is_told_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It may have room the next time."""
    (tmp_path / "state").touch()
    mark = RunMark(tmp_path / "state")
    with caplog.at_level(logging.DEBUG, logger="sunshift.service"):
        for _ in range(3):
            mark.set()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG"]
    (tmp_path / "state").unlink()
    mark.set()
    assert mark.found


def test_a_disk_that_takes_none_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Control goes on."""
    (tmp_path / "state").touch()
    RunMark(tmp_path / "state").set()
    RunMark(tmp_path / "state").clear()
    where = tmp_path / "state" / RUN_MARK_NAME
    written, removed = caplog.messages
    unknown = "after a crash, a mode that you chose meanwhile will not be recognised"
    assert written == f"{where}: cannot be written (File exists): {unknown}"
    assert removed == f"{where}: cannot be removed (Not a directory)"


def test_a_run_that_hands_back_leaves_none(tmp_path: Path) -> None:
    """And has it while it runs; an observer has nothing to mark."""
    mark = RunMark(tmp_path / "state")
    during: list[bool] = []
    with bench(tmp_path) as home:
        home.daemon.on_decision.append(lambda _: during.append(mark.found))
        home.run_for(timedelta(minutes=1))
    assert (set(during), mark.found) == ({True}, False)
    with bench(tmp_path, observe=True) as home:
        home.daemon.on_decision.append(lambda _: during.append(mark.found))
        home.run_for(timedelta(minutes=1))
    assert during[-1] is False


@pytest.mark.parametrize("crashed", [False, True])
def test_a_chosen_mode_is_taken_up_on_a_persons_start_alone(tmp_path: Path, *, crashed: bool) -> None:
    """Over HTTP: the battery is found in the owner's mode, and left in it after a crash."""
    if crashed:
        RunMark(tmp_path / "state").set()
    with bench(tmp_path, mode=DeviceMode.OPTIMIZING, control={"prefer_automatic": False}) as home:
        home.daemon.on_decision.append(lambda decision: modes.append(home.house.mode))
        modes: list[DeviceMode] = []
        home.run_for(timedelta(minutes=2))
        outcomes = {decision.outcome for decision in home.decisions}
    assert (Outcome.STOOD_DOWN in outcomes) is crashed
    assert (DeviceMode.MANUAL in modes) is not crashed
