"""One writer."""

import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.errors import LockedError, SunshiftError
from optimizer.service.lock import LOCK_NAME, InstanceLock, holder, is_held
from optimizer.service.release_guard import refuse_while_held

SINCE = datetime(2026, 5, 4, tzinfo=UTC)


def test_a_held_lock_says_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    """The refusal names process, battery and the way out."""
    with InstanceLock(tmp_path, battery="sonnen_v1 at home", since=SINCE):
        found = holder(tmp_path)
        assert found is not None
        assert (found.pid, found.battery) == (os.getpid(), "sonnen_v1 at home")
        with pytest.raises(LockedError, match=rf"pid {os.getpid()}.*sonnen_v1 at home.*systemctl stop sunshift"):
            InstanceLock(tmp_path, battery="another", since=SINCE).acquire()
        with pytest.raises(LockedError, match="--force"):
            refuse_while_held(tmp_path, what="sunshift release")
    assert not is_held(tmp_path)
    refuse_while_held(tmp_path, what="sunshift release")


def test_a_file_left_behind_locks_nobody_out(tmp_path: Path) -> None:
    """Only a living process holds a lock, whatever the file says."""
    (tmp_path / LOCK_NAME).write_text('{"pid": 1, "battery": "gone", "since": "long ago"}')
    assert not is_held(tmp_path)
    with InstanceLock(tmp_path, battery="mine", since=SINCE):
        assert is_held(tmp_path)


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path) -> None:
    """Once it is gone it keeps nobody out; taken anew it does, unless another process was first."""
    folder = tmp_path / "run"
    lock = InstanceLock(folder, battery="mine", since=SINCE)
    assert not lock.in_place
    with lock:
        assert lock.in_place
        shutil.rmtree(folder)
        assert not lock.in_place
        assert not is_held(folder)
        lock.retake()
        assert lock.in_place
        assert is_held(folder)
        shutil.rmtree(folder)
        with (
            InstanceLock(folder, battery="another", since=SINCE),
            pytest.raises(LockedError, match="for another"),
        ):
            lock.retake()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """The error names the folder and the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(SunshiftError, match="runtime_dir"):
        InstanceLock(tmp_path / "file" / "run", battery="mine", since=SINCE).acquire()


def test_everybody_may_see_that_the_lock_is_held(tmp_path: Path) -> None:
    """Under the unit's umask of 0077 too: else another user's `status` would call a running service gone."""
    before = os.umask(0o077)
    try:
        with InstanceLock(tmp_path, battery="mine", since=SINCE):
            assert stat.S_IMODE((tmp_path / LOCK_NAME).stat().st_mode) == 0o644
    finally:
        os.umask(before)


def test_a_full_disk_keeps_nobody_from_holding_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds it cannot be written then; that it is held, the kernel knows."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with InstanceLock(tmp_path, battery="mine", since=SINCE):
        assert is_held(tmp_path)
        with pytest.raises(LockedError, match="does not say who it is"):
            InstanceLock(tmp_path, battery="another", since=SINCE).acquire()
    assert not is_held(tmp_path)
