"""``sunshift status``: what the running service does, since when, and why."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from optimizer.cli.service_folder import add_folder_arguments, runtime_dir_of
from optimizer.cli.status_text import status_text
from optimizer.clock import WallClock
from optimizer.errors import SunshiftError
from optimizer.release.claim import is_held
from optimizer.service.status import NOT_A_STATUS, read_status, status_path
from optimizer.service.verdict import Verdict, judge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_arguments(parser, config_required=False)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Print the status; 1 where the service does not run or has stopped telling."""
    folder = runtime_dir_of(arguments.config)
    now = WallClock().now()
    status = read_status(status_path(folder))
    try:
        verdict = judge(status, held=is_held(folder), now=now)
        text = status_text(status, verdict, folder=folder, now=now)
    except NOT_A_STATUS as error:
        msg = f"{status_path(folder)}: tells what this version does not understand ({error}); is another one running?"
        raise SunshiftError(msg) from error
    if arguments.json:
        told = {} if status is None else asdict(status)
        print(json.dumps({**told, "running": verdict is Verdict.RUNNING, "verdict": verdict.value}))
    else:
        print(text)
    return 0 if verdict is Verdict.RUNNING else 1
