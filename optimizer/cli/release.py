"""``sunshift release``: hand the battery back; works when nothing else does."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from optimizer.cli.service_folder import add_folder_arguments, runtime_dir_of, state_dir_of
from optimizer.lease import CommandRecord
from optimizer.release import release_battery, target_from_config
from optimizer.service.lock import is_held
from optimizer.service.release_guard import refuse_while_held


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_arguments(parser, config_required=True)
    parser.add_argument("--force", action="store_true", help="go on although the service runs and may command again")


def run(arguments: argparse.Namespace) -> int:
    """Release the battery and print what was done; 1 where the battery does not confirm it."""
    config: Path = arguments.config
    folder = runtime_dir_of(config)
    if not arguments.force:
        refuse_while_held(folder, what="sunshift release")
    # Should its own place be out of reach, a killed service has left its copy of the token there.
    environ = {"RUNTIME_DIRECTORY": str(folder), **os.environ}
    report = release_battery(target_from_config(config, environ))
    print(report)
    if report.confirmed:
        _clear_record(CommandRecord(state_dir_of(config, folder), folder))
    return 0 if report.confirmed else 1


def _clear_record(record: CommandRecord) -> None:
    """Take the service's command off the record: it stands no more. A service that runs keeps its own record."""
    if is_held(record.runtime_dir):
        return
    try:
        record.clear()
    except OSError as error:
        print(
            f"{error.filename}: the command stays on record ({error.strerror}), so that the guard or the next start "
            "hands back once more",
            file=sys.stderr,
        )
