"""What is on record of a forced command: the intent on disk, the lease in memory. Standard library only.

The battery keeps a forced power for ever, so whoever comes after a sender that is gone must be able to tell that a
command may stand (the *intent*, written through to disk before the first request, so that it outlives a power cut) and
until when somebody vouches for it (the *lease*, renewed by each verified read-back, in a folder that the next boot
finds empty). Two files, because a renewal every few seconds would wear a memory card out.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from optimizer.clock import boot_time_s
from optimizer.release.claim import is_claimed_by_ours
from optimizer.release.folders import Folders, service_folders
from optimizer.release.target import ReleaseTarget

INTENT_NAME = "intent.json"
LEASE_NAME = "lease.json"
Stamp = tuple[tuple[int, int] | None, ...]
"""What tells one writing of the record from any other."""
FOR_EVER_S = 1e12
READABLE = 0o644
"""Both say nothing secret, and the guard may run as another user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Until when a command is vouched for."""

    command: str
    """What was commanded, for people."""
    until_s: float
    """Reading of the boot-time clock at which it ends [s]."""
    length_s: float
    """How long it was given for [s]."""
    battery: str = ""
    """Address of the battery that it is for; empty: it does not say."""
    despite_s: float | None = None
    """End of a lease that could not be removed when this one said that nothing stands [s]."""

    def is_over(self, now_s: float) -> bool:
        """Return whether nobody vouches for the command any more.

        A lease with more time left than it was given for was written before the computer started anew.
        """
        return not 0.0 <= self.until_s - now_s <= self.length_s

    @property
    def says_nothing(self) -> bool:
        """Whether it says that nothing stands, in the place of an intent that cannot be removed."""
        return self.until_s == self.length_s == FOR_EVER_S


@dataclass(frozen=True)
class CommandRecord:
    """The two files.

    Parameters
    ----------
    state_dir
        Folder of the intent; survives a restart of the computer.
    runtime_dir
        Folder of the lease.
    """

    state_dir: Path
    runtime_dir: Path

    @classmethod
    def in_folders(cls, folders: Folders) -> Self | None:
        """Return the record in a pair of folders; None where one of them is not known: half of a record is none."""
        if folders.state_dir is None or folders.runtime_dir is None:
            return None
        return cls(folders.state_dir, folders.runtime_dir)

    @cached_property
    def intent_path(self) -> Path:
        """Where the intent is written."""
        return self.state_dir / INTENT_NAME

    @cached_property
    def lease_path(self) -> Path:
        """Where the lease is written."""
        return self.runtime_dir / LEASE_NAME

    @cached_property
    def spare_lease_path(self) -> Path:
        """Where the lease is written while the runtime folder cannot be written to."""
        return self.state_dir / LEASE_NAME

    @cached_property
    def _is_one_folder(self) -> bool:
        """Whether state and runtime folder are the same."""
        return os.path.realpath(self.state_dir) == os.path.realpath(self.runtime_dir)

    def intend(self, command: str, battery: ReleaseTarget | None = None) -> None:
        """Write the intent to command, through to the disk.

        Parameters
        ----------
        command
            What is commanded, for people.
        battery
            Where: the configuration may name another one by the time that the command is taken back.

        Raises
        ------
        OSError
            The folder cannot be written to.
        """
        content: dict[str, object] = {"command": command}
        if battery is not None:
            content["battery"] = battery.as_record()
        _replace(self.intent_path, content, through_to_disk=True)

    def battery(self) -> ReleaseTarget | None:
        """Return where a command may stand; None where no intent says so in words that can be understood."""
        return ReleaseTarget.from_record(_read(self.intent_path).get("battery"))

    def renew(self, lease: Lease) -> None:
        """Write the lease, beside the intent where the runtime folder takes none, or holds a neighbour's.

        Raises
        ------
        OSError
            Neither folder can be written to.
        """
        content = asdict(lease)
        if not self._is_a_neighbours(self.lease_path, lease.battery):
            with suppress(OSError):
                _replace(self.lease_path, content, through_to_disk=False)
                self._remove_spare(lease.battery)
                return
        # Every few seconds on the card wears it, but an intent without a lease sets the guard on its own service.
        _replace(self.spare_lease_path, content, through_to_disk=False)

    def vouch_for_nothing(self, battery: str = "") -> None:
        """Say that nothing stands, where the intent cannot be removed: until the next command, or the next boot.

        In the runtime folder alone, which that finds empty where systemd made it.

        Parameters
        ----------
        battery
            Address of the one at which nothing stands.

        Raises
        ------
        OSError
            That folder cannot be written to.
        """
        nothing = Lease(command="nothing", until_s=FOR_EVER_S, length_s=FOR_EVER_S, battery=battery)
        beside = _read_lease(self.spare_lease_path)
        if beside is not None and not beside.says_nothing and not self._is_a_neighbours(self.spare_lease_path, battery):
            nothing = replace(nothing, despite_s=beside.until_s)
        _replace(self.lease_path, asdict(nothing), through_to_disk=False)

    def clear(self, battery: str | None = None) -> None:
        """Take both back: nothing stands any more. The intent goes last, so that in doubt one remains.

        Where that cannot be removed, a lease says that nothing stands: a card that has gone read-only would set the
        guard on the battery at every look.

        Parameters
        ----------
        battery
            Address of the one that was handed back: what a service for another one holds, which was given the folder by
            mistake, stays. None: nothing stays.

        Raises
        ------
        OSError
            A folder cannot be written to.
        """
        ours = [path for path in self._lease_paths if not self._is_a_neighbours(path, battery)]
        intended, is_theirs = self.battery(), self._is_intended_elsewhere(battery)
        try:
            for path in ours:
                _remove(path)
            if is_there(self.intent_path) and not is_theirs:
                self.intent_path.unlink(missing_ok=True)
                _flush_folder(self.state_dir)
        except OSError:
            if self.lease_path in ours:
                with suppress(OSError):
                    # In the place of the intent, which may be of a run with another address.
                    self.vouch_for_nothing((battery or "") if is_theirs or intended is None else intended.address)
            raise

    def _is_intended_elsewhere(self, battery: str | None) -> bool:
        """Return whether the intent is that of a living service for another battery."""
        intended = self.battery() if battery else None
        return intended is not None and intended.address != battery and is_claimed_by_ours(intended.address)

    def _is_a_neighbours(self, path: Path, battery: str | None) -> bool:
        """Return whether a lease is that of a living service for another battery.

        One that is over is nobody's. One for the battery that the intent names is of a run before this one, unless
        somebody commands that battery.
        """
        lease = _read_lease(path) if battery else None
        if lease is None or lease.battery in {"", battery} or lease.says_nothing or lease.is_over(boot_time_s()):
            return False
        intended = self.battery()
        return intended is None or intended.address != lease.battery or is_claimed_by_ours(lease.battery)

    def _remove_spare(self, battery: str) -> None:
        """Remove a lease beside the intent, from when the runtime folder took none.

        On a card that has gone read-only it stays: the other one vouches, and once nothing stands it says so of both.
        """
        if self._is_one_folder:
            return  # what lies beside the intent is what was just written
        if is_there(self.spare_lease_path) and not self._is_a_neighbours(self.spare_lease_path, battery):
            with suppress(OSError):
                _remove(self.spare_lease_path)

    def stamp(self) -> Stamp:
        """Return what tells this writing of the record from any other."""
        return tuple(_stamp(path) for path in self._paths)

    @property
    def _lease_paths(self) -> tuple[Path, ...]:
        return self.lease_path, self.spare_lease_path

    @property
    def _paths(self) -> tuple[Path, ...]:
        return *self._lease_paths, self.intent_path

    def _leases(self) -> list[Lease]:
        """Return the leases that can be read, over or not, and are for no other battery than the intent.

        Without one that could not be removed, in spite of which it is said that nothing stands.
        """
        commanded = self.battery()
        told = [lease for path in self._lease_paths if (lease := _read_lease(path)) is not None]
        ours = [one for one in told if commanded is None or one.battery in {"", commanded.address}]
        remains = {one.despite_s for one in ours if one.says_nothing}
        return [one for one in ours if one.until_s not in remains]

    def may_stand(self) -> bool:
        """Return whether a command may stand at the battery: a file says so, unless a lease says that nothing does."""
        if not any(is_there(path) for path in self._paths):
            return False
        leases = self._leases()
        return not leases or not all(lease.says_nothing for lease in leases)

    def has_a_lease(self) -> bool:
        """Return whether a lease can be read, over or not."""
        return bool(self._leases())

    def obstacle(self) -> str | None:
        """Return what keeps from looking into the folders; None where nothing does."""
        for path in self._paths:
            try:
                path.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                return f"{path.parent}: cannot be looked into ({getattr(error, 'strerror', None) or error})"
        return None

    def unvouched(self, now_s: float) -> str | None:
        """Return the command that may stand with nobody vouching for it; None where there is none.

        A file that cannot be understood vouches for nothing.
        """
        if not self.may_stand():
            return None
        leases = [lease for lease in self._leases() if not lease.says_nothing]
        if any(not lease.is_over(now_s) for lease in leases):
            return None
        return leases[0].command if leases else "a command of unknown power"


def records(config: Path | None, environ: Mapping[str, str]) -> tuple[CommandRecord, ...]:
    """Return where a command may be on record: the service's own folders first, see :func:`service_folders`."""
    found = [CommandRecord.in_folders(folders) for folders in service_folders(config, environ)]
    return tuple(record for record in found if record is not None)


