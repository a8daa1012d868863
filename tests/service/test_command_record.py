"""What is on record of a command: whole or not at all, through to the disk where a power cut must not take it."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from optimizer.clock import boot_time_s
from optimizer.release.folders import systemd_folders
from optimizer.release.record import CommandRecord, Lease, records
from optimizer.release.target import ReleaseTarget
from optimizer.service.battery_claim import BatteryClaim

LEASE = Lease(command="charge 2000 W", until_s=50.0, length_s=90.0)


@pytest.fixture
def record(tmp_path: Path) -> CommandRecord:
    return CommandRecord(tmp_path / "deep" / "state", tmp_path / "run")


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is flushed through to the disk, in order."""
    names: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return names


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("environ", "folders"),
    [
        ({"STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r"}, ("/s", "/r")),
        ({"STATE_DIRECTORY": "/s:/s/more", "RUNTIME_DIRECTORY": "/r:/r/more"}, ("/s", "/r")),
        ({"STATE_DIRECTORY": "/s"}, None),
        ({"RUNTIME_DIRECTORY": "/r"}, None),
        ({"STATE_DIRECTORY": "", "RUNTIME_DIRECTORY": "/r"}, None),
        ({}, None),
    ],
)
def test_systemd_says_where_the_record_is(environ: dict[str, str], folders: tuple[str, str] | None) -> None:
    """The first of several folders each; without both there is none."""
    expected = CommandRecord(Path(folders[0]), Path(folders[1])) if folders else None
    assert CommandRecord.in_folders(systemd_folders(environ)) == expected


