"""The guard: hands the battery back when a command stands that nobody vouches for any more.

``python -m optimizer.guard --config FILE``, started four times a minute by a timer of its own. It knows nothing of the
service but the files of :mod:`optimizer.release.record`, so that it works whatever became of the service: hung, stopped
with no way back, or never started after a power cut. Standard library only; a look that finds nothing reads few files.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from optimizer.clock import boot_time_s
from optimizer.errors import ConfigError
from optimizer.release.claim import is_claimed_by_ours, is_held, lease_folder_of_holder
from optimizer.release.hand_back import ReleaseReport, release_battery
from optimizer.release.record import CommandRecord, Stamp, records
from optimizer.release.take_back import Release, take_back, take_back_elsewhere


def guard(
    record: CommandRecord,
    config: Path,
    *,
    now_s: float,
    environ: Mapping[str, str],
    own: bool = True,
    release: Release = release_battery,
) -> tuple[int, str]:
    """Look once; return the exit code and what to tell, empty where there is nothing to tell.

    A mode that somebody chose since is left alone, and what is stored beneath it zeroed. A record that is not in the
    service's own folders is acted on for the battery that it names alone, and only where nobody commands that. The
    lease is looked for where the holder of the state folder says that it writes it: the configuration may name another
    runtime folder by now, and a neighbour has one of its own.

    Raises
    ------
    ConfigError
        There is something to release, and neither record nor configuration says where.
    """
    lease_folder = lease_folder_of_holder(record.state_dir) if record.may_stand() else None
    if lease_folder is not None:
        record = CommandRecord(record.state_dir, lease_folder)
    before, command = record.stamp(), record.unvouched(now_s)
    if command is None or (lease_folder is None and _is_anothers(record)):
        return 0, ""
    if not record.has_a_lease() and (obstacle := record.obstacle()) is not None:
        return 1, f"{obstacle}: nobody watches over a command on record there; let the guard's user look into it"
    report: ReleaseReport | None
    if own:
        report = take_back(record, config, environ, release=release)
    else:
        report = take_back_elsewhere(record, release=release)
    if report is None:
        return 0, ""
    code, told = _note(record, before, report)
    return code, f"nobody vouches for {command} any more: handing the battery back\n{told}"


def _note(record: CommandRecord, before: Stamp, report: ReleaseReport) -> tuple[int, str]:
    """Take what was handed back off the record; return the exit code and what to tell."""
    told = str(report)
    if not report.confirmed:
        return 1, told
    if record.stamp() != before:
        # A service that was only slow goes on: what it has put on record since may stand.
        return 0, f"{told}\nbut it was commanded again meanwhile, and stays on record"
    battery = record.battery()
    try:
        record.clear(None if battery is None else battery.address)
    except OSError as error:
        then = "it will be handed back again" if record.may_stand() else "until the next boot a lease says so instead"
        return 1, f"{told}\nand cannot write that down ({error}): {then}"
    return 0, told


def main(argv: list[str] | None = None) -> int:
    """Look once; return 0 nothing to do or handed back, 1 not confirmed, 2 wrong usage, 78 configuration unusable."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.guard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the service's configuration")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="default: the service's")
    parser.add_argument("--runtime-dir", type=Path, metavar="DIR", help="default: the service's")
    arguments = parser.parse_args(argv)
    watched = records(arguments.config, os.environ)
    if arguments.state_dir and arguments.runtime_dir:
        watched = (CommandRecord(arguments.state_dir, arguments.runtime_dir),)
    if not watched:
        parser.error("give both --state-dir and --runtime-dir: the service's [service] state_dir and runtime_dir")
    return max(_look(record, arguments.config, own=record == watched[0]) for record in watched)


def _is_anothers(record: CommandRecord) -> bool:
    """Return whether a living service with another runtime folder looks after what is on record.

    It shares the state folder, and its lease lies where it does not say. Or it has both folders of its own and commands
    the battery that a service which is gone left on record: it has taken up what it found there.
    """
    if is_held(record.state_dir, in_doubt=False):
        return not is_held(record.runtime_dir)
    battery = record.battery()
    if battery is None or is_held(record.state_dir) or is_held(record.runtime_dir):
        return False
    return is_claimed_by_ours(battery.address)


def _look(record: CommandRecord, config: Path, *, own: bool) -> int:
    try:
        code, told = guard(record, config, now_s=boot_time_s(), environ=os.environ, own=own)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 78
    if told:
        sys.stdout.write(f"{told}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
