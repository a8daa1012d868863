"""``sunshift resume``: the owner's word that a stand-down is over."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from optimizer.cli.service_folder import add_folder_arguments, runtime_dir_of
from optimizer.clock import WallClock, real_deadline
from optimizer.errors import SunshiftError
from optimizer.service.lock import is_held
from optimizer.service.resume_request import ResumeRequest
from optimizer.service.status import Status, read_status, status_path

LOOK_EVERY_S = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_arguments(parser, config_required=False)


def run(arguments: argparse.Namespace) -> int:
    """Ask the service to end its stand-down and print what it then does; nothing is sent to the battery from here."""
    folder = runtime_dir_of(arguments.config)
    status = _of_running_service(folder)
    if status.stand_down is None:
        print("sunshift does not stand down: there is nothing to end.")
        return 0
    after = _ask(folder, status)
    if after.stand_down is not None:
        print(f"sunshift has tried, and stands down again: {after.stand_down['why']}.")
        return 1
    print(f"sunshift commands the battery again: {(after.decision or {}).get('reason', 'with its next step')}.")
    return 0


def _of_running_service(folder: Path) -> Status:
    """Return the status of a service that can be asked.

    Raises
    ------
    SunshiftError
        None runs, or it commands nothing anyway.
    """
    status = read_status(status_path(folder))
    if status is None or not is_held(folder):
        msg = f"sunshift is not running (looked in {folder}), so that nothing stands down; --config tells where to look"
        raise SunshiftError(msg)
    if status.mode == "observe":
        raise SunshiftError("sunshift only observes: it commands nothing, and stands down for nobody")
    return status


def _ask(folder: Path, before: Status) -> Status:
    """Leave the request, wait until a step has taken it, and return the status after that step.

    Raises
    ------
    SunshiftError
        It cannot be left, or nobody takes it.
    """
    clock = WallClock()
    request, left = ResumeRequest(folder, clock), real_deadline(before.stale_after_s)
    try:
        request.leave(service_pid=before.pid, valid_s=before.stale_after_s)
    except OSError as error:
        who = "ask as the service's user or as root, `sudo sunshift resume`"
        msg = f"{request.path}: cannot be written ({error.strerror}); {who}"
        raise SunshiftError(msg) from error
    try:
        while left() > 0.0:
            clock.wait(LOOK_EVERY_S, threading.Event())
            now = read_status(status_path(folder))
            if now is not None and now.resume_requests > before.resume_requests:
                return now
    finally:
        request.withdraw()
    msg = f"the service has not taken the request within {before.stale_after_s:.0f} s; see `sunshift status`"
    raise SunshiftError(msg)
