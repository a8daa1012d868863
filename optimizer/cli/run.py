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
from optimizer.cli.starting import nothing_collected
from optimizer.clock import WallClock
from optimizer.errors import LockedError, SunshiftError
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


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C, and end the process.

    It ends with 0; with 1 where the battery could not be handed back, another service has taken a folder of this one,
    or something unforeseen ended it; with 69 where another one commands the battery; with 130 where Ctrl-C came again
    after a while. Before there is a service, errors are raised.
    """
    notifier = Notifier.from_environment()
    stop, cut_short = threading.Event(), CutShort()
    with stop_on_signals(stop, impatient=cut_short):
        with in_background(sys.stderr) as cut_short.log:
            with nothing_collected():
                configuration = load_configuration(arguments.config)
                configure_logging(configuration.settings.service.log_level, stream=cut_short.log)
                # Late, because it loads numerics: a mistake in the configuration shows at once.
                from optimizer.planning.kernel.choice import compile_nothing  # noqa: PLC0415
                from optimizer.service.composition import build_daemon  # noqa: PLC0415

                compile_nothing()
                daemon = build_daemon(configuration, clock=WallClock(), notifier=notifier, observe=arguments.observe)
                cut_short.daemon = daemon
            code = _run_to_the_end(daemon, stop)
        # As long as the signals are ours: one that came as the interpreter ends would make another end of it. And a
        # plan that is still being made, or hangs, would be waited for then.
        end_at_once(code)


class CutShort:
    """Ends the process in the midst of what it does, for a person who cannot wait: as a crash would, but says so.

    What stands at the battery is on record then, and what comes after a crash comes after this. Nothing is raised in
    the main thread, which may be within a library, a finalizer or a wait that would not end by it.
    """

    def __init__(self) -> None:
        self.daemon: Daemon | None = None
        self.log: BackgroundStream | None = None

    def __call__(self) -> NoReturn:
        """Say it, within two seconds, and end."""
        telling = threading.Thread(target=self._tell, name="last word", daemon=True)
        telling.start()
        telling.join(LAST_WORDS_S)
        end_at_once(EXIT_INTERRUPTED)

    def _tell(self) -> None:
        if self.daemon is not None and self.daemon.may_have_left_a_command:
            logger.error("interrupted with a command on record: run `sunshift release`, or look at the battery")
        else:
            logger.warning("interrupted")
        if self.log is not None:
            self.log.drain(LAST_WORDS_S)


def _run_to_the_end(daemon: Daemon, stop: threading.Event) -> int:
    try:
        daemon.run(stop)
    except LockedError as error:
        logger.error("%s", error)
        return REFUSED
    except SunshiftError as error:
        logger.error("%s", error)
        return EXIT_FAILED
    except Exception:
        # Told and ended here: a plan that hangs would keep the interpreter from ending.
        logger.exception("ended in an unforeseen way")
        return EXIT_FAILED
    if daemon.left_to_another:
        return REFUSED
    return EXIT_DONE if daemon.handed_back and not daemon.displaced else EXIT_FAILED
