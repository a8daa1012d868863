"""One writer."""

import errno
import fcntl
import os
import shutil
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.clock import real_deadline
from optimizer.errors import LockedError, SunshiftError
from optimizer.release.claim import LOCK_NAME, is_held, lease_folder_of_holder
from optimizer.service.lock import Holder, InstanceLock, held_where_possible, holder
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


def test_a_holder_says_where_its_lease_is(tmp_path: Path) -> None:
    """For the guard; one of an earlier version says nothing of it, and is read all the same."""
    with InstanceLock(tmp_path, battery="mine", since=SINCE, lease_dir=tmp_path / "run"):
        assert lease_folder_of_holder(tmp_path) == tmp_path / "run"
        found = holder(tmp_path)
        assert found is not None
        assert found.runtime_dir == str(tmp_path / "run")
        (tmp_path / LOCK_NAME).write_text('{"pid": 7, "battery": "mine", "since": "today"}')
        assert holder(tmp_path) == Holder(pid=7, battery="mine", since="today", runtime_dir="")
        assert str(holder(tmp_path)) == "pid 7, since today, for mine"
        assert lease_folder_of_holder(tmp_path) is None
    assert lease_folder_of_holder(tmp_path) is None
    with InstanceLock(tmp_path, battery="mine", since=SINCE):
        found = holder(tmp_path)
        assert found is not None
        assert found.runtime_dir == ""


def test_whoever_asks_for_the_lock_keeps_no_service_out(tmp_path: Path) -> None:
    """`sunshift status` shares it for an instant: a service that starts in that instant waits it out."""
    path = tmp_path / LOCK_NAME
    path.touch()
    with path.open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        threading.Timer(0.3, fcntl.flock, (asking, fcntl.LOCK_UN)).start()
        with InstanceLock(tmp_path, battery="mine", since=SINCE):
            assert is_held(tmp_path)


def test_a_lock_that_stays_held_is_refused_within_moments(tmp_path: Path) -> None:
    """A second of trying, and no descriptor left open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    with InstanceLock(tmp_path, battery="mine", since=SINCE):
        left = real_deadline(10.0)
        with pytest.raises(LockedError):
            InstanceLock(tmp_path, battery="another", since=SINCE).acquire()
        assert 5.0 < left() <= 9.1
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - names alone


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
    assert (lock.in_place, lock.is_lost) == (False, False)
    with lock:
        assert (lock.in_place, lock.is_lost) == (True, False)
        shutil.rmtree(folder)
        assert (lock.in_place, lock.is_lost) == (False, True)
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
        with pytest.raises(LockedError, match=r"battery \(it does not say who it is; "):
            InstanceLock(tmp_path, battery="another", since=SINCE).acquire()
    assert not is_held(tmp_path)


def test_a_refusal_says_all_there_is_to_know(tmp_path: Path) -> None:
    """Who, since when, for which battery, in which file, and both ways out."""
    folder = tmp_path / "not" / "there" / "yet"
    with InstanceLock(folder, battery="sonnen_v1 at home", since=SINCE), pytest.raises(LockedError) as caught:
        InstanceLock(folder, battery="another", since=SINCE).acquire()
    who = f"pid {os.getpid()}, since 2026-05-04T00:00:00+00:00, for sonnen_v1 at home; {folder / LOCK_NAME}"
    assert str(caught.value) == (
        f"another sunshift holds the battery ({who}): stop it first (`systemctl stop sunshift`, or end that process); "
        "a second battery needs its own [service] runtime_dir and state_dir, for record and history are one battery's"
    )


def test_a_folder_that_cannot_be_written_is_told_with_both_ways_out(tmp_path: Path) -> None:
    """Make it writable, or choose another."""
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(SunshiftError) as caught:
        InstanceLock(tmp_path, battery="mine", since=SINCE).acquire()
    assert str(caught.value) == (
        f"{tmp_path / LOCK_NAME}: cannot be written (Is a directory); "
        "make the folder writable or set [service] runtime_dir to one that is"
    )


def test_who_held_it_before_is_forgotten(tmp_path: Path) -> None:
    """By the next holder, however much the last one said, and at the end; nobody is named who does not hold it."""
    path = tmp_path / LOCK_NAME
    path.write_text(f'{{"pid": 1, "battery": "{"x" * 500}", "since": "long ago"}}')
    assert holder(tmp_path) is None
    lock = InstanceLock(tmp_path, battery="mine", since=SINCE)
    with lock:
        found = holder(tmp_path)
        assert found is not None
        assert (found.battery, found.since) == ("mine", "2026-05-04T00:00:00+00:00")
    assert path.read_bytes() == b""
    assert not lock.in_place
    lock.release()


def test_a_lock_file_of_another_user_can_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode is not ours to change; that is a courtesy to who asks."""

    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", forbidden)
    with InstanceLock(tmp_path, battery="mine", since=SINCE):
        assert is_held(tmp_path)


