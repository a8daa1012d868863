"""Holding on to the lock while the service runs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.errors import LockedError
from optimizer.service.lock import LOCK_NAME, InstanceLock, is_held
from optimizer.service.lock_watch import LockWatch

SINCE = datetime(2026, 5, 4, tzinfo=UTC)


class Held:
    """A held lock, its watch, and how often the folder was furnished."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.furnished = folder, 0
        self.lock = InstanceLock(folder, battery="mine", since=SINCE)
        self.lock.acquire()
        self.watch = LockWatch(self.lock, self._furnish)

    def _furnish(self) -> None:
        self.furnished += 1


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path / "run")


def test_a_lock_in_its_place_is_left_alone(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is written, nothing told, before the first look and after it."""
    assert held.watch.fault is None
    held.watch.look()
    assert (held.watch.fault, held.furnished, caplog.messages) == (None, 0, [])


def test_a_lock_that_was_removed_is_taken_again(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """The folder is furnished anew, and each time it is told."""
    for _ in range(2):
        shutil.rmtree(held.folder)
        held.watch.look()
        assert is_held(held.folder)
        assert held.watch.fault is None
        held.watch.look()
    assert held.furnished == 2
    path = held.folder / LOCK_NAME
    assert caplog.messages == [f"{path}: was removed while the service runs; made anew, and the lock taken again"] * 2


def test_a_lock_that_cannot_be_taken_again_is_a_fault(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """Told once for as long as it lasts, and gone with it."""
    shutil.rmtree(held.folder)
    held.folder.touch()
    for _ in range(2):
        held.watch.look()
        assert held.watch.fault is not None
    told = "the lock was removed with its folder, so that nothing keeps a second service away: "
    assert held.watch.fault.startswith(f"{told}{held.folder / LOCK_NAME}: cannot be written (")
    assert caplog.messages == [held.watch.fault]
    held.folder.unlink()
    held.watch.look()
    assert held.watch.fault is None
    assert held.furnished == 1


def test_a_fault_that_comes_back_is_told_again(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """After the lock was found in its place."""
    for _ in range(2):
        shutil.rmtree(held.folder)
        held.folder.touch()
        held.watch.look()
        held.folder.unlink()
        held.watch.look()
        held.watch.look()
    assert [message.split()[0] for message in caplog.messages] == ["the", f"{held.folder / LOCK_NAME}:"] * 2


def test_a_fault_ends_when_the_lock_is_found_in_its_place(held: Held, tmp_path: Path) -> None:
    """However it came back there."""
    held.folder.rename(tmp_path / "away")
    held.folder.touch()
    held.watch.look()
    assert held.watch.fault is not None
    held.folder.unlink()
    (tmp_path / "away").rename(held.folder)
    held.watch.look()
    assert held.watch.fault is None
    assert held.furnished == 0


def test_a_battery_that_is_another_processs_now_is_let_go(held: Held) -> None:
    """Two that command are worse than none."""
    shutil.rmtree(held.folder)
    with InstanceLock(held.folder, battery="another", since=SINCE), pytest.raises(LockedError, match="for another"):
        held.watch.look()