def is_there(path: Path) -> bool:
    """Return whether a file is there; one that may not be looked for may be."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns


def _remove(path: Path) -> None:
    """Remove a file, where there is one and a folder for it."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def _read(path: Path) -> dict[str, Any]:
    """Return what a file says; nothing where it cannot be understood."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _read_lease(path: Path) -> Lease | None:
    told = _read(path)
    try:
        lease = Lease(
            command=str(told["command"]),
            until_s=float(told["until_s"]),
            length_s=float(told["length_s"]),
            battery=str(told.get("battery", "")),
            despite_s=None if (despite_s := told.get("despite_s")) is None else float(despite_s),
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return lease if math.isfinite(lease.until_s) and math.isfinite(lease.length_s) else None


def _replace(path: Path, content: dict[str, object], *, through_to_disk: bool) -> None:
    """Write a file whole or not at all: a reader finds the old one or the new one, also after a power cut."""
    beside = path.with_name(f".{path.name}.new")  # one writer, one name: what a kill leaves is written over
    try:
        descriptor = _opened(beside)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, READABLE)  # past the umask
            file.write(json.dumps(content))  # in one string: json.dump writes piece by piece, which takes far longer
            file.flush()
            if through_to_disk:
                os.fsync(descriptor)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        error.filename = str(path)  # a full disk names no file of its own
        raise
    if through_to_disk:
        _flush_folder(path.parent)


def _opened(path: Path) -> int:
    """Open a file to be written, making its folder where there is none."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        return os.open(path, flags, READABLE)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        path.unlink()  # one that another user left, killed in mid-write
    return os.open(path, flags, READABLE)


def _flush_folder(folder: Path) -> None:
    """Write the folder itself through to disk: until then a power cut may undo a renaming or removal."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
