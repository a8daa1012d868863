"""``sunshift resume``: the owner's word that a stand-down is over."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from optimizer.cli.service_folder import add_folder_arguments, runtime_dir_of
from optimizer.clock import WallClock, real_deadline
from optimizer.errors import SunshiftError
from optimizer.release.claim import is_held
from optimizer.service.resume_request import ResumeRequest
from optimizer.service.status import NOT_A_STATUS, Status, read_status, status_path

LOOK_EVERY_S = 0.25
LONGEST_WAIT_S = 180.0
"""A service looks at least once within this, whatever its status says [s]."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_folder_arguments(parser, config_required=False)


def run(arguments: argparse.Namespace) -> int:
    """Ask the service to end its stand-down and print what it then does; nothing is sent to the battery from here."""
    folder = runtime_dir_of(arguments.config)
    try:
        code, told = _resume(folder)
    except NOT_A_STATUS as error:
        msg = f"{status_path(folder)}: tells what this version does not understand ({error}); is another one running?"
        raise SunshiftError(msg) from error
    print(told)
    return code


def _resume(folder: Path) -> tuple[int, str]:
    """Return the exit code and what to tell."""
    status = _of_running_service(folder)
    if status.stand_down is None:
        return 0, "sunshift does not stand down: there is nothing to end."
    after = _ask(folder, status)
    if after.stand_down is not None:
        return 1, f"sunshift has tried, and stands down again: {after.stand_down['why']}."
    return 0, f"sunshift commands the battery again: {(after.decision or {}).get('reason', 'with its next step')}."


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
    clock, patience_s = WallClock(), min(float(before.stale_after_s), LONGEST_WAIT_S)
    request, left = ResumeRequest(folder, clock), real_deadline(patience_s)
    try:
        request.leave(service_pid=before.pid, valid_s=patience_s)
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
        taken = not request.waits
    finally:
        request.withdraw()
    if taken:
        msg = "the service has taken the request, and its status does not tell what came of it: the journal does"
        raise SunshiftError(msg)
    msg = f"the service has not taken the request within {patience_s:.0f} s; see `sunshift status`"
    raise SunshiftError(msg)
