"""Hand the battery back after the service: ``python -m optimizer.release --config FILE``.

Run by systemd after the service has ended however it ended, and when it has failed for good. A mode that somebody chose
since is left alone; ``sunshift release``, which the owner calls, sets it.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from optimizer.errors import ConfigError
from optimizer.release.claim import is_claimed_by_ours, is_held
from optimizer.release.config import only_observes
from optimizer.release.folders import Folders, service_folders
from optimizer.release.hand_back import DEADLINE_S
from optimizer.release.record import CommandRecord, records
from optimizer.release.take_back import batteries, take_back, take_back_elsewhere
from optimizer.release.word import needs_release, was_refused


def main(argv: list[str] | None = None) -> int:
    """Release the battery of a configuration; return 0 confirmed, 1 not confirmed, 78 configuration unusable."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.release", description="Hand the battery back.")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the service's configuration")
    parser.add_argument("--after-service", action="store_true", help="only if the service left anything standing")
    arguments = parser.parse_args(argv)
    folders, *_ = service_folders(arguments.config)
    if was_refused() and _is_looked_after(folders):
        sys.stdout.write("another sunshift commands the battery: it is left to that one\n")
        return 0
    if arguments.after_service and not _may_have_left_something(folders):
        sys.stdout.write("the service has commanded nothing, or handed the battery back itself\n")
        return 0
    signal.alarm(math.ceil(DEADLINE_S) + 2)  # should a bound above have a hole: the process ends all the same
    try:
        code, told = _release(arguments.config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 78
    finally:
        signal.alarm(0)
    sys.stdout.write(f"{told}\n")
    return code


def _is_looked_after(folders: Folders) -> bool:
    """Return whether whoever has refused the service looks after what is on record here, where anything is.

    It may command another battery, or only observe, and have been given the runtime folder after that was removed.
    """
    record = CommandRecord.in_folders(folders)
    battery = None if record is None else record.battery()
    return battery is None or record is None or is_held(record.state_dir) or is_claimed_by_ours(battery.address)


def _may_have_left_something(folders: Folders) -> bool:
    """Return whether the service may have left a command standing.

    Its word that it has not is no proof where a command is on record: the word may be another one's, which was given
    the folder after it was removed.
    """
    record = CommandRecord.in_folders(folders)
    return needs_release(folders.runtime_dir) or (record is not None and record.may_stand())


def _release(config: Path) -> tuple[int, str]:
    """Hand back what the service may have left; return the exit code and what to tell.

    The service is gone: a battery that is commanded now is another service's.
    """
    found = records(config, os.environ)
    if only_observes(config) and not any(record.may_stand() for record in found):
        return 0, "the service only observes, and no command is on record: the battery is left as it is"
    own = found[0] if found else None
    record, report = own, None
    where: str | None = None
    for other in found[1:]:
        if own is None or not own.may_stand():
            named = other.battery()
            record, report, where = other, take_back_elsewhere(other), named.address if named else None
    if report is None:
        first, _ = batteries(own, config, os.environ)
        if is_claimed_by_ours(first.address):
            return 0, f"another sunshift commands the battery at {first.address}: it is left to that one"
        record, report, where = own, take_back(own, config, os.environ), first.address
    if report.confirmed and record is not None:
        with suppress(OSError):  # then a lease says that nothing stands, or the guard hands back once more
            record.clear(where)
    return (0 if report.confirmed else 1), str(report)


if __name__ == "__main__":
    sys.exit(main())
