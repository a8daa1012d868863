"""The guard: hands the battery back when a command stands that nobody vouches for any more.

``python -m optimizer.guard --config FILE``, started every half minute by a timer of its own. It knows nothing of the
service but the files of :mod:`optimizer.release.record`, so that it works whatever became of the service: hung, stopped
with no way back, or never started after a power cut. Standard library only; a look that finds nothing reads two files.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from optimizer.clock import boot_time_s
from optimizer.errors import ConfigError
from optimizer.release.hand_back import release_battery
from optimizer.release.record import CommandRecord, records
from optimizer.release.take_back import Release, take_back


def guard(
    record: CommandRecord, config: Path, *, now_s: float, environ: Mapping[str, str], release: Release = release_battery
) -> tuple[int, str]:
    """Look once; return the exit code and what to tell, empty where there is nothing to tell.

    A mode that somebody chose since is left alone, and what is stored beneath it zeroed.

    Raises
    ------
    ConfigError
        There is something to release, and neither record nor configuration says where.
    """
    if (obstacle := record.obstacle()) is not None:
        return 1, f"{obstacle}: nobody watches over a command on record there; let the guard's user look into it"
    before, command = record.stamp(), record.unvouched(now_s)
    if command is None:
        return 0, ""
    report = take_back(record, config, environ, release=release)
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
    watched = records(arguments.config, os.environ)
    if arguments.state_dir and arguments.runtime_dir:
        watched = (CommandRecord(arguments.state_dir, arguments.runtime_dir),)
    if not watched:
        parser.error("give both --state-dir and --runtime-dir: the service's [service] state_dir and runtime_dir")
    return max(_look(record, arguments.config) for record in watched)


def _look(record: CommandRecord, config: Path) -> int:
    try:
        code, told = guard(record, config, now_s=boot_time_s(), environ=os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 78
    if told:
        sys.stdout.write(f"{told}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
