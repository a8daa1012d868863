"""The keeper of intent and lease: what is written when, and what is told where it cannot be."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.clock import boot_time_s
from optimizer.release.record import CommandRecord, Lease
from optimizer.release.target import ReleaseTarget
from optimizer.service.lease_files import LeaseFiles


class WatchedRecord(CommandRecord):
    """Tells what is done with it, in order; fails as it is told to."""

    done: list[str]
    error: OSError | None

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.error is not None:
            raise self.error

    def intend(self, command: str, battery: ReleaseTarget | None = None) -> None:
        self._do(f"intend {command}")
        super().intend(command, battery)

    def renew(self, lease: Lease) -> None:
        self._do(f"renew {lease.command}")
        super().renew(lease)

    def clear(self, battery: str | None = None) -> None:
        self._do("clear")
        super().clear(battery)

    def vouch_for_nothing(self) -> None:
        self._do("vouch for nothing")
        super().vouch_for_nothing()


@pytest.fixture
def record(tmp_path: Path) -> WatchedRecord:
    record = WatchedRecord(tmp_path / "state", tmp_path / "run")
    object.__setattr__(record, "done", [])
    object.__setattr__(record, "error", None)
    return record


def fail(record: WatchedRecord, error: OSError | None) -> None:
    object.__setattr__(record, "error", error)


def hold(files: LeaseFiles, command: str = "charge 1000 W") -> None:
    files.hold(command, until_s=100.0, length_s=90.0)


FULL = OSError(errno.ENOSPC, "No space left on device", "/run/lease.json")
FAULT = "/run/lease.json: No space left on device; should this process die, the guard may not know of a command"


def test_the_lease_comes_before_the_intent(record: WatchedRecord) -> None:
    """While it is there the guard takes no intent for one left over; from then on only the lease is written."""
    files = LeaseFiles(record)
    hold(files)
    hold(files, "discharge 500 W")
    assert record.done == ["renew charge 1000 W", "intend charge 1000 W", "renew discharge 500 W"]
    assert json.loads(record.lease_path.read_text()) == {
        "command": "discharge 500 W",
        "until_s": 100.0,
        "length_s": 90.0,
        "despite_s": None,
        "battery": "",
    }


def test_what_an_earlier_run_intended_is_intended_anew(record: WatchedRecord) -> None:
    """Its file says nothing about this run's command, and may not have been flushed."""
    CommandRecord(record.state_dir, record.runtime_dir).intend("charge 3000 W")
    files = LeaseFiles(record)
    assert files.stands()
    hold(files)
    assert "charge 1000 W" in record.intent_path.read_text()


def test_nothing_is_left_over_where_nothing_is(record: WatchedRecord) -> None:
    """Neither before the first command nor after the last."""
    files = LeaseFiles(record)
    assert (files.stands(), files.fault) == (False, None)
    hold(files)
    files.drop()
    assert not files.stands()


def test_the_record_is_cleared_once(record: WatchedRecord) -> None:
    """A battery in its own hands costs no write at each look; a new command is on record whole."""
    files = LeaseFiles(record)
    files.drop()
    files.drop()
    hold(files)
    files.drop()
    files.drop()
    hold(files)
    whole = ["renew charge 1000 W", "intend charge 1000 W"]
    assert record.done == ["clear", *whole, "clear", *whole]


def test_what_cannot_be_cleared_is_tried_again(record: WatchedRecord) -> None:
    """Else the guard would hand back what nobody commands."""
    files = LeaseFiles(record)
    fail(record, FULL)
    files.drop()
    assert files.fault == FAULT
    fail(record, None)
    files.drop()
    files.drop()
    assert record.done == ["clear", "clear"]
    assert files.fault is None


