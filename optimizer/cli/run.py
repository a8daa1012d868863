"""``sunshift run``: the service in the foreground, as systemd starts it."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from optimizer.assembly.configuration import load_configuration
from optimizer.cli.ending import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, end_at_once
from optimizer.cli.explaining import explained
from optimizer.cli.starting import nothing_collected
from optimizer.clock import WallClock
from optimizer.errors import LockedError
from optimizer.release.word import REFUSED
from optimizer.service.log_setup import configure_logging
from optimizer.service.log_stream import LAST_WORDS_S, BackgroundStream, in_background
from optimizer.service.notify import Notifier
from optimizer.service.signals import stop_on_signals

if TYPE_CHECKING:
    from optimizer.service.daemon import Daemon

logger = logging.getLogger("sunshift.service")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file; without it the environment alone")
    parser.add_argument("--observe", action="store_true", help="poll, plan, record and show; command nothing")


def run(arguments: argparse.Namespace) -> NoReturn:
    """Run until SIGTERM or Ctrl-C, and end the process.

    It ends with 0; with 1 where the battery could not be handed back, another service has taken a folder of this one,
    or an error ended it; with 69 where another one commands the battery; with 130 where Ctrl-C came again after a
    while. Before there is a service, errors are raised.
    """
    notifier = Notifier.from_environment()
    stop, ending = threading.Event(), Ending()
    with stop_on_signals(stop, impatient=ending.cut_short), in_background(sys.stderr) as ending.log:
        with nothing_collected():
            configuration = load_configuration(arguments.config)
            configure_logging(configuration.settings.service.log_level, stream=ending.log)
            # Late, because it loads numerics: a mistake in the configuration shows at once.
            from optimizer.planning.kernel.choice import compile_nothing  # noqa: PLC0415
            from optimizer.service.composition import build_daemon  # noqa: PLC0415

            compile_nothing()
            daemon = build_daemon(configuration, clock=WallClock(), notifier=notifier, observe=arguments.observe)
            ending.daemon = daemon
        code = EXIT_FAILED
        try:
            code = _run_to_the_end(daemon, stop)
        finally:
            # Whatever comes out of it, and as long as the signals are ours: one that came as the interpreter ends would
            # make another end of it, and a plan that is still being made, or hangs, would be waited for.
            ending.end(code)


class Ending:
    """The end of the process, which nothing may hold up: a plan that hangs, a disk, a log that nobody reads."""

    def __init__(self) -> None:
        self.daemon: Daemon | None = None
        self.log: BackgroundStream | None = None

    def end(self, code: int) -> NoReturn:
        """End, with the last lines written where that takes no longer than two seconds."""
        try:
            if self.log is not None:
                self.log.drain(LAST_WORDS_S)
        finally:
            end_at_once(code)

    def cut_short(self) -> NoReturn:
        """End in the midst of what the service does, for a person who cannot wait: as a crash would, but say so.

        What stands at the battery is on record then, and what comes after a crash comes after this.
        """
        try:
            telling = threading.Thread(target=self._tell, name="last word", daemon=True)
            telling.start()
            telling.join(LAST_WORDS_S)
        finally:
            self.end(EXIT_INTERRUPTED)

    def _tell(self) -> None:
        if self.daemon is not None and self.daemon.may_have_left_a_command:
            logger.error("interrupted with a command on record: run `sunshift release`, or look at the battery")
        else:
            logger.warning("interrupted")


def _run_to_the_end(daemon: Daemon, stop: threading.Event) -> int:
    try:
        daemon.run(stop)
    except LockedError as error:
        logger.error("%s", error)
        return REFUSED
    except BaseException as error:
        told = explained(error)
        if told is None:
            logger.exception("ended in an unforeseen way")
            return EXIT_FAILED
        code, why = told
        logger.error("%s", why)
        return code
    if daemon.left_to_another:
        return REFUSED
    return EXIT_DONE if daemon.handed_back and not daemon.displaced else EXIT_FAILED
