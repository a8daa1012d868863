"""What went wrong, for a person, and the exit code that goes with it."""

from __future__ import annotations

import errno

from optimizer.cli.ending import EXIT_CONFIG, EXIT_FAILED
from optimizer.errors import ConfigError, ForeignHistory, SunshiftError

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def explained(error: BaseException) -> tuple[int, str] | None:
    """Return the exit code and one clear message; None: nobody foresaw it, so that only a traceback tells of it."""
    if isinstance(error, ConfigError | ForeignHistory):
        # Starting again mends neither: systemd is told by the code to leave it at that.
        return EXIT_CONFIG, str(error)
    if isinstance(error, SunshiftError):
        return EXIT_FAILED, str(error)
    if isinstance(error, ImportError):
        return EXIT_FAILED, f"the installation is broken, install it anew: {error}"
    why = _outer_trouble(error) if isinstance(error, OSError) else None
    return None if why is None else (EXIT_FAILED, why)


def _outer_trouble(error: OSError) -> str | None:
    """Return what the place that the command runs in lacks, for a person; None: the command itself is at fault."""
    if error.filename is not None:
        return None
    if error.errno == errno.ENOENT:
        return "the folder you are in is no longer there; go to another"
    if error.errno in DISK_IS_FULL:
        return f"the output cannot be written ({error.strerror}); make room for it"
    return None