def test_an_intent_that_cannot_be_written_is_tried_again(
    record: WatchedRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next lease."""
    files = LeaseFiles(record)
    with monkeypatch.context() as broken:
        broken.setattr(WatchedRecord, "intend", lambda *_: (_ for _ in ()).throw(FULL))
        hold(files)
    assert files.fault == FAULT
    hold(files)
    assert record.intent_path.exists()
    assert files.fault is None


def test_a_fault_is_told_once(record: WatchedRecord, caplog: pytest.LogCaptureFixture) -> None:
    """As long as it is the same one; another, or the same after it was gone, is told anew."""
    files = LeaseFiles(record)
    other = OSError(errno.EROFS, "Read-only file system", "/run/lease.json")
    for error in (FULL, FULL, other, None, other):
        fail(record, error)
        hold(files)
    told = f"the command on record: {FAULT}"
    others = told.replace("No space left on device", "Read-only file system")
    assert caplog.messages == [told, others, others]


def test_where_the_battery_was_found_goes_on_record_with_the_command(record: WatchedRecord) -> None:
    """With the intent, so that it costs no write of its own."""
    found = iter(["10.0.0.7", "10.0.0.8"])
    files = LeaseFiles(record, ReleaseTarget(driver="sonnen_v1", host="battery.test"), found_at=lambda: next(found))
    for address in ("10.0.0.7", "10.0.0.8"):
        hold(files)
        hold(files)
        there = record.battery()
        assert there is not None
        assert (there.host, there.found_at) == ("battery.test", address)
        files.drop()
    assert [what for what in record.done if what.startswith("intend")] == ["intend charge 1000 W"] * 2


HERE, ELSEWHERE = (ReleaseTarget(driver="sonnen_v1", host=host, port=8080) for host in ("10.0.0.1", "10.0.0.2"))


@pytest.mark.parametrize(
    ("commanded", "now", "left"),
    [
        (HERE, ELSEWHERE, HERE),
        (HERE, HERE, None),
        (HERE, ReleaseTarget(driver="sonnen_v2", host="10.0.0.1", hand_back_mode="backup"), None),
        (replace(HERE, mode_control=True), HERE, replace(HERE, mode_control=True)),
        (HERE, replace(HERE, mode_control=True), None),
        (replace(HERE, mode_control=True), replace(HERE, mode_control=True), None),
        (
            ReleaseTarget(driver="sonnen_v2", host="10.0.0.1", port=80),
            HERE,
            ReleaseTarget(driver="sonnen_v2", host="10.0.0.1", port=80),
        ),
        (HERE, None, None),
        (None, HERE, None),
    ],
)
def test_what_was_commanded_at_another_battery_is_known_by_its_address(
    commanded: ReleaseTarget | None, now: ReleaseTarget | None, left: ReleaseTarget | None, record: WatchedRecord
) -> None:
    """The intent says where, and how: the next run may have been given another, or be told that it has no mode call."""
    assert LeaseFiles(record, now).left_elsewhere() is None
    hold(LeaseFiles(record, commanded))
    assert LeaseFiles(record, now).left_elsewhere() == left


def test_an_intent_that_cannot_be_removed_sets_the_guard_on_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a card that has gone read-only nothing stands all the same; the next command's own lease ends as ever."""
    record = CommandRecord(tmp_path / "state", tmp_path / "run")
    files = LeaseFiles(record)
    hold(files)

    def read_only(_: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(record.intent_path))

    with monkeypatch.context() as card:
        card.setattr(Path, "unlink", read_only)
        files.drop()
        assert files.fault is not None
    assert record.intent_path.exists()
    assert not record.may_stand()
    assert record.unvouched(1e6) is None
    hold(files)
    assert record.unvouched(100.1) == "charge 1000 W"
    files.drop()
    assert not record.may_stand()


OURS = ReleaseTarget(driver="sonnen_v1", host="192.0.2.7")


def test_the_lease_says_for_which_battery_it_is(record: WatchedRecord) -> None:
    """A runtime folder may come to be shared."""
    hold(LeaseFiles(record, OURS))
    assert json.loads(record.lease_path.read_text())["battery"] == "192.0.2.7"


def test_what_is_dropped_is_our_own(record: WatchedRecord) -> None:
    """The lease of a living service for another battery stays."""
    theirs = Lease(command="charge", until_s=boot_time_s() + 60.0, length_s=90.0, battery="192.0.2.8")
    record.renew(theirs)
    LeaseFiles(record, OURS).drop()
    assert record.lease_path.exists()
    LeaseFiles(record).drop()
    assert not record.lease_path.exists()
