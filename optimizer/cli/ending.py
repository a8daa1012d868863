"""How a command ends: what it tells the shell, and at once where native work would hold it up or abort it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG, EXIT_INTERRUPTED = 0, 1, 2, 78, 130


def end_at_once(code: int) -> NoReturn:
    """End the process here, with what was printed written, and wait for no thread."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started this (`>&-`)
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)
