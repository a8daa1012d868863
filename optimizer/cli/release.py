"""``sunshift release``: hand the battery back; works when nothing else does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from optimizer.cli.service_folder import add_folder_arguments, runtime_dir_of, state_dir_of
from optimizer.release.claim import is_held
from optimizer.release.hand_back import ReleaseReport, release_battery
from optimizer.release.record import CommandRecord
from optimizer.release.take_back import batteries
from optimizer.release.target import ReleaseTarget
from optimizer.service.release_guard import refuse_while_commanded, refuse_while_held
from optimizer.service.run_mark import RunMark

THIS = "sunshift release"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_arguments(parser, config_required=True)
    parser.add_argument("--force", action="store_true", help="go on although the service runs and may command again")


def run(arguments: argparse.Namespace) -> int:
    """Release the battery and print what was done; 1 where the battery does not confirm it."""
    config: Path = arguments.config
    folder = runtime_dir_of(config)
    if not arguments.force:
        refuse_while_held(folder, what=THIS)
    record = CommandRecord(state_dir_of(config, folder), folder)
    if (obstacle := record.obstacle()) is not None:
        print(f"{obstacle}: a command on record there, for another battery, is not seen", file=sys.stderr)
    # Should its own place be out of reach, a killed service has left its copy of the token there.
    both = batteries(record, config, {"RUNTIME_DIRECTORY": str(folder), **os.environ})
    found = [one for one in both if one is not None]
    if not arguments.force:
        refuse_while_commanded((one.address for one in found), what=THIS)
    reports = [release_battery(one, owners_word=True) for one in found]
    print(_told(found, reports))
    commanded, *others = reports
    # Nobody answers at an old address: what stood there is ended at the one that is configured now.
    moved = not commanded.answered and bool(others)
    if commanded.confirmed or (moved and all(report.confirmed for report in others)):
        _clear_record(record)
    if not all(report.confirmed for report in (others if moved else reports)):
        return 1
    if not is_held(folder):
        RunMark(record.state_dir).clear()  # whatever ended badly before: this is the owner's word
    return 0


def _told(found: Sequence[ReleaseTarget], reports: Sequence[ReleaseReport]) -> str:
    """Return what was done, by battery where an earlier command stood at another one than the configured.

    With the driver: one address may have had both interfaces.
    """
    if len(found) == 1:
        return str(reports[0])
    each = zip(found, reports, strict=True)
    return "\n".join(f"battery at {battery.address}, {battery.driver}:\n{report}" for battery, report in each)


def _clear_record(record: CommandRecord) -> None:
    """Take the service's command off the record: it stands no more. A service that runs keeps its own record."""
    if is_held(record.runtime_dir):
        return
    try:
        record.clear()
    except OSError as error:
        then = (
            "the guard or the next start hands back once more" if record.may_stand() else "a lease says that it is over"
        )
        print(f"{error.filename}: the command stays on record ({error.strerror}); {then}", file=sys.stderr)