def test_taking_it_again_leaves_nothing_open(tmp_path: Path) -> None:
    """A folder that is deleted every night must not use up the descriptors of a process that runs for years."""

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone

    with InstanceLock(tmp_path / "run", battery="mine", since=SINCE) as lock:
        before = descriptors()
        for _ in range(3):
            shutil.rmtree(tmp_path / "run")
            lock.retake()
        assert descriptors() == before


@pytest.mark.parametrize("said", [True, False])
def test_a_command_that_would_write_says_who_is_in_the_way(
    said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or that it is not known, and both ways on."""
    if not said:
        monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    with (
        InstanceLock(tmp_path, battery="mine", since=SINCE),
        pytest.raises(LockedError) as caught,
    ):
        refuse_while_held(tmp_path, what="sunshift release")
    who = f"pid {os.getpid()}, since 2026-05-04T00:00:00+00:00, for mine" if said else "it does not say who it is"
    assert str(caught.value) == (
        f"the service is running ({who}) and would command the battery again: stop it first, "
        "`systemctl stop sunshift`, which hands the battery back by itself; "
        "`sunshift release --force` goes on all the same"
    )


def test_a_folder_that_may_not_be_looked_into_counts_as_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd keeps a sandboxed service's folder to root: whoever is not must not write beside a running service."""

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("optimizer.service.lock.os.open", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert is_held(tmp_path)
    with pytest.raises(LockedError, match=r"may not be looked into, try `sudo sunshift release`"):
        refuse_while_held(tmp_path, what="sunshift release")


def test_a_folder_is_held_as_well_where_it_can_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The record of a command lies there; one that cannot be written to is told, and control goes on."""
    since = datetime(2026, 5, 4, tzinfo=UTC)
    lock = InstanceLock(tmp_path / "state", battery="one", since=since)
    with held_where_possible(lock):
        assert is_held(tmp_path / "state")
        with (
            pytest.raises(LockedError, match="state_dir"),
            held_where_possible(InstanceLock(tmp_path / "state", battery="two", since=since)),
        ):
            pass
    assert not is_held(tmp_path / "state")
    (tmp_path / "file").touch()
    with held_where_possible(InstanceLock(tmp_path / "file", battery="one", since=since)):
        assert "nothing keeps a second service from this folder" in caplog.text
    with held_where_possible(None):
        pass


def test_where_one_may_not_look_it_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default that somebody holds it; the other way for whoever says so."""

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr("os.open", refuse)
    assert is_held(tmp_path)
    assert not is_held(tmp_path, in_doubt=False)


def test_where_there_are_no_locks_nobody_holds_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk of another computer."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    (tmp_path / LOCK_NAME).touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    assert not is_held(tmp_path)


def test_a_folder_that_knows_no_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; nothing is left open, and nothing held."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone
    monkeypatch.setattr("fcntl.flock", refuse)
    lock = InstanceLock(tmp_path, battery="a battery", since=SINCE)
    with pytest.raises(SunshiftError) as caught:
        lock.acquire()
    why = "cannot be locked (No locks available); name a folder on a disk of this computer"
    assert str(caught.value) == f"{tmp_path / LOCK_NAME}: {why}"
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - names alone
    assert not lock.in_place


def test_a_lock_is_given_back_though_the_disk_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written in it is a courtesy."""

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with InstanceLock(tmp_path, battery="a battery", since=SINCE):
        monkeypatch.setattr(os, "ftruncate", fail)
    assert not is_held(tmp_path)
