"""What the process knows about itself."""

from __future__ import annotations

import resource
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

MIB = 1024.0 * 1024.0


@cache  # asked with every status; looking it up reads the package's metadata from disk
def version() -> str:
    """Return the installed version of sunshift."""
    return metadata.version("sunshift")


def memory_mib() -> float:
    """Return the resident memory of this process [MiB].

    From ``/proc`` (proc_pid_statm(5)); the peak so far where there is none.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / MIB if sys.platform == "darwin" else peak / 1024.0
    return pages * resource.getpagesize() / MIB
