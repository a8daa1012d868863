"""Logging: times for a person, priorities for the journal."""

import io
import logging
import os
from pathlib import Path

from optimizer.service.log_setup import JournalFormatter, configure_logging, goes_to_journal


def test_the_journal_gets_priorities_and_no_times(tmp_path: Path) -> None:
    """A stream that systemd connected to the journal is recognised by device and inode alone."""
    with (tmp_path / "log").open("w") as stream:
        stat = os.fstat(stream.fileno())
        assert goes_to_journal(stream, {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"})
        assert not goes_to_journal(stream, {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino + 1}"})
        assert not goes_to_journal(stream, {})
    assert not goes_to_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
    record = logging.LogRecord("sunshift", logging.WARNING, "", 0, "two\nlines", None, None)
    assert JournalFormatter("%(message)s").format(record) == "<4>two\n<4>lines"


def test_a_terminal_gets_the_time_and_the_level() -> None:
    """Outside the journal every line says when and how grave; libraries speak from warnings on."""
    stream = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().level
    handler = configure_logging("info", stream=stream, environ={})
    try:
        logging.getLogger("sunshift.service").info("it runs")
        logging.getLogger("urllib3").info("chatter")
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name in ("sunshift", "optimizer", "strategies", "apscheduler"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("INFO    it runs\n")
