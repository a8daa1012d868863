"""Logging to standard error: plain lines with the time for a person, priorities for the systemd journal.

The journal stamps every line itself and reads a priority from a ``<n>`` in front (sd-daemon(3)).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from optimizer.service.log_stream import BackgroundStream

PRIORITY = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
PLAIN = "%(asctime)s %(levelname)-7s %(message)s"


class JournalFormatter(logging.Formatter):
    """``<priority>message``; every line of a traceback carries the priority, or the journal would lose it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as the journal reads it."""
        prefix = f"<{PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def goes_to_journal(stream: TextIO | BackgroundStream, environ: Mapping[str, str]) -> bool:
    """Return whether ``stream`` is the one that systemd connected to the journal (``$JOURNAL_STREAM``)."""
    device, separator, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if not separator:
        return False
    try:
        stat = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(stat.st_dev), str(stat.st_ino))


def configure_logging(
    level: str, *, stream: TextIO | BackgroundStream | None = None, environ: Mapping[str, str] | None = None
) -> logging.Handler:
    """Send sunshift's own lines and every library's warnings to ``stream``; return the handler.

    Parameters
    ----------
    level
        ``debug``, ``info``, ``warning`` or ``error``.
    stream
        Standard error unless given.
    environ
        The process's environment unless given.
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    journal = goes_to_journal(target, os.environ if environ is None else environ)
    handler.setFormatter(JournalFormatter("%(message)s") if journal else logging.Formatter(PLAIN))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for ours in ("sunshift", "optimizer", "strategies"):
        logging.getLogger(ours).setLevel(level.upper())
    # A late job is a warning of APScheduler's per run; jobs are watched by their own record instead.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return handler
