"""The guard: hands the battery back when a command stands that nobody vouches for any more.

``python -m optimizer.guard --config FILE``, started every half minute by a timer of its own. It knows nothing of the
service but the two files of :mod:`optimizer.lease`, so that it works whatever became of the service: hung, stopped with
no way back, or never started after a power cut. Standard library only; a look that finds nothing to do reads two files.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from optimizer.clock import boot_time_s
from optimizer.errors import ConfigError
from optimizer.lease import CommandRecord
from optimizer.release.config import battery_to_hand_back, service_environ
from optimizer.release.hand_back import ReleaseReport, release_battery
from optimizer.release.target import ReleaseTarget

Release = Callable[[ReleaseTarget], ReleaseReport]


def guard(
    record: CommandRecord,
    config: Path,
    *,
    now_s: float,
    environ: Mapping[str, str] | None = None,
    release: Release = release_battery,
) -> tuple[int, str]:
    """Look once; return the exit code and what to tell, empty where there is nothing to tell.

    A mode that somebody chose since is left alone, and what is stored beneath it zeroed.

    Raises
    ------
    ConfigError
        There is something to release, and neither record nor configuration says where.
    """
    before, command = record.stamp(), record.unvouched(now_s)
    if command is None:
        return 0, ""
    report = release(battery_to_hand_back(record, config, os.environ if environ is None else environ))
    told = f"nobody vouches for {command} any more: handing the battery back\n{report}"
    if not report.confirmed:
        return 1, told
    if record.stamp() != before:
        # A service that was only slow goes on: what it has put on record since may stand.
        return 0, f"{told}\nbut it was commanded again meanwhile, and stays on record"
    try:
        record.clear()
    except OSError as error:
        return 1, f"{told}\nand cannot write that down ({error}): it will be handed back again"
    return 0, told


def main(argv: list[str] | None = None) -> int:
    """Look once; return 0 nothing to do or handed back, 1 not confirmed, 2 wrong usage, 78 configuration unusable."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.guard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the service's configuration")
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="default: the service's")
    parser.add_argument("--runtime-dir", type=Path, metavar="DIR", help="default: the service's")
    arguments = parser.parse_args(argv)
    environ = service_environ(arguments.config, os.environ)
    record = CommandRecord.of_systemd(environ)
    if arguments.state_dir and arguments.runtime_dir:
        record = CommandRecord(arguments.state_dir, arguments.runtime_dir)
    if record is None:
        parser.error("give both --state-dir and --runtime-dir: the service's [service] state_dir and runtime_dir")
    try:
        code, told = guard(record, arguments.config, now_s=boot_time_s(), environ=environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 78
    if told:
        sys.stdout.write(f"{told}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