def test_a_folder_that_somebody_else_makes_meanwhile_is_taken(
    record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guard and service may find it missing at once."""
    really_open = os.open

    def beaten(path: Path, *rest: int) -> int:
        if not record.state_dir.exists():
            record.state_dir.mkdir(parents=True)
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return really_open(path, *rest)

    monkeypatch.setattr(os, "open", beaten)
    record.intend("charge 2000 W")
    assert record.may_stand()


def test_an_intent_is_on_the_disk_when_it_is_written(record: CommandRecord, flushed: list[str]) -> None:
    """The file, then the folder that names it: a power cut right after finds it, and a person can read it."""
    record.intend("charge 2000 W")
    assert flushed == [".intent.json.new", "state"]
    assert json.loads(record.intent_path.read_text()) == {"command": "charge 2000 W"}


def test_a_lease_is_not_flushed(record: CommandRecord, flushed: list[str]) -> None:
    """Thousands of writes a day would wear a memory card out, for what says nothing after a restart."""
    record.renew(LEASE)
    record.clear()
    record.runtime_dir.rmdir()
    record.runtime_dir.touch()
    record.renew(LEASE)
    assert record.spare_lease_path.exists()
    assert flushed == []


def test_what_is_cleared_does_not_come_back_after_a_power_cut(record: CommandRecord, flushed: list[str]) -> None:
    """The folder is flushed once the intent is gone; where there was none there is nothing to flush."""
    record.intend("charge 2000 W")
    flushed.clear()
    record.clear()
    record.clear()
    assert flushed == ["state"]


def test_two_may_clear_at_once(record: CommandRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard and the service: who comes second has nothing left to do."""
    record.intend("charge 2000 W")
    record.renew(LEASE)
    unlink = Path.unlink

    def overtaken(path: Path, **options: bool) -> None:
        unlink(path, missing_ok=True)
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", overtaken)
    record.clear()
    assert not record.may_stand()


@pytest.mark.parametrize(
    ("now_s", "over"), [(999.9, True), (1000.0, False), (1050.0, False), (1090.0, False), (1090.1, True)]
)
def test_a_lease_holds_from_its_beginning_to_its_end(now_s: float, over: bool) -> None:
    """By a clock that has run for a while; both ends are its own."""
    assert Lease(command="charge 2000 W", until_s=1090.0, length_s=90.0).is_over(now_s) is over


@pytest.mark.parametrize("left", ["intent", "lease"])
def test_either_file_says_that_a_command_may_stand(left: str, record: CommandRecord) -> None:
    """In doubt one of them remains, and that is enough."""
    record.intend("charge 2000 W") if left == "intent" else record.renew(LEASE)
    assert record.may_stand()
    assert record.unvouched(51.0) == ("charge 2000 W" if left == "lease" else "a command of unknown power")


def test_a_failed_write_leaves_what_was_there(record: CommandRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the old record stays whole, and no half of a new one beside it."""
    record.intend("charge 2000 W")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left") as raised:
        record.intend("discharge 3000 W")
    assert raised.value.filename == str(record.intent_path)
    assert [path.name for path in record.state_dir.iterdir()] == ["intent.json"]
    assert "charge 2000 W" in record.intent_path.read_text()


def test_a_failed_write_is_told_though_cleaning_up_fails_as_well(
    record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error is the one that says what happened."""
    monkeypatch.setattr(os, "fsync", no_space)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no")))
    with pytest.raises(OSError, match="No space left"):
        record.intend("charge 2000 W")


def test_where_an_intent_cannot_be_removed_it_is_said_that_nothing_stands(
    record: CommandRecord, flushed: list[str]
) -> None:
    """As a lease without an end, in the folder that the next boot finds empty: nothing of it goes to the card."""
    record.intend("charge 2000 W")
    flushed.clear()
    record.vouch_for_nothing(OURS.address)
    said = {"command": "nothing", "until_s": 1e12, "length_s": 1e12, "battery": "192.0.2.7", "despite_s": None}
    assert json.loads(record.lease_path.read_text()) == said
    assert flushed == []
    assert record.unvouched(50.0) is None


def test_half_a_file_left_by_a_crash_does_no_harm(record: CommandRecord) -> None:
    """What a process of the same number left half-written is overwritten whole."""
    record.renew(LEASE)
    record.lease_path.with_name(".lease.json.new").write_text("x" * 5000)
    record.renew(LEASE)
    assert record.unvouched(0.0) is None
    assert not record.spare_lease_path.exists()


@pytest.mark.parametrize(("until_s", "length_s"), [("50.0", "Infinity"), ("Infinity", "Infinity"), ("NaN", "90.0")])
def test_a_lease_without_an_end_vouches_for_nothing(until_s: str, length_s: str, record: CommandRecord) -> None:
    """It would vouch for ever."""
    record.renew(LEASE)
    record.lease_path.write_text(f'{{"command": "charge", "until_s": {until_s}, "length_s": {length_s}}}')
    assert record.unvouched(0.0) is not None


def test_a_lease_that_the_runtime_folder_does_not_take_lies_beside_the_intent(record: CommandRecord) -> None:
    """Without one the guard would take a living service's command back; without the intent nobody knew of it."""
    record.runtime_dir.touch()  # no folder: nothing can be written there
    record.renew(Lease(command="charge", until_s=100.0, length_s=90.0))
    record.intend("charge")
    assert record.unvouched(50.0) is None
    assert record.unvouched(101.0) == "charge"
    record.clear()
    assert not record.may_stand()


def test_either_lease_vouches(record: CommandRecord) -> None:
    """One that was left in the other place is over, and says nothing."""
    record.intend("charge")
    record.runtime_dir.touch()
    record.renew(Lease(command="charge", until_s=100.0, length_s=90.0))
    record.runtime_dir.unlink()
    record.renew(Lease(command="charge", until_s=190.0, length_s=90.0))
    assert record.unvouched(150.0) is None
    record.clear()
    assert not record.spare_lease_path.exists()


def test_a_lease_that_cannot_be_removed_beside_the_intent_hinders_no_other(record: CommandRecord) -> None:
    """A card has gone read-only since it was written there: what vouches is the one in the runtime folder."""
    record.intend("charge")
    record.spare_lease_path.mkdir()  # which is no file that could be removed
    record.renew(Lease(command="charge", until_s=100.0, length_s=90.0))
    assert record.unvouched(50.0) is None
    assert record.unvouched(150.0) == "charge"


def test_neither_place_is_an_error(record: CommandRecord) -> None:
    """It names the file that could not be written."""
    record.runtime_dir.touch()
    record.state_dir.parent.mkdir(parents=True)
    record.state_dir.touch()
    with pytest.raises(OSError, match="Not a directory") as error:
        record.renew(Lease(command="charge", until_s=100.0, length_s=90.0))
    assert error.value.filename == str(record.spare_lease_path)


# -- where, and which battery -----------------------------------------------------------------------------------------


def test_the_record_says_which_battery_was_commanded(record: CommandRecord) -> None:
    """None where it was not told, or in no words of it."""
    assert record.battery() is None
    battery = ReleaseTarget(driver="sonnen_v1", host="10.0.0.1", port=8080, mode_control=True)
    record.intend("charge 2000 W", battery)
    assert record.battery() == battery
    for text in ('{"command": "charge 2000 W"}', "[]", "{"):
        record.intent_path.write_text(text)
        assert record.battery() is None


def test_a_command_may_be_on_record_in_folders_of_its_own_and_in_systemds(tmp_path: Path) -> None:
    """Half of a record is none."""
    config, systemds = tmp_path / "sunshift.toml", {"STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r"}
    config.write_text('[service]\nstate_dir = "/own/s"\nruntime_dir = "/own/r"\n')
    own = CommandRecord(Path("/own/s"), Path("/own/r"))
    assert records(config, systemds) == (own, CommandRecord(Path("/s"), Path("/r")))
    assert records(config, {"STATE_DIRECTORY": "/s"}) == (own,)
    assert records(None, {}) == ()


@pytest.mark.parametrize(("folder", "why"), [("x" * 300, "(File name too long)"), ("a\0b", "embedded null")])
def test_a_folder_that_cannot_be_looked_into_is_an_obstacle(
    folder: str, why: str, record: CommandRecord, tmp_path: Path
) -> None:
    """Either of the two: a command may be on record there. One that is not there yet holds nothing, and is none."""
    assert (record.obstacle(), record.may_stand()) == (None, False)
    unusable = tmp_path / folder
    for one in (CommandRecord(unusable, record.runtime_dir), CommandRecord(record.state_dir, unusable)):
        told = one.obstacle()
        assert told is not None
        assert told.startswith(f"{unusable}: cannot be looked into (")
        assert why in told
        assert one.may_stand()


def test_a_lease_is_one_that_can_be_read_in_either_place(record: CommandRecord) -> None:
    """Over or not."""
    assert not record.has_a_lease()
    record.renew(LEASE)
    assert record.has_a_lease()
    record.state_dir.mkdir(parents=True)
    record.lease_path.rename(record.spare_lease_path)
    assert record.has_a_lease()
    record.lease_path.write_text(record.spare_lease_path.read_text())
    assert record.has_a_lease()
    for path in (record.lease_path, record.spare_lease_path):
        path.write_text("{")
    assert not record.has_a_lease()


OURS = ReleaseTarget(driver="sonnen_v1", host="192.0.2.7")
NEIGHBOURS = ReleaseTarget(driver="sonnen_v1", host="192.0.2.8")


def read_only(path: Path, missing_ok: bool = False) -> None:
    raise OSError(errno.EROFS, "Read-only file system", str(path))


def lease_of(battery: ReleaseTarget, *, left_s: float = 60.0) -> Lease:
    return Lease(command="charge 2000 W", until_s=boot_time_s() + left_s, length_s=90.0, battery=battery.address)


def test_a_lease_vouches_for_its_own_battery_alone(record: CommandRecord) -> None:
    """A service for another one may have been given the runtime folder by mistake, or once it was removed."""
    record.intend("charge 2000 W", OURS)
    now_s = boot_time_s()
    record.renew(lease_of(OURS))
    assert record.unvouched(now_s) is None
    record.lease_path.unlink()
    record.renew(lease_of(NEIGHBOURS))
    assert record.unvouched(now_s) == "a command of unknown power"


@pytest.mark.parametrize("left_s", [60.0, -1.0])
def test_the_lease_of_whoever_commands_another_battery_stays(left_s: float, record: CommandRecord) -> None:
    """It is theirs; one that nobody renews any more goes with the rest."""
    record.intend("charge 2000 W", OURS)
    record.renew(lease_of(NEIGHBOURS, left_s=left_s))
    record.clear(OURS.address)
    assert not record.intent_path.exists()
    assert record.lease_path.exists() == (left_s > 0)


@pytest.mark.parametrize("commands", [True, False])
def test_the_intent_of_whoever_commands_another_battery_stays(commands: bool, record: CommandRecord) -> None:
    """Ours went with the state folder, which was theirs from then on; what nobody stands behind goes."""
    record.intend("charge 2000 W", NEIGHBOURS)
    with BatteryClaim(NEIGHBOURS.address if commands else None):
        record.clear(OURS.address)
    assert record.intent_path.exists() == commands


@pytest.mark.parametrize("theirs", [True, False])
def test_where_the_intent_cannot_be_removed_a_lease_says_that_nothing_stands(
    theirs: bool, record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a card that has gone read-only the guard would hand back at every look. A neighbour's lease stays."""
    record.intend("charge 2000 W", OURS)
    record.renew(lease_of(NEIGHBOURS if theirs else OURS))

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OSError, match="Read-only"):
        record.clear(OURS.address)
    assert record.intent_path.exists()
    assert record.may_stand() == theirs
    assert json.loads(record.lease_path.read_text())["command"] == ("charge 2000 W" if theirs else "nothing")


@pytest.mark.parametrize("beside", [True, False])
def test_a_new_command_stands_though_nothing_was_said_to(beside: bool, record: CommandRecord) -> None:
    """Its own lease takes the place of that one, or lies beside the intent where the runtime folder takes none."""
    record.intend("charge 2000 W")
    record.vouch_for_nothing()
    assert (record.may_stand(), record.unvouched(1e6)) == (False, None)
    if beside:
        record.spare_lease_path.write_text(json.dumps(asdict(LEASE)))
    else:
        record.renew(LEASE)
    assert (record.may_stand(), record.unvouched(1e6)) == (True, "charge 2000 W")


def test_nothing_stands_in_spite_of_a_lease_that_cannot_be_removed(
    record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card has gone read-only with a lease on it: over or not, it sets the guard on nobody, until the next one."""
    record.intend("charge 2000 W", OURS)
    record.spare_lease_path.write_text(json.dumps(asdict(lease_of(OURS))))
    record.renew(lease_of(OURS))
    record.spare_lease_path.write_text(json.dumps(asdict(lease_of(OURS))))
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OSError, match="Read-only"):
        record.clear(OURS.address)
    for now_s in (boot_time_s(), 1e9):
        assert (record.may_stand(), record.unvouched(now_s)) == (False, None)
    later = replace(lease_of(OURS), until_s=lease_of(OURS).until_s + 10.0)
    record.spare_lease_path.write_text(json.dumps(asdict(later)))
    assert (record.may_stand(), record.unvouched(1e9)) == (True, later.command)


@pytest.mark.parametrize("runtime", ["state", "linked"])
def test_one_folder_serves_for_both(runtime: str, tmp_path: Path) -> None:
    """The lease lies beside the intent then, and stays; to say twice that nothing stands says it still."""
    (tmp_path / "state").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "state")
    record = CommandRecord(tmp_path / "state", tmp_path / runtime)
    record.renew(LEASE)
    record.intend("charge 2000 W")
    assert record.unvouched(LEASE.until_s) is None
    assert record.unvouched(LEASE.until_s + 1.0) == LEASE.command
    for _ in range(2):
        record.vouch_for_nothing()
        assert not record.may_stand()
    record.clear()
    assert list(record.state_dir.iterdir()) == []


def test_nothing_is_said_in_spite_of_a_neighbours_lease(record: CommandRecord) -> None:
    """That one stands, whatever becomes of ours; where no intent says whose the folder is, it counts."""
    record.state_dir.mkdir(parents=True)
    record.spare_lease_path.write_text(json.dumps(asdict(lease_of(NEIGHBOURS))))
    record.vouch_for_nothing(OURS.address)
    assert json.loads(record.lease_path.read_text())["despite_s"] is None
    assert record.may_stand()


def test_nothing_is_said_of_one_battery_alone(record: CommandRecord) -> None:
    """A service for another one may have been given the runtime folder."""
    record.intend("charge 2000 W", OURS)
    record.vouch_for_nothing(NEIGHBOURS.address)
    assert record.may_stand()
    assert record.unvouched(0.0) == "a command of unknown power"
    record.renew(lease_of(OURS))
    assert json.loads(record.lease_path.read_text())["battery"] == OURS.address


def test_the_lease_of_whoever_commands_another_battery_is_not_written_over(record: CommandRecord) -> None:
    """Ours goes beside the intent then; each guard finds its own."""
    record.intend("charge 2000 W", OURS)
    record.renew(lease_of(NEIGHBOURS))
    record.renew(lease_of(OURS))
    assert record.unvouched(boot_time_s()) is None
    assert json.loads(record.lease_path.read_text())["battery"] == NEIGHBOURS.address
    record.lease_path.write_text(json.dumps(asdict(lease_of(NEIGHBOURS, left_s=-1.0))))
    record.renew(lease_of(OURS))
    assert json.loads(record.lease_path.read_text())["battery"] == OURS.address


@pytest.mark.parametrize("commands", [True, False])
def test_the_lease_of_the_run_before_is_nobodys(commands: bool, record: CommandRecord) -> None:
    """Killed, and started again with another address before it was over: it goes with its intent."""
    record.intend("charge 2000 W", NEIGHBOURS)
    record.renew(lease_of(NEIGHBOURS))
    with BatteryClaim(NEIGHBOURS.address if commands else None):
        record.clear(OURS.address)
    assert (record.intent_path.exists(), record.lease_path.exists()) == (commands, commands)
    assert record.may_stand() == commands


def test_a_new_lease_takes_the_place_of_the_run_befores(record: CommandRecord) -> None:
    """Not the one on the card, where the runtime folder is ours."""
    record.intend("charge 2000 W", NEIGHBOURS)
    record.renew(lease_of(NEIGHBOURS))
    record.renew(lease_of(OURS))
    assert not record.spare_lease_path.exists()
    assert json.loads(record.lease_path.read_text())["battery"] == OURS.address


def test_a_lease_beside_the_intent_goes_once_the_runtime_folder_takes_one(record: CommandRecord) -> None:
    """An old one would contradict a later word that nothing stands."""
    record.intend("charge 2000 W", OURS)
    record.runtime_dir.parent.mkdir(parents=True, exist_ok=True)
    record.runtime_dir.touch()
    record.renew(lease_of(OURS))
    assert record.spare_lease_path.exists()
    record.runtime_dir.unlink()
    record.renew(lease_of(OURS))
    assert record.lease_path.exists()
    assert not record.spare_lease_path.exists()


def test_nothing_is_said_in_the_place_of_the_intent_that_stays(
    record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only card that is one of a run with another address, and it is what the guard looks at."""
    record.intend("charge 2000 W", NEIGHBOURS)
    record.renew(lease_of(NEIGHBOURS))

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OSError, match="Read-only"):
        record.clear(OURS.address)
    assert (record.may_stand(), record.unvouched(boot_time_s())) == (False, None)


@pytest.mark.parametrize(("intended", "named"), [(None, OURS), (NEIGHBOURS, OURS), (OURS, OURS)])
def test_who_says_nothing_says_of_which_battery(
    intended: ReleaseTarget | None, named: ReleaseTarget, record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the intent's that stays, unless that is a living neighbour's or there is none: then of the one handed back."""
    if intended is not None:
        record.intend("charge 2000 W", intended)
    record.renew(lease_of(OURS))
    monkeypatch.setattr(Path, "unlink", read_only)
    with BatteryClaim(NEIGHBOURS.address), pytest.raises(OSError, match="Read-only"):
        record.clear(OURS.address)
    assert json.loads(record.lease_path.read_text())["command"] == "nothing"
    assert json.loads(record.lease_path.read_text())["battery"] == named.address


def test_who_names_no_battery_says_nothing_of_every_one(record: CommandRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The intent names none either."""
    record.intend("charge 2000 W")
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OSError, match="Read-only"):
        record.clear()
    assert json.loads(record.lease_path.read_text())["battery"] == ""
    record.vouch_for_nothing()
    assert json.loads(record.lease_path.read_text())["battery"] == ""


def test_where_not_even_nothing_can_be_said_the_obstacle_is_told(
    record: CommandRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one: what follows from it helps nobody."""
    record.intend("charge 2000 W", OURS)
    monkeypatch.setattr(Path, "unlink", read_only)
    monkeypatch.setattr(CommandRecord, "vouch_for_nothing", no_space)
    with pytest.raises(OSError, match="Read-only"):
        record.clear(OURS.address)


def test_without_a_battery_everything_is_cleared(record: CommandRecord) -> None:
    """The owner's own word: `sunshift release`."""
    record.intend("charge 2000 W", NEIGHBOURS)
    record.renew(lease_of(NEIGHBOURS))
    with BatteryClaim(NEIGHBOURS.address):
        record.clear()
    assert not record.intent_path.exists()
    assert not record.lease_path.exists()


@pytest.mark.parametrize("written", ["as now", "as by the version before"])
def test_a_lease_that_names_no_battery_is_ours(written: str, record: CommandRecord) -> None:
    """It vouches for whatever is intended, and goes with it."""
    lease = replace(lease_of(OURS), battery="")
    record.intend("charge 2000 W", OURS)
    record.renew(lease)
    if written != "as now":
        told = asdict(lease)
        del told["battery"]
        record.lease_path.write_text(json.dumps(told))
    assert record.unvouched(boot_time_s()) is None
    record.clear(OURS.address)
    assert not record.lease_path.exists()


def test_a_neighbours_lease_beside_the_intent_stays(record: CommandRecord) -> None:
    """Its state folder is ours by mistake, and its runtime folder takes none."""
    record.intend("charge 2000 W", OURS)
    record.spare_lease_path.write_text(json.dumps(asdict(lease_of(NEIGHBOURS))))
    record.renew(lease_of(OURS))
    assert record.spare_lease_path.exists()


def test_a_spoilt_lease_says_nothing_of_the_kind(record: CommandRecord) -> None:
    """Only the very words do: whatever else is long over vouches for nothing, and a command may stand."""
    record.intend("charge 2000 W")
    for until_s, length_s in ((1234.5, 1e30), (1e12, 90.0), (50.0, 1e12)):
        record.renew(Lease(command="charge 2000 W", until_s=until_s, length_s=length_s))
        assert record.may_stand()
    record.renew(Lease(command="charge 2000 W", until_s=1234.5, length_s=1e30))
    assert record.unvouched(1e12) == "charge 2000 W"
