"""Holding on to the lock while the service runs."""

from __future__ import annotations

import errno
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


@pytest.fixture
def in_state(tmp_path: Path) -> Held:
    """Return the same for a service that holds its state folder as well."""
    held, other = Held(tmp_path / "run"), Held(tmp_path / "state")
    held.watch = LockWatch(held.lock, held._furnish, in_state=other.lock)
    held.folder = other.folder
    return held


def test_a_state_folder_that_is_back_is_held_again_and_not_made_anew(in_state: Held) -> None:
    """It may be a disk that is away: what is written beneath its place would be lost."""
    shutil.rmtree(in_state.folder)
    in_state.watch.look()
    assert not in_state.folder.exists()
    assert in_state.watch.fault is None
    in_state.folder.mkdir()
    in_state.watch.look()
    assert is_held(in_state.folder)


def test_a_state_folder_that_is_anothers_now_is_let_go(in_state: Held) -> None:
    """The record of a command lies there: two services would take each other's for their own."""
    shutil.rmtree(in_state.folder)
    with InstanceLock(in_state.folder, battery="the other's", since=SINCE), pytest.raises(LockedError):
        in_state.watch.look()


def test_a_state_folder_that_could_not_be_held_is_not_asked_for(tmp_path: Path) -> None:
    """Storage never stops control."""
    held = Held(tmp_path / "run")
    never = InstanceLock(tmp_path / "state", battery="mine", since=SINCE)
    (tmp_path / "state").mkdir()
    held.watch = LockWatch(held.lock, held._furnish, in_state=never)
    held.watch.look()
    assert not is_held(tmp_path / "state")
    assert held.furnished == 0


def test_a_state_disk_that_fails_stops_nothing(in_state: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken is held until it is seen that it is not; a folder that cannot be looked for is away."""

    def fail(_: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "stat", fail)
        assert in_state.lock.in_place
        in_state.watch.look()
    assert (in_state.watch.fault, in_state.furnished) == (None, 0)
    shutil.rmtree(in_state.folder)
    with monkeypatch.context() as disk:
        disk.setattr(Path, "is_dir", fail)
        in_state.watch.look()
    assert in_state.watch.fault is None
    assert not in_state.folder.exists()


def test_the_runtime_folder_is_furnished_though_the_state_folder_cannot_be_held(in_state: Held, tmp_path: Path) -> None:
    """Word and token must lie there whatever becomes of the other."""
    shutil.rmtree(tmp_path / "run")
    shutil.rmtree(in_state.folder)
    (in_state.folder / LOCK_NAME).mkdir(parents=True)
    in_state.watch.look()
    assert in_state.furnished == 1
    assert in_state.watch.fault is not None


def test_both_are_told_in_one_line(in_state: Held, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where both folders were removed, and the state folder is back."""
    shutil.rmtree(tmp_path / "run")
    shutil.rmtree(in_state.folder)
    in_state.folder.mkdir()
    in_state.watch.look()
    paths = f"{tmp_path / 'run' / LOCK_NAME}, {in_state.folder / LOCK_NAME}"
    assert caplog.messages == [f"{paths}: was removed while the service runs; made anew, and the lock taken again"]
