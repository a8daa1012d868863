"""Memory that runs out: a process is moved into a control group of the host's that has next to none left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.machine import wait_for

CONTROL_GROUPS = Path("/sys/fs/cgroup")
LEFT_BYTES = 0
"""It may have no page more; those that it has already stay on the account of where it came from."""


class ShortOfMemory:
    """A process for which the kernel finds no more memory.

    Parameters
    ----------
    group
        Its control group.
    pid
        Its number on the host.
    """

    def __init__(self, group: Path, pid: int) -> None:
        self._group, self._pid = group, pid

    def killed_after(self, seconds: float) -> float:
        """Wait until it is gone, and return how long that took [s].

        Raises
        ------
        AssertionError
            It lives on, or it was not the kernel that killed it for want of memory.
        """
        took_s = wait_for(lambda: not Path(f"/proc/{self._pid}").exists(), seconds, "the kernel to kill it")
        told = "memory.oom_control" if _is_first_version() else "memory.events"
        kills = dict(line.split() for line in (self._group / told).read_text().splitlines())
        assert int(kills["oom_kill"]) > 0, f"it is gone, but not for want of memory: {kills}"
        return took_s


def why_no_limit() -> str | None:
    """Return why memory cannot be limited here; None where it can."""
    root = _root()
    return None if os.access(root, os.W_OK) and root.is_dir() else f"{root} cannot be written"


@contextmanager
def short_of_memory(pid: int) -> Iterator[ShortOfMemory]:
    """Let a process run out of memory."""
    group = _root() / f"sunshift-test-{os.getpid()}"
    group.mkdir()
    try:
        limit = "memory.limit_in_bytes" if _is_first_version() else "memory.max"
        (group / limit).write_text(str(LEFT_BYTES))
        (group / "cgroup.procs").write_text(str(pid))
        yield ShortOfMemory(group, pid)
    finally:
        with suppress(OSError):  # it may be gone, as it should be
            (_root() / "cgroup.procs").write_text(str(pid))
        time.sleep(0.1)  # a group is removed only once the last of its processes is buried
        group.rmdir()


def _root() -> Path:
    return CONTROL_GROUPS / "memory" if _is_first_version() else CONTROL_GROUPS


def _is_first_version() -> bool:
    return not (CONTROL_GROUPS / "cgroup.controllers").exists()
